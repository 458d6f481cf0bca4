"""Every TLS configuration of the lab yields its own rule with all the others at once; the benchmark does it 100 times."""

from fault_runs import LOUD, missed


def test_every_configuration_yields_its_own_rule_beside_all_the_others():
    assert len(LOUD) >= 30
    assert not missed(times=2)
