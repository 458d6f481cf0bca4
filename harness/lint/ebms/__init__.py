"""The judges of ebMS2 documents and messages, by the kinds of `ketentest check`."""

from collections.abc import Iterator

from harness.lint.judge import Context, Raw
from harness.model import Finding, NotRun

__all__ = ["judge_consumer_spec", "judge_cpa", "judge_message", "judge_ping_mmd", "judge_provider_spec"]

Outcome = Iterator[Finding | NotRun]


def judge_consumer_spec(raw: Raw, ctx: Context) -> Outcome:
    """Judge a consumer specification (`osb-ebms-service-specificatie`)."""
    from harness.lint.ebms.consumer_spec import judge

    return judge(raw, ctx)


def judge_provider_spec(raw: Raw, ctx: Context) -> Outcome:
    """Judge a provider specification (profiles, services, role bindings)."""
    from harness.lint.ebms.provider_spec import judge

    return judge(raw, ctx)


def judge_ping_mmd(raw: Raw, ctx: Context) -> Outcome:
    """Judge a PingMMD, the Axway pick-up file of an ebMS Ping."""
    from harness.lint.ebms.ping_mmd import judge

    return judge(raw, ctx)


def judge_cpa(raw: Raw, ctx: Context) -> Outcome:
    """Judge a CPA 2.0."""
    from harness.lint.ebms.cpa import judge

    return judge(raw, ctx)


def judge_message(raw: Raw, ctx: Context) -> Outcome:
    """Judge an ebMS message, with or without its HTTP head."""
    from harness.lint.ebms.messages import judge

    return judge(raw, ctx)
