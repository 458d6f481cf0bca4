"""What the judges of a WUS answer need to know: the question, the contract, the keys, who should have signed."""

from collections.abc import Iterable
from typing import Any

from harness.errors import UnusableInput
from harness.link import Link
from harness.lint.judge import Raw
from harness.probes.probe import Tools
from harness.probes.wus_request import Call
from harness.wire import soap


def own_key(link: Link, *, asked: bool = False) -> Raw | None:
    """Return our private key as a companion, to open what was encrypted for us; it never leaves the process.

    An answer is encrypted for the certificate that signed the question; who `asked` us knows our encryption certificate.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    material = (link.materials.get("encryption") if asked else None) or link.material("message-signing")
    if material is None:
        return None
    plain = material.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Raw(plain, "sleutel")


def context_of_answer(link: Link, tools: Tools, call: Call) -> dict[str, Any]:
    """Return what the judges of an answer to `call` need to know: the request, the contract, who should have signed."""
    peer = link.connection.peer.oin
    key = own_key(link) if call.profile == "2W-be-SE" else None
    beside_it = [Raw(call.sent.body, "vraag", call.http), *call.companions(), *crls(link)]
    beside_it += [Raw(data, name) for name, data in link.documents.items() if name == "intermediates"]
    if key is not None:
        beside_it.append(key)
    return {
        "role": "response",
        "profile": call.profile,
        "service": call.service.name,
        "companions": (*beside_it, *chain_of_server(tools)),
        "settings": {**({"oin": (peer,)} if peer else {}), **_scenario_of(link, tools, call)},
    }


def _scenario_of(link: Link, tools: Tools, call: Call) -> dict[str, tuple[str, ...]]:
    """Return which scenario of the test stub a delivery was, when the statuses of one that we made are asked."""
    from harness.probes.msg_sending import journal_of

    if not call.operation.name.endswith("StatussenProces"):
        return {}
    payload = soap.read(call.sent.body).payload
    mark = "" if payload is None else soap.text(payload.find("{*}kenmerk"))
    try:
        ours = [entry.words for entry in journal_of(link, tools).entries().values() if mark]
    except UnusableInput:  # a damaged journal keeps us from sending, not from asking
        ours = []
    known = next((words for words in ours if words.get("kenmerk") == mark), {})
    return {"aanleverkenmerk": (known["aanleverkenmerk"],)} if known.get("aanleverkenmerk") else {}


def crls(link: Link) -> Iterable[Raw]:
    """Yield the CRLs at hand."""
    return (Raw(data, f"{name}.crl") for name, data in link.documents.items() if name.startswith("crl-"))


def chain_of_server(tools: Tools) -> Iterable[Raw]:
    """Yield the intermediates that the server showed: a signing certificate often hangs under the same ones."""
    from cryptography.hazmat.primitives.serialization import Encoding

    survey = tools.shared.get("survey:wus")
    shown: tuple[bytes, ...] = getattr(survey, "chain", ())[1:]
    yield from (Raw(data, "keten.der") for data in shown)
    for role in ("message-signing", "tls-client"):
        material = tools.link.material(role)
        for certificate in material.chain[1:] if material else ():
            yield Raw(certificate.public_bytes(Encoding.PEM), "keten.pem")
