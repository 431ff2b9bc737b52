"""Asks for everything that a report says, and puts it together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from exporter.report import questions
from exporter.report.causes import causes
from exporter.report.judge import EMPTY, line
from exporter.report.model import Refusal, Report, Verdict
from exporter.report.sections import HEADINGS, advice, evidence_of, sections
from exporter.report.words import rough

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.catalogue.model import Kpi
    from exporter.report.asker import Asker
    from exporter.report.judge import Answers
    from exporter.report.model import Line, Row, Source

_COVERED = 0.9  # of the period must have data

Found = dict[str, dict[str, tuple[str, ...]]]


async def gather(asker: Asker) -> Report:
    """Ask about every KPI of the plan, judge it, and look for causes."""
    plan = asker.asking.plan
    kpis = [kpi for subject in plan.subjects for kpi in subject.kpis]
    judged = await asyncio.gather(*(_judged(asker, kpi) for kpi in kpis))
    lines = await _explained(asker, [each for each, _ in judged])
    found, periods, silent = await _caused(asker, lines)
    refused = [why for _, whys in judged for why in whys]
    remarks = (*asker.source.remarks, *uncovered(asker.source, lines))
    return Report(
        profile=str(plan.profile),
        source=asker.source._replace(remarks=remarks),
        lines=tuple(_told(each, found) for each in lines),
        sections=tuple(sections(lines, {**found, **periods}, silent)),
        advice=tuple(advice(lines, found)),
        unanswered=tuple(dict.fromkeys([*refused, *silent.values()])),
    )


async def _judged(asker: Asker, kpi: Kpi) -> tuple[Line, list[str]]:
    """Judge one KPI; returns what was refused by who should have answered, too."""
    answers: Answers = {}
    first = questions.value(asker.asking, kpi)
    value = answers[first.kind, first.about] = await asker.ask(first)
    if value and not isinstance(value, Refusal):
        for each in questions.judgement(asker.asking, kpi):
            answers[each.kind, each.about] = await asker.ask(each)
    refused = [a.why for a in answers.values() if isinstance(a, Refusal) and a.asked]
    return line(asker.asking.plan, kpi, answers, asker.look), refused


async def _explained(asker: Asker, lines: list[Line]) -> list[Line]:
    """Say why there is no value; where there is nothing to say, a promise is kept."""
    empty = [each.kpi for each in lines if each.why == EMPTY]
    absences = await asker.absent(empty) if empty else {}
    told: list[Line] = []
    for each in lines:
        absence = absences.get(each.kpi.id)
        if each.why != EMPTY or absence is None:
            told.append(each)
        elif absence.quiet and each.promises:
            told.append(each._replace(verdict=Verdict.KEPT, why=absence.why))
        else:
            told.append(each._replace(why=absence.why))
    return told


def uncovered(source: Source, lines: Sequence[Line]) -> Iterator[str]:
    """Say so when there is no data of a large part of the period."""
    begins = [row.points[0][0] for line in lines for row in line.rows]
    known = source.end - min(begins, default=source.end)
    if begins and known < _COVERED * source.seconds:
        yield f"there is data of the last {rough(known)} alone"


def _told(line: Line, found: Found) -> Line:
    """Put what names the cause beside a promise that is broken."""
    if line.verdict is not Verdict.BROKEN:
        return line
    named = found.get(line.kpi.id, {}).values()
    return line._replace(causes=tuple(text for texts in named for text in texts))


async def _caused(
    asker: Asker, lines: list[Line]
) -> tuple[Found, Found, dict[str, str]]:
    """Look for causes: of one moment, and over the period where a section has it.

    The last part says why there is no answer about a KPI, where there should be one.
    """
    now: Found = {}
    whole: Found = {}
    silent: dict[str, str] = {}
    wanted = {name: heading.whole for heading in HEADINGS for name in heading.kpis}
    for each in lines:
        name = each.kpi.id
        if evidence_of(each) or name in wanted:
            now[name] = await _evidence(asker, each, silent, whole=False)
        if wanted.get(name):
            whole[name] = await _evidence(asker, each, silent, whole=True)
    return now, whole, silent


def _amid(row: Row) -> float | None:
    """Return the middle of the time in which a row was broken; None for now."""
    if row.verdict is not Verdict.BROKEN or row.current or row.until is None:
        return None
    return row.until - row.beyond / 2


async def _evidence(
    asker: Asker, line: Line, silent: dict[str, str], *, whole: bool
) -> dict[str, tuple[str, ...]]:
    """Ask for evidence; of a promise that is not broken any more, that of then.

    Why somebody who should have answered did not goes into `silent`.
    """
    found: dict[str, tuple[str, ...]] = {}
    at = None if whole or not line.rows else _amid(line.rows[0])
    for question in questions.evidence(asker.asking, line.kpi, whole=whole):
        answer = await asker.ask(question._replace(at=at))
        if isinstance(answer, Refusal) and answer.asked:
            silent[line.kpi.id] = answer.why
        found = causes(line.kpi, answer)
    return found
