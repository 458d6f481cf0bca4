"""Make a test set from a scenario and a functional design (`ketentest generate testset`)."""

from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from harness.chain import Loaded, load
from harness.chain_mistakes import nearest
from harness.chaintest import testset
from harness.chaintest.design import Design, lab_design, read_design
from harness.chaintest.persons import NOBODY, Person, persons_for
from harness.chaintest.testset import Prepared
from harness.errors import UnusableInput
from harness.lint.judge import Raw
from harness.lint.msg import judge_message
from harness.model import Environment, Finding, Text, say
from harness.run import utc_now
from harness.scenario import Connection
from harness.wire.xsd import SchemaSet, read_folder

SYSTEMS = ("lopende-zaken", "digipoort", "digimelding")


def make_testset(scenario: Path, connection: str, out: Path | None, design: Path | None) -> str:
    """Write a message for every step of the design and test person to `out`; returns what to tell the user."""
    loaded, found = _connection(scenario, connection)
    if out is None:
        raise UnusableInput("een testset vraagt --out MAP", "a test set needs --out DIR")
    persons = persons_for(found, loaded.folder, found.effective_environment)
    if not persons and found.system != "lopende-zaken":
        persons = (NOBODY,)
    if not persons:
        raise UnusableInput(
            f'{connection}: geen test-BSN’s; zet test_bsns = "env:NAAM" of "file:PAD" met de BSN’s van uw test DigiD-accounts',
            f'{connection}: no test BSNs; set test_bsns = "env:NAME" or "file:PATH" with the BSNs of your test DigiD accounts',
        )
    chosen = _design(found, design)
    now = utc_now()
    messages = testset.generate(chosen, persons, _words(loaded, found), now)
    schemas = _schemas(loaded, found, chosen)
    findings = [finding for message in messages for finding in _judged(message, schemas)]
    testset.write(messages, out, connection, now)
    lang = loaded.scenario.language
    (out / "ontwerp.md").write_text(as_design(chosen, messages, lang), encoding="utf-8")
    return "\n".join(_told(messages, persons, findings, schemas, out, lang)) + "\n"


def copy_design(scenario: Path, connection: str, out: Path | None) -> str:
    """Write the labelled example of a design to `out`, to be replaced by the user's own scenarios and templates."""
    _, found = _connection(scenario, connection)
    example = lab_design(found.system)
    if out is None or example is None:
        raise UnusableInput("een ontwerp vraagt --out MAP", "a design needs --out DIR")
    if out.exists():
        raise UnusableInput(f"{out} bestaat al; kies een nieuwe map", f"{out} exists already; choose a new folder")
    source = files("harness").joinpath("schemas", "lab-messages")
    (out / "templates").mkdir(parents=True)
    (out / f"{found.system}.toml").write_bytes(source.joinpath(f"{found.system}.toml").read_bytes())
    used = {step.template for one in example.scenarios for step in one.steps} | {s.template for s in example.samples}
    for name in sorted(used):
        (out / "templates" / name).write_bytes(source.joinpath("templates", name).read_bytes())
    return f"{out}\n"


def _connection(scenario: Path, name: str) -> tuple[Loaded, Connection]:
    loaded = load(scenario)
    found = loaded.scenario.connections.get(name)
    if found is None:
        known = tuple(loaded.scenario.connections)
        near = nearest(name, known)
        hint = (f"; bedoelt u {near}?", f"; did you mean {near}?") if near else ("", "")
        raise UnusableInput(
            f"{name}: geen verbinding in het scenario{hint[0]} Wel: {', '.join(known)}",
            f"{name}: no connection in the scenario{hint[1]} It has: {', '.join(known)}",
        )
    if found.system not in SYSTEMS:
        listed = ", ".join(SYSTEMS)
        raise UnusableInput(f"{name}: een testset bestaat voor {listed}", f"{name}: a test set exists for {listed}")
    if found.effective_environment is Environment.PROD:
        raise UnusableInput(
            f"{name}: voor productie maakt ketentest geen berichten; de limited productierun gaat via uw eigen adapter",
            f"{name}: ketentest makes no messages for production; the limited production run goes through your own adapter",
        )
    return loaded, found


def _design(connection: Connection, folder: Path | None) -> Design:
    if folder is not None:
        return read_design(folder)
    example = lab_design(connection.system)
    if example is not None and connection.effective_environment is Environment.LAB:
        return example
    raise UnusableInput(
        f"geef --design MAP met uw functionele scenario’s en sjablonen; `ketentest generate design {connection.name} --out MAP` schrijft een voorbeeld",
        f"give --design DIR with your functional scenarios and templates; `ketentest generate design {connection.name} --out DIR` writes an example",
    )


def _words(loaded: Loaded, connection: Connection) -> dict[str, str]:
    party = loaded.scenario.party_of(connection)
    return {
        "oin": party.oin,
        "organisatie": party.name,
        "ontvanger": connection.peer.oin or "",
        "registratie": next(iter(connection.registries), "BAG"),
    }


def _schemas(loaded: Loaded, connection: Connection, design: Design) -> SchemaSet | None:
    given = next((s.schemas for s in (connection.ebms, connection.wus) if s is not None and s.schemas), "")
    return read_folder(loaded.folder / given) if given else design.schemas


def _judged(message: Prepared, schemas: SchemaSet | None) -> Iterator[Finding]:
    return judge_message(Raw(message.data, message.file), schemas) if schemas is not None else iter(())


def _told(
    messages: list[Prepared], persons: tuple[Person, ...], findings: list[Finding], schemas: SchemaSet | None, out: Path,
    lang: str,
) -> Iterator[str]:  # fmt: skip
    scenarios = len({message.scenario for message in messages})
    yield Text(
        f"{out}: {len(messages)} berichten voor {scenarios} scenario’s en {len(persons)} testpersonen",
        f"{out}: {len(messages)} messages for {scenarios} scenarios and {len(persons)} test persons",
    ).of(lang)
    if schemas is None:
        yield Text("niet gevalideerd: geen XSD’s in het scenario", "not validated: no XSDs in the scenario").of(lang)
    elif not findings:
        yield Text(f"alle berichten volgen {schemas.name}", f"all messages follow {schemas.name}").of(lang)
    for finding in findings[:10]:
        place = f"{finding.where}:{finding.line}" if finding.line else finding.where
        yield f"{finding.rule}  {place}  {say(finding.observed, lang)}"
    yield Text(f'zet nu messages = "{out}" bij de verbinding', f'now set messages = "{out}" with the connection').of(
        lang
    )


def as_design(design: Design, messages: list[Prepared], lang: str) -> str:
    """Return the functional scenarios as a page for the internal acceptance test (LZ 4.3.7): no BSN stands in it."""
    nl = lang != "en"
    counted = Counter(message.scenario for message in messages)
    lines = ["# Functionele scenario’s" if nl else "# Functional scenarios", ""]
    for scenario in design.scenarios:
        lines += [f"## {scenario.id}: {scenario.title.of(lang)}", ""]
        if scenario.process.nl:
            lines += [f"{'Intern proces' if nl else 'Internal process'}: {scenario.process.of(lang)}", ""]
        lines += [
            "| bericht | soort | verwacht | gezien |" if nl else "| message | kind | expected | seen |",
            "| --- | --- | --- | --- |",
        ]
        for message in (m for m in messages if m.scenario == scenario.id):
            lines.append(f"| {message.id} | {message.kind} | {message.expect} | |")
        lines += ["", f"{'Berichten' if nl else 'Messages'}: {counted[scenario.id]}", ""]
    return "\n".join(lines)
