"""A report for a terminal; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.report import words
from exporter.report.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.report.model import Line, Report

_MOST_ROWS = {Verdict.BROKEN: 10, Verdict.UNDECIDABLE: 5}


def text(report: Report) -> str:
    """Write a report: what is broken first, what says nothing last and short."""
    return "".join(f"{words.visible(line)}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield words.headline(report)
    yield words.about(report)
    yield from (f"note: {each}" for each in report.source.remarks)
    yield from (f"not answered: {each}" for each in report.unanswered)
    for verdict in (Verdict.BROKEN, Verdict.UNDECIDABLE, Verdict.KEPT, Verdict.SHOWN):
        found = report.having(verdict)
        if found:
            yield ""
            yield f"{str(verdict).upper()} ({len(found)})"
            for line in found:
                yield from _kpi(line)
    yield from _silent(report)
    for section in report.sections:
        yield ""
        yield section.title.upper()
        yield from (f"  {each}" for each in section.findings or (section.why,))
    if report.advice:
        yield ""
        yield "ADVICE"
        for each in report.advice:
            yield f"  {each.title} ({each.who})"
            yield from (f"    because {reason}" for reason in each.evidence)
            yield f"    {each.how}"


def _kpi(line: Line) -> Iterator[str]:
    promised = "; ".join(line.promises) or "nothing promised"
    yield f"  {line.kpi.title} ({line.kpi.id}): {promised}"
    if line.why:
        yield f"    {line.why}"
    most = _MOST_ROWS.get(line.verdict, 1)
    for row in line.rows[:most]:
        parts = [words.value(line.kpi, row), *words.details(line.kpi, row)]
        if line.verdict is Verdict.BROKEN:
            parts.insert(1, words.verdict(row))
        yield f"    {words.who(line, row)}: {'; '.join(parts)}"
    if len(line.rows) > most:
        yield f"    and {len(line.rows) - most} more, none of them worse"
    yield from (f"    cause: {each}" for each in line.causes)


def _silent(report: Report) -> Iterator[str]:
    """Name what has no data by its reason: one reason often has many."""
    reasons: dict[str, list[str]] = {}
    for line in report.having(Verdict.NO_DATA):
        reasons.setdefault(line.why, []).append(line.kpi.id)
    if reasons:
        yield ""
        yield f"NO DATA ({sum(map(len, reasons.values()))})"
    for why, names in reasons.items():
        yield f"  {why}: {', '.join(names)}"
