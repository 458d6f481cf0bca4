"""DIGIPOORT: bodies, actions, status sequences and environments of the interface WUS 2.0 for businesses, 1.2."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from harness.lint.judge import Context
from harness.lint.wus.message import Message, found
from harness.lint.wus.schema import complaint_text, own_schema
from harness.lint.wus.security import weak_algorithms
from harness.lint.wus.table import rule
from harness.model import Finding, NotRun, Text
from harness.wire import soap_schema, wss_trust
from harness.wire.soap import local, namespace, text

Verdicts = Iterator[Finding | NotRun]
NAME: Final = "digipoort"
LIMIT: Final = 20 * 1024 * 1024
STATUSES: Final = ("getStatussenProces", "getNieuweStatussenProces")
_LENGTHS: Final = ("SCHEMAV_CVC_MAXLENGTH_VALID", "SCHEMAV_CVC_MINLENGTH_VALID", "SCHEMAV_CVC_LENGTH_VALID")


def _payload(msg: Message) -> etree._Element | None:
    if msg.service.name != NAME or msg.envelope is None or msg.is_fault or msg.encrypted:
        return None
    return msg.envelope.payload


def _known(msg: Message, payload: etree._Element) -> bool:
    names = {o.input if msg.is_request else o.output for o in msg.service.operations}
    return str(payload.tag) in names


@rule("DIGIPOORT-BODY-001")
def the_element_is_of_the_operation(msg: Message, ctx: Context) -> Verdicts:
    """The Body holds an element of the interface namespace, named for the operation (DGP)."""
    payload = _payload(msg)
    if payload is None or _known(msg, payload):
        return
    names = [(o.input if msg.is_request else o.output).rpartition("}")[2] for o in msg.service.operations]
    nearest = _nearest(local(payload), names)
    expected = f"{{{msg.service.body_namespace}}}{nearest}"
    yield found("DIGIPOORT-BODY-001", payload, observed=str(payload.tag), expected=expected, related=("WUS-SOAP-011",))
    if "/wus/2.0/" in namespace(payload):
        yield found(
            "WUS-SOAP-013", payload, observed=namespace(payload), expected=msg.service.body_namespace, case="known"
        )


def _nearest(name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, names, 1, 0.4)
    return close[0] if close else names[0]


@rule("DIGIPOORT-BODY-002", "DIGIPOORT-BODY-004")
def the_elements_have_their_order_and_length(msg: Message, ctx: Context) -> Verdicts:
    """The elements stand in the order of the interface, none missing or empty, within their lengths (DGP)."""
    payload = _payload(msg)
    supplied = bool(msg.companions.schemas)  # the user's own XSD knows better: WUS-SOAP-012
    schema = own_schema(NAME) if payload is not None and _known(msg, payload) and not supplied else None
    if payload is None or schema is None:
        return
    previous = ""
    for entry in soap_schema.complaints(schema, payload)[:6]:
        too_long = entry.type_name in _LENGTHS
        repeated = previous in _LENGTHS and not too_long  # libxml2 says it twice: with the facet, then with the type
        previous = entry.type_name
        if repeated:
            continue
        rule_id = "DIGIPOORT-BODY-004" if too_long else "DIGIPOORT-BODY-002"
        yield Finding(rule_id, observed=complaint_text(entry)[:300], where=local(payload), line=payload.sourceline)


@rule("DIGIPOORT-BODY-003")
def the_identity_type_is_known(msg: Message, ctx: Context) -> Verdicts:
    """The type of an identity is one that Digipoort knows (DGP, STF)."""
    payload = _payload(msg)
    if payload is None or not msg.is_request or not _known(msg, payload):
        return
    known = msg.service.settings.get("identity_types", ())
    space = msg.service.body_namespace
    for kind in payload.iterfind(f"{{{space}}}identiteitBelanghebbende/{{{space}}}type"):
        if text(kind) and text(kind) not in known:
            yield found("DIGIPOORT-BODY-003", kind, observed=text(kind), expected=", ".join(known))


@rule("DIGIPOORT-BODY-005")
def the_content_is_at_most_20_mib(msg: Message, ctx: Context) -> Verdicts:
    """The content of a delivery is at most 20 MiB (DGP)."""
    payload = _payload(msg)
    if payload is None:
        return
    for content in payload.iter(f"{{{msg.service.body_namespace}}}inhoud"):
        size = len(content.text or "") * 3 // 4
        if size > LIMIT:
            yield found("DIGIPOORT-BODY-005", content, observed=f"{size / 1024 / 1024:.1f} MiB", expected="≤ 20 MiB")


@rule("DIGIPOORT-ACT-001", "DIGIPOORT-ACT-002")
def the_action_is_of_the_operation(msg: Message, ctx: Context) -> Verdicts:
    """The Action of a request is the soapAction of the WSDL; of an answer its wsaw:Action (DGP)."""
    if msg.service.name != NAME or msg.envelope is None or not msg.envelope.action:
        return
    action, block = msg.envelope.action, msg.envelope.addressing["Action"][0]
    payload = msg.envelope.payload
    operation = None if payload is None else msg.service.by_element(str(payload.tag))
    if msg.is_request:
        wanted = [operation.action.value] if operation else [o.action.value for o in msg.service.operations]
        if action not in wanted:
            yield found("DIGIPOORT-ACT-001", block, observed=action, expected=wanted[0])
    elif msg.is_fault:
        wanted = [value for o in msg.service.operations for value in o.fault_actions]
        if action not in wanted and action + "/" not in wanted:
            yield found("DIGIPOORT-ACT-002", block, observed=action, expected="…/Fault/")
    elif operation is not None and action != operation.response_action.value:
        yield found("DIGIPOORT-ACT-002", block, observed=action, expected=operation.response_action.value)


@rule("DIGIPOORT-SEC-001")
def the_algorithm_follows_the_environment(msg: Message, ctx: Context) -> Verdicts:
    """The published policy says Basic128Rsa15 (SHA-1); whether SHA-256 is accepted differs per environment (DGP, DKB SIGN003)."""
    if msg.service.name == NAME and msg.is_request and msg.signature is not None and msg.examination is not None:
        used = ", ".join(weak_algorithms(msg)) or "SHA-256"
        if msg.examination.signs:
            yield found("DIGIPOORT-SEC-001", msg.signature, observed=used, expected="Basic128Rsa15 (SHA-1), SHA-256")


@rule("DIGIPOORT-SEC-002")
def the_answer_is_signed_by_logius(msg: Message, ctx: Context) -> Verdicts:
    """The signer of an answer has the OIN of Logius and leads to the private root; do not pin the leaf (measured)."""
    if msg.service.name != NAME or msg.is_request or msg.token is None or msg.token.certificate is None:
        return
    oin = wss_trust.oin_of(msg.token.certificate)
    known = msg.service.settings.get("signers", ())
    if oin not in known and not ctx.setting("oin"):
        yield found("DIGIPOORT-SEC-002", msg.token.element, observed=oin or "–", expected=", ".join(known))


@rule("DIGIPOORT-SEC-003")
def what_digipoort_leaves_out(msg: Message, ctx: Context) -> Verdicts:
    """Digipoort sends no SignatureConfirmation and no signed faults: tolerated and listed (measured)."""
    if msg.service.name != NAME or msg.is_request or msg.envelope is None:
        return
    if msg.is_fault and not msg.envelope.signatures:
        observed = Text("fout zonder handtekening", "fault without signature")
        yield found("DIGIPOORT-SEC-003", msg.envelope.fault, observed=observed)
    elif msg.signature is not None and "SignatureConfirmation" not in [
        local(e) for e in msg.envelope.security[0] if isinstance(e.tag, str)
    ]:
        observed = Text("geen SignatureConfirmation", "no SignatureConfirmation")
        yield found("DIGIPOORT-SEC-003", msg.envelope.security[0], observed=observed)


@rule("DIGIPOORT-FLOW-002")
def the_statuses_are_known_and_in_order(msg: Message, ctx: Context) -> Verdicts:
    """The statuses of a process are known; nothing comes after an end state (STF, measured)."""
    payload = _payload(msg)
    if payload is None or not local(payload).endswith(("StatussenProcesResponse", "StatussenResponse")):
        return
    space = f"{{{msg.service.body_namespace}}}"
    per_process: dict[str, list[tuple[str, str, etree._Element]]] = {}
    for result in payload.iter(f"{space}StatusResultaat"):
        code = (result.findtext(f"{space}statuscode") or "").strip()
        when = (result.findtext(f"{space}tijdstempelStatus") or "").strip()
        per_process.setdefault((result.findtext(f"{space}kenmerk") or "").strip(), []).append((when, code, result))
        known = msg.service.statuses.get(code)
        if known is None:
            yield found("DIGIPOORT-FLOW-002", result, observed=code or "–", expected=", ".join(msg.service.statuses))
        elif known.who.nl:
            observed = Text(f"{code}: {known.meaning.nl}", f"{code}: {known.meaning.en}")
            yield found("DIGIPOORT-FLOW-002", result, observed=observed, expected=known.who, case="trouble")
    for statuses in per_process.values():
        yield from _after_the_end(msg, sorted(statuses, key=lambda s: s[0]))


@rule("DIGIPOORT-FLOW-001")
def the_scenario_had_its_outcome(msg: Message, ctx: Context) -> Verdicts:
    """On the test stub the aanleverkenmerk of a delivery chooses what becomes of it (Aansluitsuite).

    The request tells which one was asked; for the statuses afterwards it is given (`--set aanleverkenmerk=…`).
    """
    request = msg.companions.request
    asked = None if request is None else request.payload
    if msg.service.name != NAME or msg.is_request:
        return
    if asked is not None and local(asked) == "aanleverRequest":
        scenario = (asked.findtext(f"{{{msg.service.body_namespace}}}aanleverkenmerk") or "").strip()
        settings = msg.service.settings
        yield from _answered_as(msg, scenario, settings.get("accepted", ()), settings.get("refused", ()))
    elif _asked_for_statuses(msg, asked):
        yield from outcome_of_statuses(msg, ctx.setting("aanleverkenmerk"))


def _asked_for_statuses(msg: Message, asked: etree._Element | None) -> bool:
    payload = None if msg.envelope is None else msg.envelope.payload
    about = asked if msg.is_fault else payload
    return about is not None and local(about).startswith(STATUSES)


def outcome_of_statuses(msg: Message, scenario: str) -> Verdicts:
    """Hold the statuses of a delivery, or the fault instead of them, against the scenario of the test stub."""
    settings = msg.service.settings
    well, badly = settings.get("ends_well", ()), settings.get("ends_badly", ())
    yield from _answered_as(msg, scenario, (*well, *badly), settings.get("status_refused", ()))
    if msg.is_fault or msg.envelope is None or msg.envelope.payload is None:
        return
    codes = [text(code) for code in msg.envelope.payload.iter(f"{{{msg.service.body_namespace}}}statuscode")]
    trouble = [code for code in codes if code in msg.service.statuses and msg.service.statuses[code].who.nl]
    if scenario in well and trouble:
        yield found(
            "DIGIPOORT-FLOW-001", msg.envelope.payload, observed=f"{scenario}: {', '.join(trouble)}", expected="500"
        )
    elif scenario in badly and "500" in codes and not trouble:
        yield found("DIGIPOORT-FLOW-001", msg.envelope.payload, observed=f"{scenario}: 500", expected="410, 420")


def _answered_as(msg: Message, scenario: str, accepted: tuple[str, ...], refused: tuple[str, ...]) -> Verdicts:
    fault, normal = Text("een fout", "a fault"), Text("een gewoon antwoord", "a normal answer")
    place = None if msg.envelope is None else msg.envelope.payload
    if scenario in refused and not msg.is_fault:
        yield found("DIGIPOORT-FLOW-001", place, observed=_outcome(scenario, normal), expected=fault)
    elif scenario in accepted and msg.is_fault:
        yield found("DIGIPOORT-FLOW-001", place, observed=_outcome(scenario, fault), expected=normal)


def _outcome(scenario: str, what: Text) -> Text:
    return Text(f"{scenario}: {what.nl}", f"{scenario}: {what.en}")


def _after_the_end(msg: Message, statuses: list[tuple[str, str, etree._Element]]) -> Verdicts:
    ended = next((i for i, (_, code, _) in enumerate(statuses) if code == "500"), None)
    later = [] if ended is None else [s for s in statuses[ended + 1 :] if s[0] > statuses[ended][0] and s[1] != "500"]
    if later:
        _, code, result = later[0]
        yield found("DIGIPOORT-FLOW-002", result, observed=f"500 → {code}", expected="500")


@rule("DIGIPOORT-ENV-001")
def the_host_belongs_to_the_environment(msg: Message, ctx: Context) -> Verdicts:
    """The host in wsa:To belongs to the environment of this run (hosts as known in November 2026)."""
    if msg.service.name != NAME or msg.envelope is None or not msg.is_request:
        return
    try:
        name = urlsplit(msg.envelope.wsa("To")).hostname or ""
    except ValueError:
        return
    host = msg.service.host(name)
    environment = str(ctx.environment)
    if host is None or environment == "lab":
        return
    if host.environment != ("prod" if environment == "prod" else "preprod"):
        place = f"{name} ({host.environment})"
        yield found("DIGIPOORT-ENV-001", msg.envelope.addressing["To"][0], observed=place, expected=environment)
    elif host.note == "oud":
        observed = Text(f"{name} (oud adres)", f"{name} (old address)")
        yield found("DIGIPOORT-ENV-001", msg.envelope.addressing["To"][0], observed=observed, case="old")
