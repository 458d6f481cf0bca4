"""Render the report as JSON: the same model, for other programs."""

import dataclasses
import json
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from harness.report.model import Report

SCHEMA: Final = "ketentest-report/1"


def render(report: Report) -> Iterator[str]:
    """Yield the file, one line per key of the report; keys are those of the model and stay stable within a schema number."""
    plain = {"tool": "ketentest", "schema": SCHEMA, **_plain(report)}
    body = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in plain.items()]
    yield "{\n" + ",\n".join(body) + "\n}\n"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple):
        named = getattr(value, "_fields", None)
        return dict(zip(named, map(_plain, value), strict=True)) if named else [_plain(v) for v in value]
    return value.isoformat() if isinstance(value, date) else value
