"""Judge what was seen on the wire: the network path, the TLS server, and mutual TLS (TLS-, MTLS-, NET-)."""

from collections.abc import Iterator

from harness.lint.judge import Context, RuleTable
from harness.lint.tls.mutual import MUTUAL
from harness.lint.tls.path import DNS, NETWORK, PORT, TCP
from harness.lint.tls.server import SERVER
from harness.model import Finding, NotRun
from harness.wire.survey import Survey

TABLES: tuple[RuleTable[Survey], ...] = (DNS, TCP, PORT, NETWORK, SERVER, MUTUAL)


def rule_ids() -> dict[str, object]:
    """Return every rule id of this package with its function."""
    return {rule_id: function for table in TABLES for rule_id, function in table.ids.items()}


def judge_survey(survey: Survey, ctx: Context, *tables: RuleTable[Survey]) -> Iterator[Finding | NotRun]:
    """Yield what the given tables (all of them by default) have to say of one endpoint."""
    for table in tables or TABLES:
        yield from table.judge(survey, ctx)


__all__ = ["DNS", "MUTUAL", "NETWORK", "PORT", "SERVER", "TABLES", "TCP", "judge_survey", "rule_ids"]
