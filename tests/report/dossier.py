"""Runs of an invented municipality and an invented company, written in code: what the tests of the report read."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from harness.attestations import Attestation, Declaration, Ledger, Waiver
from harness.checklist import probes_of, procedure
from harness.model import (
    Environment,
    Evidence,
    Finding,
    Graded,
    NotRun,
    Observation,
    Result,
    Severity,
    Text,
    Verdict,
)
from harness.rulebook import Rulebook, read_catalogue
from harness.run import ConnectionInfo, Run, RunInfo

NOW = datetime(2026, 11, 21, 19, 42, 30, tzinfo=UTC)
DIGEST = "9f2c41d07be3a1c4" * 4
BOOK = Rulebook(
    read_catalogue(
        """
[PKIO-CHAIN-009]
severity = "error"
title = { nl = "De ketenpartner weigert ons certificaat", en = "The counterparty refuses our certificate" }
why = { nl = "Waarschijnlijke oorzaak: zonder tussenliggende certificaten kan de ketenpartner de keten niet opbouwen. Andere mogelijkheid: hij kent de stamcertificaten van deze generatie nog niet.", en = "Likely cause: without intermediate certificates the counterparty cannot build the chain. Other possibility: it does not know the root certificates of this generation yet." }
remedy = { nl = "Voeg de tussenliggende certificaten toe aan certs/tls.pem en voer de run opnieuw uit.", en = "Add the intermediate certificates to certs/tls.pem and repeat the run." }
source = { document = "Digikoppeling Gebruik en achtergrond certificaten", section = "hfst. 2", version = "1.6" }
who = { nl = "eigen beheer", en = "own administration" }

[PKIO-VAL-002]
severity = "warning"
title = { nl = "Het certificaat verloopt binnenkort", en = "The certificate expires soon" }
why = { nl = "Na de einddatum weigert de ketenpartner de verbinding.", en = "After the end date the counterparty refuses the connection." }
remedy = { nl = "Vraag nu een nieuw certificaat aan; de levertijd is enkele weken.", en = "Request a new certificate now; delivery takes some weeks." }
source = { document = "PKIoverheid Programma van Eisen", section = "deel 3", version = "5.0" }
who = { nl = "projectleider", en = "project leader" }

[PONG-001]
severity = "error"
title = { nl = "Op de Ping kwam geen Pong", en = "No Pong came in answer to the Ping" }
why = { nl = "Waarschijnlijke oorzaak: het CPA is bij de ketenpartner niet geladen.", en = "Likely cause: the counterparty has not loaded the CPA." }
remedy = { nl = "Vraag Servicecentrum Logius of het CPA is geladen en stuur de Ping opnieuw.", en = "Ask Servicecentrum Logius whether the CPA is loaded and send the Ping again." }
source = { document = "Handleiding aansluiten Lopende zaken", section = "4.3.9", version = "1.9" }
who = { nl = "Servicecentrum Logius", en = "Servicecentrum Logius" }

[WVR-001]
severity = "error"
title = { nl = "De afwijking is verlopen", en = "The waiver has expired" }
source = { document = "ketentest", version = "1" }
remedy = { nl = "Verleng de afwijking met reden of los de bevinding op.", en = "Extend the waiver with a reason or solve the finding." }
""",
        "dossier",
    ),
    "2026-11",
)


def connection(name="digipoort", system="digipoort", environment=Environment.PREPROD, **changes):
    plain = ConnectionInfo(
        name=name,
        system=system,
        environment=environment,
        party="Voorbeeld Administraties B.V.",
        oin="00000099000000001000",
        kind="bedrijf",
        contact="Anna van Voorbeeld",
        peer="Digipoort",
        digipoort_role="zelfbouwer",
        channels=("webservice",),
        ticket="LOG-2026-0042",
        adapter="Voorbeeldadapter 4.2",
        endpoints=(("wus", "https://preprod-dgp2.procesinfrastructuur.nl/wus/2.0"),),
        profiles=("2W-be-S",),
    )
    return replace(plain, **changes)


def municipality(name="lopende-zaken", environment=Environment.PREPROD, **changes):
    return connection(
        name,
        "lopende-zaken",
        environment,
        party="Gemeente Voorbeeldstad",
        oin="00000099000000002000",
        kind="overheid",
        peer="MijnOverheid Lopende Zaken",
        digipoort_role="",
        endpoints=(("ebms", "https://preprod.mijnoverheid.nl/ebms"), ("wus", "https://preprod.mijnoverheid.nl/wus")),
        profiles=("osb-rm", "2W-be-S"),
        **changes,
    )


def result(probe, verdict=Verdict.PASS, name="digipoort", seen="", **changes):
    environment = changes.pop("environment", Environment.PREPROD)
    plain = Result(
        probe=probe,
        connection=name,
        verdict=verdict,
        environment=environment,
        observed=(Observation(seen if isinstance(seen, Text) else str(seen)),) if seen else (),
        started=NOW - timedelta(seconds=20),
        seconds=0.011,
    )
    return replace(plain, **changes)


def graded(rule, severity=Severity.ERROR, **values):
    return Graded(Finding(rule, **values), severity)


def run(connections, results, run_id="20261121-2042-7f3a", **changes):
    info = RunInfo(
        id=run_id,
        started=NOW - timedelta(seconds=30),
        version="0.1.0",
        rules_version="2026-11",
        checklists_version="2026-11",
        scenario="/home/tester/scenarios/preprod/chain.toml",
        scenario_sha256="ab" * 32,
        python="3.11.7",
        tls_library="OpenSSL 3.0.19",
        libraries=(("httpx", "0.28.1"), ("lxml", "6.1.3")),
        caps=(("één verzoek tegelijk per host / one request at a time per host", "1"),),
        connections=tuple(connections),
    )
    plain = Run(info, tuple(results), ended=NOW, masked=14)
    return replace(plain, **changes)


ALERT = graded(
    "PKIO-CHAIN-009",
    observed=Text(
        "TLS-alert 48 unknown_ca na de handshake (TLS 1.3); certs/tls.pem bevat 1 certificaat",
        "TLS alert 48 unknown_ca after the handshake (TLS 1.3); certs/tls.pem holds 1 certificate",
    ),
    expected=Text("eindcertificaat, TSP-CA en domein-CA, in die volgorde", "leaf, TSP CA and domain CA, in that order"),
    where="preprod-dgp2.procesinfrastructuur.nl:443",
    evidence=(DIGEST,),
)
EXPIRES = graded(
    "PKIO-VAL-002",
    Severity.WARNING,
    observed=Text("verloopt op 12 januari 2027, over 52 dagen", "expires on 12 January 2027, in 52 days"),
    expected=Text("meer dan 60 dagen geldig", "valid for more than 60 days"),
    where="certs/tls.pem",
)
VALIDITY = Observation(
    Text("geldig tot 12 januari 2027", "valid until 12 January 2027"),
    (
        ("role", "tls-client (G1)"),
        ("from", "2024-01-12"),
        ("until", "2027-01-12"),
    ),
)
LATER = Observation(
    Text("geldig tot 2 mei 2028", "valid until 2 May 2028"),
    (
        ("role", "message-signing (G4)"),
        ("from", "2026-05-02"),
        ("until", "2028-05-02"),
    ),
)


CPA = Observation(
    Text("CPA Voorbeeldstad-LZ-1, geldig tot 2028-05-02", "CPA Voorbeeldstad-LZ-1, valid until 2028-05-02"),
    (("CPAId", "Voorbeeldstad-LZ-1"), ("End", "2028-05-02T00:00:00Z"), ("SHA-256", "b7" * 32)),
)


def digipoort_results(name="digipoort", **changes):
    """The morning on which Digipoort refuses the certificate: one cause, and what waits for it."""
    blocked = Text(
        "wacht op tls.mutual (wus): De ketenpartner weigert ons certificaat (PKIO-CHAIN-009)",
        "waits for tls.mutual (wus): The counterparty refuses our certificate (PKIO-CHAIN-009)",
    )
    return (
        result("identity.oin", name=name, seen=Text("OIN in scenario en certificaat gelijk", "OIN equal in scenario and certificate"), **changes),
        result("pki.fields[tls-client]", name=name, seen="3 certificaten, 9 velden", **changes),
        result("pki.chain", name=name, seen="TSP-CA: QuoVadis PKIoverheid Private Services CA - G1", **changes),
        result("pki.validity", Verdict.WARN, name, findings=(EXPIRES,), observed=(VALIDITY, LATER), **changes),
        result("net.dns", name=name, seen=Text("2 adressen", "2 addresses"), subject="wus", **changes),
        result("net.tcp", name=name, seen="11 ms", subject="wus", **changes),
        result("tls.server", name=name, seen="TLS 1.2 en 1.3, 38 ms", subject="wus", **changes),
        result(
            "tls.mutual", Verdict.FAIL, name, findings=(ALERT,), subject="wus",
            evidence=(Evidence(DIGEST, "9f2c41d07be3a1c4.tls.txt", "text/plain", 1842),), **changes,
        ),
        result("wus.wsdl", name=name, seen="StatusInformatieService 1.2", evidence=(Evidence("c3" * 32, "status.wsdl", "application/wsdl+xml", 18420),), **changes),
        result("wus.call", Verdict.BLOCKED, name, cause=blocked, **changes),
        result("wus.headers", Verdict.BLOCKED, name, cause=blocked, **changes),
        result("wus.signature", Verdict.BLOCKED, name, cause=blocked, not_run=(NotRun("WUS-SIGN-004", Text("geen antwoord ontvangen", "no answer received")),), **changes),
    )  # fmt: skip


def red(**changes):
    """A run against pre-production in which one thing is wrong."""
    return run([connection()], digipoort_results(), **changes)


def lab():
    """A run against the embedded lab in which every probe of the procedure passes."""
    probes = dict.fromkeys(p for row in procedure("digipoort").rows for p in probes_of(row))
    results = (result(probe, environment=Environment.LAB, seen="lab") for probe in probes)
    return run([connection(environment=Environment.LAB)], results)


def ledger():
    """What the people of the municipality declared by 21 November."""

    def said(step, day, statement, **more):
        return Attestation(step, "Bea de Wit", "projectleider", day, statement, connection="lopende-zaken", **more)

    return Ledger(
        attestations=(
            said("LZ-3.3.1", date(2026, 6, 2), "Mandaat van het college, kenmerk 2026-114."),
            said("LZ-3.3.5", date(2026, 6, 20), "Intentieverklaring verstuurd.", file="bewijs/intentie.pdf", sha256="d4" * 32, state="same", size=48211),
            said("LZ-4.3.4", date(2026, 11, 9), "Aanvraagformulier per post verstuurd."),
        ),
        waivers=(
            Waiver("PKIO-VAL-002", "De vervanging is besteld bij de TSP.", "Bea de Wit", date(2027, 1, 11)),
            Waiver("PONG-001", "Servicewindow van Logius.", "Bea de Wit", date(2026, 11, 20)),
        ),
    )  # fmt: skip


def signed(book_of=None, connection_name=""):
    """The same ledger with a declaration."""
    held = book_of or ledger()
    return replace(
        held, declarations=(Declaration("Bea de Wit", "projectleider", date(2026, 11, 21), connection_name),)
    )


def municipal():
    """A run of the municipality in which the Ping gets no Pong."""
    name = "lopende-zaken"
    pong = graded(
        "PONG-001",
        observed=Text(
            "202 Accepted; na 30 s geen Pong op ons endpoint", "202 Accepted; no Pong on our endpoint after 30 s"
        ),
        expected="Pong",
        where="ebms",
    )
    results = (
        result("identity.oin", name=name, seen="00000099000000002000"),
        result("pki.fields", name=name, seen="4 certificaten"),
        result("pki.chain", name=name), result("pki.validity", name=name, observed=(VALIDITY, LATER)),
        result("pki.separation", name=name),
        *(result(p, name=name, seen="11 ms", subject=side) for p in ("net.dns", "net.tcp", "net.path", "tls.server", "tls.mutual") for side in ("ebms", "wus")),
        result("cpa.spec", name=name, evidence=(Evidence("a1" * 32, "consumer-spec.xml", "application/xml", 2211),)),
        result("cpa.agreement", name=name, observed=(CPA,)),
        result("ebms.mmd", name=name),
        result("ebms.ping", Verdict.FAIL, name, findings=(pong,), subject="ebms"),
        result("wus.profile", name=name, seen=Text("functionele fout, dus de koppeling werkt", "functional fault, so the link works"), subject="wus"),
    )  # fmt: skip
    return run([municipality(), connection()], (*results, *digipoort_results()))
