"""The values of a WUS request, and the numbers of persons that may stand in it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from lxml import etree

from harness.chain import secret
from harness.errors import Refused
from harness.link import Link
from harness.masking import possible_bsns
from harness.model import Environment
from harness.probes.probe import NotPossible, Tools
from harness.probes.wus_contract import service_of
from harness.wire import wss_verify
from harness.wire.soap_wsdl import Operation

LAB_BSNS: Final = ("999990019", "999990020")
LAB_FISCAL: Final = "001000044"
"""The company of the published examples of Digipoort; its fiscal number begins like a BSN."""
SHORT: Final = 64


def values_of(link: Link, tools: Tools, operation: Operation, bsn: str = "") -> dict[str, Any]:
    """Return the input: the user's file, or the sample of the service, filled in; raises NotPossible without any."""
    wus, known = link.connection.wus, service_of(link)
    lab = link.environment is Environment.LAB
    given: Mapping[str, Any] | None = None
    if wus and wus.input:
        given = _read_input(link.folder / wus.input)
        given = given.get(operation.name, given)
    elif operation.name in known.samples:
        given = known.samples[operation.name]
    elif lab:
        given = known.lab_samples.get(operation.name)
    if given is None:
        raise NotPossible(
            f"geen invoer voor {operation.name}: zet wus.input naar een TOML-bestand met de waarden van een leesvraag",
            f"no input for {operation.name}: point wus.input to a TOML file with the values of a read request",
        )
    words = _words(link, tools)
    words["bsn"] = bsn or words["bsn"]
    return {name: _filled(value, words) for name, value in given.items()}


def _read_input(path: Path) -> Mapping[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise NotPossible(
            f"{path.name}: geen geldige TOML ({wrong})", f"{path.name}: not valid TOML ({wrong})"
        ) from None


def _words(link: Link, tools: Tools) -> dict[str, str]:
    unique = tools.new_id()
    bsns = test_bsns(link)
    return {
        "oin": link.party.oin,
        "peer_oin": link.connection.peer.oin or "",
        "uuid": unique,
        "echo": f"ketentest é&< {unique[:8]}",
        "bsn": bsns[0] if bsns else "",
        "now": tools.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _filled(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, word in words.items():
            if "{" + name + "}" in value and not word:
                raise NotPossible(
                    f"de invoer vraagt {{{name}}}, maar het scenario geeft die niet (peer.oin, test_bsns)",
                    f"the input asks for {{{name}}}, but the scenario does not give it (peer.oin, test_bsns)",
                )
            value = value.replace("{" + name + "}", word)
        return value
    if isinstance(value, Mapping):
        return {key: _filled(inner, words) for key, inner in value.items()}
    return [_filled(inner, words) for inner in value] if isinstance(value, list) else value


def test_bsns(link: Link) -> list[str]:
    """Return the test BSNs of the scenario, or those of the stub in the lab."""
    given = link.connection.test_bsns
    if not given:
        return list(LAB_BSNS) if link.environment is Environment.LAB else []
    text = secret(given, link.folder).decode("utf-8", "replace")
    return [word for word in text.replace(",", " ").split() if word.isdigit()]


def refuse_other_bsns(link: Link, payload: etree._Element) -> None:
    """Raise Refused when the message holds a BSN that is not on the list of test persons."""
    allowed = set(test_bsns(link))
    if link.environment is Environment.LAB:
        allowed.add(LAB_FISCAL)
    texts = [*payload.itertext(), *(value for element in payload.iter() for value in element.attrib.values())]
    if any(possible_bsns(shown) - allowed for text in texts for shown in _readings(str(text))):
        raise Refused(
            "het bericht bevat een BSN dat niet op de lijst met test-BSN's staat (test_bsns); er is niets verstuurd."
            " Is het een RSIN of fiscaal nummer van een testbedrijf, zet de negen cijfers dan op die lijst",
            "the message holds a BSN that is not on the list of test BSNs (test_bsns); nothing was sent."
            " When it is the RSIN or fiscal number of a test company, put its nine digits on that list",
        )


def _readings(text: str) -> Iterator[bytes]:
    """Yield the text, or what an attachment in base64 holds: chance digits in base64 are no number."""
    data = wss_verify.decode(text) if len(text) > SHORT else b""
    yield data or text.encode()
