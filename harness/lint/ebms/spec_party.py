"""Judge the party and the endpoint in a specification (SPEC-010 … SPEC-024)."""

import re

from harness.lint.ebms import endpoint, party_id
from harness.lint.ebms.reading import at
from harness.lint.ebms.spec_document import Doc, Outcome, table
from harness.lint.judge import Context
from harness.model import Environment, Text
from harness.wire import hostname
from harness.wire.spec import Parameter


@table.rule("SPEC-010")
def party_name(doc: Doc, ctx: Context) -> Outcome:
    """PartyName says something."""
    parameter = doc.text("PartyName")
    if parameter and not parameter.text.strip():
        yield at("SPEC-010", parameter.node)


@table.rule("SPEC-011")
def party_id_form(doc: Doc, ctx: Context) -> Outcome:
    """PartyId is an OIN with an optional suffix."""
    parameter = doc.spec.get("PartyId")
    wrong = party_id.fault(parameter.text) if parameter else None
    if parameter and wrong:
        yield at("SPEC-011", parameter.node, observed=wrong, expected=party_id.EXPECTED)


@table.rule("SPEC-012")
def party_id_blank(doc: Doc, ctx: Context) -> Outcome:
    """No white space stands in or around the PartyId."""
    parameter = doc.text("PartyId")
    if parameter and parameter.text.strip() and re.search(r"\s", parameter.text):
        yield at(
            "SPEC-012", parameter.node, observed=repr(parameter.text), expected=repr("".join(parameter.text.split()))
        )


@table.rule("SPEC-013")
def party_id_register(doc: Doc, ctx: Context) -> Outcome:
    """The first eight positions name a register that issues OINs."""
    parameter = doc.text("PartyId")
    prefix = party_id.unknown_register(parameter.text) if parameter else ""
    if parameter and prefix:
        yield at("SPEC-013", parameter.node, observed=prefix, expected="00000001 … 00000010, 00000099")


@table.rule("SPEC-014")
def party_id_suffix(doc: Doc, ctx: Context) -> Outcome:
    """A suffix for tests is recognised and reported."""
    parameter = doc.text("PartyId")
    if parameter and party_id.suffix(parameter.text) and not party_id.fault(parameter.text):
        yield at("SPEC-014", parameter.node, observed=f"_{party_id.suffix(parameter.text)}")


@table.rule("SPEC-015")
def test_oin_in_production(doc: Doc, ctx: Context) -> Outcome:
    """A test OIN or a suffix does not go into production."""
    parameter = doc.text("PartyId")
    if parameter and ctx.environment is Environment.PROD and party_id.is_test(parameter.text):
        yield at("SPEC-015", parameter.node, observed=parameter.text.strip())


@table.rule("SPEC-016")
def supplier(doc: Doc, ctx: Context) -> Outcome:
    """A PartyId built on a KvK number often belongs to a supplier; then the link is a supplier's."""
    parameter = doc.text("PartyId")
    if parameter and re.fullmatch(r"00000003[0-9]{8}0000", party_id.bare(parameter.text)):
        yield at("SPEC-016", parameter.node, observed=parameter.text.strip())


# -- the endpoint


def _endpoint(doc: Doc) -> tuple[Parameter, endpoint.Endpoint] | None:
    parameter = doc.text("EndpointUri")
    return (parameter, endpoint.read(parameter.text)) if parameter and parameter.text.strip() else None


@table.rule("SPEC-020")
def https(doc: Doc, ctx: Context) -> Outcome:
    """EndpointUri is an absolute https URL."""
    parameter = doc.text("EndpointUri")
    if parameter is None:
        return
    parts = endpoint.read(parameter.text)
    if parts.scheme != "https" or not parts.host:
        yield at("SPEC-020", parameter.node, observed=parameter.text.strip()[:200], expected="https://…")


@table.rule("SPEC-021")
def public_host(doc: Doc, ctx: Context) -> Outcome:
    """The host is a public name, no address and no name of one's own machine."""
    found = _endpoint(doc)
    if found and found[1].host and not found[1].public:
        yield at("SPEC-021", found[0].node, observed=found[1].host, expected="ebms.organisatie.nl")


@table.rule("SPEC-022")
def port(doc: Doc, ctx: Context) -> Outcome:
    """The port is 443, written or implied."""
    found = _endpoint(doc)
    if found and found[1].scheme == "https" and found[1].port not in (None, 443):
        written = str(found[1].port) if found[1].port != -1 else found[1].text.strip()
        yield at("SPEC-022", found[0].node, observed=written, expected="443")


@table.rule("SPEC-023")
def clean_uri(doc: Doc, ctx: Context) -> Outcome:
    """The URL has no white space, user name or fragment; a query is discouraged."""
    found = _endpoint(doc)
    if not found:
        return
    parameter, parts = found
    if parts.blank:
        yield at("SPEC-023", parameter.node, observed=repr(parts.text), expected="".join(parts.text.split()))
    if parts.userinfo:
        yield at("SPEC-023", parameter.node, observed=Text("gebruikersnaam in de URL", "user name in the URL"))
    if parts.fragment:
        yield at("SPEC-023", parameter.node, observed="#…")
    if parts.query:
        yield at("SPEC-023", parameter.node, "query", "?…")


@table.rule("SPEC-024")
def host_in_certificate(doc: Doc, ctx: Context) -> Outcome:
    """The server certificate names the host of the endpoint; a common name does not count."""
    found = _endpoint(doc)
    parameter = doc.spec.get("ServerCert")
    facts = parameter.key_info.facts if parameter and parameter.key_info else None
    if not found or not facts or not parameter or not found[1].public:
        return
    if not hostname.covered(found[1].host, facts.names):
        observed = ", ".join(facts.names) or Text(
            f"geen; alleen CN={facts.common_name}", f"none; only CN={facts.common_name}"
        )
        yield at("SPEC-024", parameter.node, observed=observed, expected=found[1].host)
