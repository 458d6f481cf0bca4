"""The whole corpus: expected ids of every row, nothing louder on the good ones, and no bytes that make us fall."""

import base64
import csv
import random
import warnings
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning

from harness.check import judge_bytes
from harness.lint.judge import Context, Raw
from harness.lint.wus import RULES
from harness.lint.wus.wsdl import RULES as WSDL_RULES
from harness.model import Environment
from harness.rulebook import rulebook
from tests.lint.wus.messages import NOW, answer, raw_of
from tests.wus_keys import holders

LOUDER_THAN_THE_MANIFEST = {"suwinet-kadaster-request-zeep-signature.xml", "generic/wsjs-valid-wss-resp.xml"}
FAMILIES = ("WUS-", "META-", "DIGIPOORT-", "PROFIEL-", "DIGIMELDING-")


def trust(folder, name):
    if name == "derived-root":
        return [(folder / "derived/root.pem").read_bytes()], [(folder / "derived/tsp.pem").read_bytes()]
    if name in ("digipoort", "pkio-private"):
        chain = x509.load_pem_x509_certificates((folder / "digipoort-aansluitsuite-ca-chain.pem").read_bytes())
        pem = [(c.subject == c.issuer, c.public_bytes(Encoding.PEM)) for c in chain]
        return [p for root, p in pem if root], [p for root, p in pem if not root]
    return [], []


def captured(row, body):
    if not (row["content_type"] or row["http_status"] or row["soapaction"]):
        return body
    kind = row["content_type"] or "text/xml; charset=utf-8"
    if row["role"] == "request":
        head = f"POST /stub HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nSOAPAction: {row['soapaction'] or chr(34) * 2}\r\n\r\n"
    else:
        head = f"HTTP/1.1 {row['http_status'] or 200} X\r\nContent-Type: {kind}\r\n\r\n"
    return head.encode() + body


def test_every_row_of_the_corpus(shared):
    folder = shared / "corpus" / "wus"
    with (folder / "manifest.csv").open(newline="") as lines:
        rows = [r for r in csv.DictReader(lines) if r["role"] in ("request", "response")]
    assert len(rows) > 40
    for row in rows:
        anchors, between = trust(folder, row["trust"])
        beside = [Raw(pem, "c.pem") for pem in between]
        if row["request_file"]:
            beside.append(Raw((folder / row["request_file"]).read_bytes(), row["request_file"]))
        ctx = Context(
            at=datetime.fromisoformat(row["judge_at"]) if row["judge_at"] else datetime(2026, 11, 21, 20, tzinfo=UTC),
            environment=Environment.PREPROD,
            role=row["role"],
            profile="2W-be-" + row["profile"],
            trust=tuple(anchors),
            companions=tuple(beside),
        )
        data = captured(row, (folder / row["file"]).read_bytes())
        document = judge_bytes(data, row["file"], ctx, "soap-message")
        loud = {g.finding.rule for g in document.findings if str(g.severity) != "info"}
        want = set(row["expect_ids"].split())
        assert want <= loud, row["file"]
        if row["file"] not in LOUDER_THAN_THE_MANIFEST:
            assert loud == want, row["file"]


def test_damaged_bytes_give_findings_and_never_a_traceback():
    healthy = raw_of(answer())
    dice = random.Random(20261121)
    ctx = Context(role="response", profile="2W-be-S")
    for _ in range(150):
        data = bytearray(healthy)
        for _ in range(dice.randint(1, 6)):
            place = dice.randrange(len(data))
            data[place : place + dice.randint(0, 40)] = bytes(dice.randrange(256) for _ in range(dice.randint(0, 8)))
        judge_bytes(bytes(data), "kapot.xml", ctx, "soap-message")


def test_every_rule_with_a_function_has_texts_and_the_other_way_round():
    texts = {k for k, rule in rulebook().rules.items() if k.startswith(FAMILIES) and rule.settled_by == "file"}
    assert set(RULES.ids) | set(WSDL_RULES.ids) == texts


def revoked():
    """A CRL that holds the certificate of the service."""
    tsp = holders()["tsp"]
    entry = x509.RevokedCertificateBuilder().serial_number(holders()["theirs"].certificate.serial_number)
    builder = x509.CertificateRevocationListBuilder().issuer_name(tsp.certificate.subject)
    builder = builder.last_update(NOW).next_update(NOW + timedelta(days=1))
    builder = builder.add_revoked_certificate(entry.revocation_date(NOW).build())
    return builder.sign(tsp.key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_damaged_certificates_and_crls_give_findings_and_never_a_traceback():
    whole = raw_of(answer())
    der, dice = holders()["theirs"].certificate.public_bytes(Encoding.DER), random.Random(20261122)
    token, crl = base64.b64encode(der), revoked()
    assert token in whole
    version = der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x47", 1)
    subject = der.replace(b"\x0c\x11dienst.example.nl", b"\x05\x11dienst.example.nl", 1)
    for damaged in (version, subject, *(_damaged(der, dice) for _ in range(200))):
        issuer = _damaged(holders()["tsp"].certificate.public_bytes(Encoding.DER), dice)
        beside = (Raw(issuer, "t"), Raw(_damaged(crl, dice), "a.crl"))
        ctx = Context(role="response", profile="2W-be-S", trust=(holders()["root"].pem,), companions=beside)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # over odd serial numbers
            judge_bytes(whole.replace(token, base64.b64encode(damaged)), "kapot.xml", ctx, "soap-message")


def _damaged(data, dice):
    changed = bytearray(data)
    for _ in range(dice.randint(1, 3)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)
