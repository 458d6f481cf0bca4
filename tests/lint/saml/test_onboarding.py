"""The aansluitbestand: its template, its rows, and its agreement with metadata and certificates."""

import pytest

from harness.check import judge_bytes
from harness.lint.judge import Raw
from harness.lint.saml.onboarding import Joined, Lack, Row, Sheet, judge_onboarding, plan_batches
from harness.model import Environment
from harness.wire.saml_metadata import read_metadata
from tests.lint.saml.conftest import DV_OIN, UUIDS, loud, weighed

HEADINGS = ("EntityID", "OIN", "ServiceUUID", "Naam organisatie", "Status", "Akkoordverklaring", "Omgeving")
DV = f"urn:nl-eid-gdi:1.0:DV:{DV_OIN}:entities:9001"
UZI = "urn:nl-eid-gdi:1.0:DV:00000009900000010000:entities:9001"
ROWS = (
    (DV, DV_OIN, UUIDS[0], "Huisartsen Noord", "actief", "ja", "preproductie"),
    (UZI, "00000009900000010000", UUIDS[1], "Ziekenhuis Zuid", "actief", "ja", "preproductie"),
)


def sheet(*rows, headings=HEADINGS, sheets=("Dienstverleners",), formulas=()):
    made = tuple(Row(n, dict(zip(headings, row, strict=False)), formulas) for n, row in enumerate(rows or ROWS, 2))
    return Sheet(sheets, headings, made)


def changed(line, column, value):
    rows = [list(row) for row in ROWS]
    rows[line][column] = value
    return sheet(*(tuple(row) for row in rows))


@pytest.fixture
def judge(kit):
    metadata = read_metadata(kit.file(kit.lc()))

    def judged(found, role="lc", environment=Environment.PREPROD, **beside):
        parts = {"template": sheet(), "previous": sheet(), "metadata": metadata, "names": {DV_OIN: "Huisartsen Noord"}}
        ctx = kit.context(role, environment=environment)
        return weighed(judge_onboarding(Joined(found, **parts | beside), ctx), ctx)

    return judged


def test_a_complete_file_is_silent(judge):
    fired = judge(sheet())
    assert not loud(fired)
    assert not fired["not run"]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("SAML-ONB-001", sheet(headings=("EntityId", *HEADINGS[1:]))),
        ("SAML-ONB-001", sheet(sheets=("Dienstverleners", "Extra"))),
        ("SAML-ONB-001", sheet(formulas=("OIN",))),
        ("SAML-ONB-001", changed(0, 3, "")),
        ("SAML-ONB-002", changed(0, 6, "productie")),
        ("SAML-ONB-003", sheet(ROWS[0])),
        ("SAML-ONB-004", changed(0, 1, "00000099000000005001")),
        ("SAML-ONB-004", changed(0, 0, "urn:nl-eid-gdi:1.0:DV:00000099000000005001:entities:9001")),
        ("SAML-ONB-004", changed(0, 0, DV.replace("9001", "9002"))),
        ("SAML-ONB-004", sheet(ROWS[0])),
        ("SAML-ONB-004", sheet(*ROWS, (*ROWS[0][:2], "6f1c2a3e-5b7d-4c1a-9e2f-0a1b2c3d4e99", *ROWS[0][3:]))),
        ("SAML-ONB-005", changed(0, 2, "geen-uuid")),
        ("SAML-ONB-005", changed(0, 2, UUIDS[1])),
    ],
)
def test_one_deviation_fires(judge, rule, found):
    assert judge(found)[rule] == "error"


def test_another_name_is_a_remark(judge):
    assert judge(changed(0, 3, "De Huisarts"))["SAML-ONB-006"] == "warning"


def test_production_needs_every_consent(judge):
    rows = [(*row[:6], "productie") for row in ROWS]
    without = sheet((*rows[0][:5], "nee", "productie"), rows[1])
    assert "SAML-ONB-007" not in judge(sheet(*rows), environment=Environment.PROD)
    assert judge(without, environment=Environment.PROD)["SAML-ONB-007"] == "error"


def test_a_closed_dienstverlener_stays_in_the_file_but_is_not_compared(judge):
    closed = (
        DV.replace("5000", "5009"),
        "00000099000000005009",
        "6f1c2a3e-5b7d-4c1a-9e2f-0a1b2c3d4e59",
        "Oud",
        "afgesloten",
        "ja",
        "preproductie",
    )
    assert not loud(judge(sheet(*ROWS, closed)))


def test_a_large_addition_is_told(judge):
    many = [
        (
            DV.replace("000005000", f"{n:09d}"),
            f"00000099{n:09d}000",
            f"6f1c2a3e-5b7d-4c1a-9e2f-{n:012d}",
            "X",
            "actief",
            "ja",
            "preproductie",
        )
        for n in range(1, 160)
    ]
    assert judge(sheet(*ROWS, *many), metadata=None)["SAML-ONB-008"] == "warning"


def test_the_sources_disagree_on_direct_connections(judge):
    assert judge(sheet(), role="dv")["SAML-ONB-009"] == "info"


def test_what_cannot_be_compared_did_not_run(judge):
    fired = judge(sheet(), template=None, previous=None, metadata=None, names={})
    assert fired["not run"] == {"SAML-ONB-001", "SAML-ONB-003", "SAML-ONB-004", "SAML-ONB-006", "SAML-ONB-008"}


def test_batches_hold_only_who_lacks_nothing():
    lacks = (*(Lack(f"dv {n}", str(n), ()) for n in range(301)), Lack("later", "x", ("BSN-certificaat",)))
    assert [len(batch) for batch in plan_batches(lacks)] == [150, 150, 1]


@pytest.mark.parametrize(("delimiter", "encoding"), [(";", "utf-8"), (",", "utf-8-sig"), ("\t", "utf-8")])
def test_an_aansluitbestand_that_was_saved_as_csv_is_recognised_and_silent(kit, delimiter, encoding):
    lines = "\r\n".join(delimiter.join(row) for row in (HEADINGS, *ROWS))
    beside = (Raw(kit.file(kit.lc()), "metadata.xml"),)
    judged = judge_bytes(lines.encode(encoding), "aansluitbestand.csv", kit.context("lc", companions=beside))
    assert judged.kind == "aansluitbestand"
    assert not [g for g in judged.findings if g.severity != "info"]


def test_metadata_is_held_against_the_aansluitbestand_beside_it(kit):
    def judged(*rows):
        data = "\n".join(";".join(row) for row in (HEADINGS, *rows)).encode()
        return kit.judge(kit.file(kit.lc()), "lc", companions=(Raw(data, "aansluitbestand.csv"),))

    assert "SAML-MD-804" not in judged(*ROWS)
    assert judged(ROWS[0])["SAML-MD-804"] == "error"


def test_renamed_columns_and_formulas_are_one_sentence_each(judge):
    for found in (sheet(headings=("Entiteit", "Nummer", *HEADINGS[2:])), sheet(formulas=("EntityID", "OIN"))):
        fired = judge(found)
        assert loud(fired) == {"SAML-ONB-001"}
        assert "SAML-ONB-004" in fired["not run"]
