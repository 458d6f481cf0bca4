"""What the message probes work with: the XSDs received, the user's samples, and the test set of a connection."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.chaintest import testset
from harness.chaintest.design import Design, lab_design
from harness.chaintest.persons import Person, persons_of
from harness.chaintest.testset import Prepared
from harness.errors import KetentestError
from harness.link import Link
from harness.lint.judge import Raw
from harness.model import Environment
from harness.probes.probe import NotApplicable, NotPossible, Tools
from harness.wire.xsd import SchemaSet, read_folder

SYSTEMS: Final = ("lopende-zaken", "digipoort", "digimelding")
MAX_SAMPLE: Final = 64 * 1024 * 1024


def _given(link: Link, key: str) -> tuple[str, str | tuple[str, ...]]:
    """Return the side and the value of a key that may stand on either side of the connection."""
    for side in ("ebms", "wus"):
        value = getattr(getattr(link.connection, side), key, "")
        if value:
            return side, value
    return "ebms" if link.connection.ebms else "wus", ""


def lab_of(link: Link) -> Design | None:
    """Return the labelled design of the lab, when this connection runs against it."""
    return lab_design(link.connection.system) if link.environment is Environment.LAB else None


def schemas_of(link: Link, tools: Tools) -> SchemaSet:
    """Return the XSDs that the scenario names, or those of the lab; raises NotPossible without any."""
    if "msg.schemas" not in tools.shared:
        tools.shared["msg.schemas"] = _schemas(link)
    found: SchemaSet = tools.shared["msg.schemas"]
    return found


def _schemas(link: Link) -> SchemaSet:
    side, given = _given(link, "schemas")
    if isinstance(given, str) and given:
        try:
            return read_folder(link.folder / given)
        except KetentestError as wrong:
            raise NotPossible(f"{side}.schemas: {wrong.text.nl}", f"{side}.schemas: {wrong.text.en}") from None
    lab = lab_of(link)
    if lab is not None and lab.schemas is not None:
        return lab.schemas
    if link.connection.system not in SYSTEMS:
        raise NotApplicable("deze koppeling heeft geen eigen XSD’s", "this connection has no XSDs of its own")
    raise NotPossible(
        f"geen XSD’s in het scenario: zet {side}.schemas naar de map met de technische bestanden die u ontving",
        f"no XSDs in the scenario: point {side}.schemas to the folder with the technical files you received",
    )


def samples_of(link: Link, tools: Tools) -> list[Raw]:
    """Return the user's sample messages, or those of the lab; raises NotPossible without any."""
    side, given = _given(link, "samples")
    patterns = (given,) if isinstance(given, str) else given
    found = [raw for pattern in patterns if pattern for raw in _matched(link.folder, pattern)]
    if found:
        return found
    lab = lab_of(link)
    if lab is None:
        raise NotPossible(
            f"geen voorbeeldberichten in het scenario: noem ze in {side}.samples",
            f"no sample messages in the scenario: name them in {side}.samples",
        )
    made = testset.samples(lab, persons_of(link)[0], words_of(link), tools.now())
    return [Raw(message.data, f"voorbeeld-{message.kind}.xml") for message in made]


def _matched(folder: Path, pattern: str) -> Iterator[Raw]:
    outside = Path(pattern).is_absolute()
    matched = [Path(pattern)] if outside else sorted(folder.glob(pattern))
    files = [file for file in matched if file.is_file()]
    if not files:
        raise NotPossible(f"{pattern}: geen voorbeeldbericht gevonden", f"{pattern}: no sample message found")
    for file in files:
        if file.stat().st_size > MAX_SAMPLE:
            raise NotPossible(f"{file.name}: groter dan 64 MB", f"{file.name}: larger than 64 MB")
        yield Raw(file.read_bytes(), file.name)


def words_of(link: Link) -> dict[str, str]:
    """Return what the templates may name besides the values of their scenario."""
    return {
        "oin": link.party.oin,
        "organisatie": link.party.name,
        "ontvanger": link.connection.peer.oin or "",
        "registratie": next(iter(link.connection.registries), "BAG"),
    }


def messages_of(link: Link, tools: Tools) -> list[Prepared]:
    """Return the prepared messages of this connection: its test set, or a fresh one of the lab, the same all run."""
    if "msg.testset" not in tools.shared:
        tools.shared["msg.testset"] = _messages(link, tools)
    found: list[Prepared] = tools.shared["msg.testset"]
    return found


def _messages(link: Link, tools: Tools) -> list[Prepared]:
    side, given = _given(link, "messages")
    if isinstance(given, str) and given:
        try:
            return testset.read(link.folder / given)
        except KetentestError as wrong:
            raise NotPossible(wrong.text.nl, wrong.text.en) from None
    lab = lab_of(link)
    if lab is None:
        raise NotPossible(
            f"geen testset in het scenario: maak er een met `ketentest generate testset {link.name} --out MAP` en zet {side}.messages",
            f"no test set in the scenario: make one with `ketentest generate testset {link.name} --out DIR` and set {side}.messages",
        )
    return testset.generate(lab, persons_of(link)[:1], words_of(link), tools.now())


def test_persons(link: Link) -> tuple[Person, ...]:
    """Return the test persons; raises NotPossible for a list that cannot be right."""
    try:
        return persons_of(link)
    except KetentestError as wrong:
        raise NotPossible(wrong.text.nl, wrong.text.en) from None
