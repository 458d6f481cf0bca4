"""Healthy exchanges pass and faults do not, again and again and at the same time (`bench/repeated.py` does it 200 times)."""

import os

import pytest
from repeated_runs import cases, play

from harness.lab.faults.chain import CASES
from harness.lab.faults.ebms import FAULTS

REPETITIONS = int(os.environ.get("KETENTEST_REPETITIONS", "2"))


@pytest.mark.slow
async def test_no_fault_passes_and_nothing_healthy_fails_however_often(tmp_path):
    wrong, _ = await play(cases(), REPETITIONS, tmp_path)
    assert wrong == []


def test_every_fault_of_the_msh_is_among_the_repeated_exchanges():
    assert {c.fault for c in cases()} - {""} == {*FAULTS, *CASES}
