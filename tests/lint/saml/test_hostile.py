"""Whatever the bytes, a judge yields findings and takes little time; it never falls over."""

import random
import time

import pytest
from lxml import etree

from harness.check import judge_bytes
from harness.lint.judge import Context, Raw
from harness.lint.saml import judge_message, judge_metadata
from harness.model import Finding
from harness.sheets import to_xlsx
from harness.wire import saml_generate as generate
from harness.wire.saml import EntityId
from harness.wire.saml_signature import sign
from tests.lint.saml.conftest import DV_OIN


def damaged(data, seed):
    chance = random.Random(seed)
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 3))):
        place = chance.randrange(len(found))
        kind = chance.random()
        if kind < 0.6:
            found[place] ^= 1 << chance.randrange(8)
        elif kind < 0.8:
            del found[place : place + chance.randrange(1, 200)]
        else:
            other = chance.randrange(len(found))
            found[place:place] = found[other : other + chance.randrange(1, 300)]
    return bytes(found)


@pytest.mark.parametrize("role", ["dv", "lc", "rd", ""])
def test_damaged_metadata_never_breaks_the_judge(kit, rd_file, role):
    sources = (kit.file(kit.dv()), kit.file(kit.lc()), rd_file)
    for seed in range(60):
        raw = Raw(damaged(sources[seed % 3], seed))
        list(judge_metadata(raw, kit.context(role)))
        list(judge_message(raw, kit.context(role)))


def test_a_large_cluster_signed_with_a_stray_key_is_judged_in_reasonable_time(kit):
    certificate = kit.lc().providers[0].encryption
    many = tuple(generate.Provider(EntityId("DV", f"00000099{n:09d}000", "9001"), certificate) for n in range(1, 1500))
    root = kit.tree(kit.lc(providers=many))
    stray = kit.signer("own-signing", oin=DV_OIN)
    data = etree.tostring(sign(root, stray)).replace(stray.key_name.encode(), kit.lc().signing[0].sha1.encode())
    start = time.process_time()
    fired = kit.judge(data, "lc")
    assert fired["SAML-MD-310"] == "error"
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    "data",
    [
        b"<a>" * 100_000,
        b"<md:EntitiesDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata'/>",
        b"<md:EntityDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata'/>",
        "<md:EntityDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata'/>".encode("utf-16"),
        b"\x00\x01\x02",
    ],
)
def test_strange_documents_are_findings(kit, data):
    assert len(kit.judge(data)) > 1


def test_a_hundred_thousand_comments_take_no_longer_than_reading_them():
    data = b'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">' + b"<!-- x -->" * 100_000
    start = time.perf_counter()
    list(judge_metadata(Raw(data + b"</md:EntitiesDescriptor>"), Context()))
    assert time.perf_counter() - start < 5


def test_metadata_of_another_federation_is_told_in_one_sentence_and_each_rule_once():
    one = b'<md:EntityDescriptor entityID="https://idp.example/%d"><md:SPSSODescriptor/></md:EntityDescriptor>'
    body = b"".join(one % number for number in range(40))
    data = (
        b'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">' + body + b"</md:EntitiesDescriptor>"
    )
    found = [f for f in judge_metadata(Raw(data), Context(role="lc")) if isinstance(f, Finding)]
    assert "andere federatie" in found[0].observed.nl
    assert len({f.rule for f in found}) == len(found)


@pytest.mark.parametrize(
    "inside", [b"<!--" + b"x" * 11_000_000 + b"-->", b"<a>" + b"x" * 11_000_000 + b"</a>", b"<a b='" + b"x" * 11_000_000 + b"'/>"]
)  # fmt: skip
def test_an_endless_text_is_told_in_our_own_words(kit, inside):
    data = b"<md:EntityDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata'>" + inside + b"</md:EntityDescriptor>"
    found = list(judge_metadata(Raw(data), kit.context("dv")))
    assert [(f.rule, f.case) for f in found] == [("SAML-MD-001", "size")]


def test_a_damaged_spreadsheet_never_breaks_the_judge(kit, tmp_path):
    rows = [["EntityID", "OIN", "Naam"], ["urn:x", DV_OIN, "Noord"]]
    source = to_xlsx([("Dienstverleners", rows, [20, 20, 20])], tmp_path / "a.xlsx")
    for seed in range(60):
        assert judge_bytes(damaged(source, seed), "a.xlsx", kit.context("lc")).path == "a.xlsx"
