"""Every fault of the lab's MSH yields its own rule, and none of them passes."""

import pytest
from ebms_chain import ALL, chain, rules

from harness.lab.ca import Pki
from harness.lab.faults.ebms import ANSWERS, DELIVERIES, MESSAGE, Fault
from harness.lab.msh import Msh
from harness.model import Verdict
from harness.rulebook import rulebook

SYNCHRONOUS = {"stripped-syncreply"}
BEST_EFFORT = {"unasked-ack"}
ENCRYPTED = {"echo-plain"}
UNSIGNED = {"echo-elimination", "echo-ack-requested"}


@pytest.fixture(scope="module")
def pki():
    return Pki()


def exchange_of(name: str, fault: Fault) -> str:
    """Return the probe that a business fault shows up in."""
    profile = "be" if name in BEST_EFFORT else "rm-e" if name in ENCRYPTED else "rm" if name in UNSIGNED else "rm-s"
    return f"ebms.{'receive' if fault.on == MESSAGE else 'send'}[{profile}]"


@pytest.mark.parametrize("name", sorted(ANSWERS))
async def test_a_faulty_answer_to_a_ping_yields_its_rule_and_does_not_pass(name, tmp_path, pki):
    mode = "sync" if name in SYNCHRONOUS else "async"
    patience = 30 if name == "late-pong" else 0.8
    async with chain(tmp_path, name, pki=pki, mode=mode, read_timeout=1, pong_timeout=patience) as engine:
        result = await engine.result("lz", "ebms.ping")
    assert ANSWERS[name].rule in {rule for rule, _ in rules(result)}, (name, rules(result), result.cause)
    assert result.verdict in (Verdict.WARN, Verdict.FAIL), (name, rules(result))


@pytest.mark.parametrize("name", sorted(DELIVERIES))
async def test_a_faulty_delivery_yields_its_rule_and_does_not_pass(name, tmp_path, pki):
    fault = DELIVERIES[name]
    async with chain(tmp_path, name, pki=pki, profiles=ALL, read_timeout=2, pong_timeout=0.8) as engine:
        result = await engine.result("lz", exchange_of(name, fault))
    assert fault.rule in {rule for rule, _ in rules(result)}, (name, rules(result), result.cause)
    assert result.verdict in (Verdict.WARN, Verdict.FAIL), (name, rules(result))


def test_every_fault_names_a_rule_and_a_sentence_of_its_own():
    sentences = [text.nl for text in Msh.FAULTS.values()] + [text.en for text in Msh.FAULTS.values()]
    assert len(Msh.FAULTS) >= 40
    assert len(set(sentences)) == len(sentences)
    assert all(fault.rule in rulebook() for fault in (*ANSWERS.values(), *DELIVERIES.values()))
