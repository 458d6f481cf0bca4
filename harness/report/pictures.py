"""Draw from data, as inline SVG: the path and where it fails, how long certificates are valid, what happens when."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from html import escape
from typing import Final, NamedTuple

from harness.report.model import Connection, Count, Lane, Moment, Stage, Validity
from harness.report.palette import ACCENT, INK, LINE, SHAPES, SOFT, TONES, WASH
from harness.report.wording import Wording

FONT: Final = 'font-family="system-ui,Segoe UI,DejaVu Sans,sans-serif"'
_DASH: Final = {"not-run": "2 6", "fail": "8 5", "error": "8 5"}
_CALM: Final = ("pass", "lab")
"""Results whose labels need no colour of their own."""


def _e(text: str) -> str:
    return escape(text, quote=True)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _text(
    x: float, y: float, words: str, *, fill: str = INK, size: float = 13, anchor: str = "middle", bold: bool = False
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" fill="{fill}" font-size="{size:g}" text-anchor="{anchor}"{weight}>{_e(words)}</text>'


def _sign(x: float, y: float, key: str, size: float = 20) -> str:
    ink = TONES[key].ink
    return f'<svg x="{x - size / 2:g}" y="{y - size / 2:g}" width="{size:g}" height="{size:g}" viewBox="0 0 16 16" color="{ink}">{SHAPES[key]}</svg>'


def _line(x1: float, y1: float, x2: float, y2: float, key: str) -> str:
    ink = TONES[key].ink
    dash = f' stroke-dasharray="{_DASH[key]}"' if key in _DASH else ""
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" stroke="{ink}" stroke-width="2.5" fill="none"{dash}/>'


def _box(x: float, y: float, width: float, height: float, *, fill: str = "#fff") -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" fill="{fill}" stroke="{ACCENT}" stroke-width="1.5"/>'


def described(connection: Connection, say: Wording) -> str:
    """Return the path in words, for whoever does not see the picture."""
    parts = []
    for lane in connection.lanes:
        stages = ", ".join(f"{s.label}: {s.mark.word}{f' ({s.note})' if s.note else ''}" for s in lane.stages)
        parts.append(f"{lane.side or say('path')}{f', {lane.target}' if lane.target else ''}: {stages}.")
    return " ".join(parts)


def path(connection: Connection, say: Wording, *, tall: bool = False) -> str:
    """Draw own system, network and counterparty with every stage between them; `tall` is for narrow screens."""
    return _tall(connection, say) if tall else _wide(connection, say)


def _svg(width: int, height: int, title: str, body: Iterable[str], css: str) -> str:
    return (
        f'<svg class="{css}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{_e(title)}" {FONT}>{"".join(body)}</svg>'
    )


LANE: Final = 112
START: Final = 154.0
END: Final = 806.0


def _wide(connection: Connection, say: Wording) -> str:
    lanes = connection.lanes
    height = LANE * len(lanes) + 24
    inside = max(sum(stage.network for stage in lane.stages) for lane in lanes) or 1
    edge = START + (END - START) / (len(lanes[0].stages) + 1) * (inside + 0.5)
    body = [
        f'<rect x="190" y="4" width="{edge - 190:g}" height="{height - 8}" rx="10" fill="{WASH}"/>',
        _text((190 + edge) / 2, 20, f"{say('path_network')} ({connection.network})", fill=SOFT, size=12),
        _box(4, 30, 150, height - 38),
        _box(806, 30, 150, height - 38),
        _text(79, 54, say("path_own"), bold=True),
        _text(79, 72, _cut(connection.own, 20), fill=SOFT, size=11.5),
        _text(881, 54, say("path_peer"), bold=True),
        _text(881, 72, _cut(connection.peer, 20), fill=SOFT, size=11.5),
    ]
    for number, lane in enumerate(lanes):
        body += _wide_lane(lane, 88 + LANE * number if len(lanes) > 1 else 86)
    return _svg(960, height, f"{connection.name}. {described(connection, say)}", body, "wide")


def _wide_lane(lane: Lane, y: float) -> Iterable[str]:
    step = (END - START) / (len(lane.stages) + 1)
    x = START
    for number, stage in enumerate(lane.stages, 1):
        nx = START + step * number
        yield _line(x + (13 if number > 1 else 0), y, nx - 13, y, stage.mark.key)
        yield _sign(nx, y, stage.mark.key, 22)
        yield from _labels(nx, y, stage)
        x = nx
    last = lane.stages[-1].mark.key
    yield _line(x + 13, y, END, y, "not-run" if last in ("fail", "error") else last)
    yield _text(79, y + 18, lane.side, fill=SOFT, size=11.5)
    if lane.target:
        host, _, port = lane.target.rpartition(":")
        yield _text(881, y + 14, _cut(host or lane.target, 24), fill=SOFT, size=11)
        yield _text(881, y + 28, f":{port}" if host else "", fill=SOFT, size=11)


def _labels(x: float, y: float, stage: Stage) -> Iterable[str]:
    ink = INK if stage.mark.key in _CALM else TONES[stage.mark.key].ink
    yield _text(x, y - 19, stage.label, fill=ink, size=12.5, bold=stage.mark.key in ("fail", "error", "warn"))
    if stage.note:
        first, second = _two_lines(stage.note, 16)
        yield _text(x, y + 28, first, fill=SOFT if stage.mark.key in _CALM else ink, size=10.5)
        if second:
            yield _text(x, y + 42, second, fill=SOFT if stage.mark.key in _CALM else ink, size=10.5)


def _two_lines(words: str, width: int) -> tuple[str, str]:
    if len(words) <= width:
        return words, ""
    cut = words.rfind(" ", 0, width + 1)
    if cut <= 0:
        cut = 1 + max(words.rfind(mark, 0, width) for mark in ".-:/@")
    cut = cut if cut > 3 else width
    return words[:cut].rstrip(" ,"), _cut(words[cut:].strip(), width)


def _tall(connection: Connection, say: Wording) -> str:
    body: list[str] = []
    y = 4.0
    for lane in connection.lanes:
        title = f"{say('path_own')}, {lane.side}" if lane.side else say("path_own")
        body += [_box(4, y, 332, 34), _text(170, y + 22, title, bold=True)]
        y += 34
        for stage in lane.stages:
            key = stage.mark.key
            ink = INK if key in _CALM else TONES[key].ink
            body += [
                _line(30, y, 30, y + 16, key),
                _sign(30, y + 27, key, 22),
                _text(52, y + 25, stage.label, fill=ink, anchor="start", bold=key in ("fail", "error", "warn")),
                _text(52, y + 40, _cut(stage.note or stage.mark.word, 44), fill=SOFT, size=12, anchor="start"),
            ]
            y += 42
        last = lane.stages[-1].mark.key
        body.append(_line(30, y - 2, 30, y + 12, "not-run" if last in ("fail", "error") else last))
        y += 12
        depth = 46 if lane.target else 34
        peer = _cut(f"{say('path_peer')}: {connection.peer}", 41)
        body += [_box(4, y, 332, depth), _text(170, y + (20 if lane.target else 22), peer, bold=True)]
        body.append(_text(170, y + 37, _cut(lane.target, 46), fill=SOFT, size=11.5))
        y += depth + 16
    return _svg(340, int(y), f"{connection.name}. {described(connection, say)}", body, "tall")


def bar(counts: Sequence[Count], total: int, label: str) -> str:
    """Draw how the steps are divided over the results; a gap keeps neighbours apart."""
    if not total:
        return ""
    pieces, x = [], 0.0
    for count in counts:
        width = 100 * count.number / total
        pieces.append(
            f'<rect x="{x:.2f}%" width="{max(width - 0.4, 0.3):.2f}%" height="10" fill="{TONES[count.key].ink}"/>'
        )
        x += width
    return f'<svg class="bar" width="100%" height="10" role="img" aria-label="{_e(label)}">{"".join(pieces)}</svg>'


class Span(NamedTuple):
    """One line of a picture over time."""

    label: str
    text: str
    key: str
    start: date
    end: date


ROW: Final = 44


def spans(rows: Sequence[Span], today: date, say: Wording, label: str) -> str:
    """Draw periods and days over an axis of months that fits any width; today is a dashed line."""
    if not rows:
        return ""
    first = min(today, *(r.start for r in rows))
    last = max(today, *(r.end for r in rows))
    first, last = max(first, today - timedelta(days=400)), max(last, first + timedelta(days=27))
    margin = max(3, (last - first).days // 20)
    first, last = first - timedelta(days=margin), last + timedelta(days=margin)
    whole = (last - first).days

    def at(day: date) -> float:
        return min(max((day - first).days / whole, 0.0), 1.0) * 100

    height = ROW * len(rows) + 26
    body = [_tick(at(day), height - 26, say.month(day), first=n == 0) for n, day in enumerate(_ticks(first, last))]
    body.append(_today(at(today), height - 26, say("today")))
    for number, row in enumerate(rows):
        body += _span(row, at(row.start), at(row.end), ROW * number)
    return f'<svg class="spans" width="100%" height="{height}" role="img" aria-label="{_e(label)}" {FONT}>{"".join(body)}</svg>'


def _span(row: Span, left: float, right: float, y: float) -> Iterable[str]:
    tone = TONES[row.key]
    yield f'<svg y="{y:g}" width="100%" height="19"><text y="14" font-size="13" fill="{INK}" stroke="#fff" stroke-width="4" paint-order="stroke">{_e(_cut(row.label, 110))}</text></svg>'
    if right - left < 1:
        x = max(min(left, 98.0), 1.0)
        yield f'<svg x="{x:.2f}%" y="{y + 20:g}" width="16" height="16" overflow="visible" color="{tone.ink}"><g transform="translate(-8 0)">{SHAPES[row.key]}</g></svg>'
    else:
        yield f'<rect x="{left:.2f}%" y="{y + 20:g}" width="{right - left:.2f}%" height="15" rx="2" fill="{tone.wash}" stroke="{tone.ink}" stroke-width="1.5"/>'
    middle = (left + right) / 2
    place = (f'x="{right:.2f}%" dx="12"', "start") if right < 45 else (f'x="{left:.2f}%" dx="-12"', "end")
    if right - left > 40:
        place = (f'x="{middle:.2f}%"', "middle")
    yield f'<text {place[0]} y="{y + 32:g}" font-size="12" text-anchor="{place[1]}" fill="{tone.ink}">{_e(row.text)}</text>'


def _ticks(first: date, last: date) -> list[date]:
    months = (last.year - first.year) * 12 + last.month - first.month
    step = max(1, -(-months // 4))
    days: list[date] = []
    year, month = first.year, first.month
    while True:
        month += 1
        year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
        day = date(year, month, 1)
        if day > last:
            break
        days.append(day)
    return days[::step]


def _tick(x: float, height: float, words: str, *, first: bool) -> str:
    anchor = "start" if x < 8 else "end" if x > 92 else "middle"
    return (
        f'<line x1="{x:.2f}%" x2="{x:.2f}%" y1="0" y2="{height:g}" stroke="{LINE}"/>'
        f'<text x="{x:.2f}%" y="{height + 18:g}" font-size="12" text-anchor="{anchor}" fill="{SOFT}">{_e(words)}</text>'
    )


def _today(x: float, height: float, words: str) -> str:
    return f'<line x1="{x:.2f}%" x2="{x:.2f}%" y1="0" y2="{height:g}" stroke="{ACCENT}" stroke-width="1.5" stroke-dasharray="4 3"><title>{_e(words)}</title></line>'


_KIND: Final = {"done": "pass", "waiting": "waiting", "overdue": "warn", "run": "info"}
MOST_SPANS: Final = 24


def timeline(moments: Sequence[Moment], today: date, say: Wording) -> str:
    """Draw the timeline: done, waiting, due; the newest when there are many."""
    shown = moments[-MOST_SPANS:]
    rows = [Span(m.label, m.text, _KIND[m.kind], m.day, m.end or m.day) for m in shown]
    return spans(rows, today, say, f"{say('timeline')}: {'; '.join(f'{m.label}, {m.word}, {m.text}' for m in shown)}")


def certificates(validities: Sequence[Validity], today: date, say: Wording) -> str:
    """Draw how long each certificate is valid, first to expire on top."""
    shown = validities[:MOST_SPANS]
    rows = [Span(v.label, v.text, v.mark.key, v.start, v.end) for v in shown]
    return spans(rows, today, say, f"{say('certificates_caption')}: {'; '.join(f'{v.label}, {v.text}' for v in shown)}")
