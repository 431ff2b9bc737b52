"""Answers → verdicts: what was broken, for how long, how sure that is; pure."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from exporter.catalogue.limits import Unit
from exporter.render import rules
from exporter.render.words import promise as promised
from exporter.report.model import Line, Refusal, Row, Verdict
from exporter.report.questions import Kind, budget_of
from exporter.report.trend import trend

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exporter.catalogue.model import Kpi
    from exporter.catalogue.plan import Plan, Promise
    from exporter.report.model import Answer, Series

_UNJUDGED = "too little happens to judge it"
_UNCERTAIN = "an estimate: its bounds lie on both sides of the limit"
EMPTY = "its series are there and give no value: too few yet, or nothing it is about"
"""Why there is no value where all was answered."""

Answers = dict[tuple[Kind, str], "Answer"]
Key = tuple[str, ...]


class Look(NamedTuple):
    """How answers were taken: when the last, and how far apart (0: one moment only)."""

    end: float
    step: float
    shape: float


class Run(NamedTuple):
    """The longest seconds in a row beyond a limit, until when, and if it is so now."""

    seconds: float
    until: float
    current: bool


class _Judged(NamedTuple):
    """A promise, what became of it, and how long it was passed, if at all."""

    promise: Promise
    verdict: Verdict
    run: Run | None


def line(plan: Plan, kpi: Kpi, answers: Answers, look: Look) -> Line:
    """Judge a KPI; what was refused or is empty has no data."""
    subject = next(s.title for s in plan.subjects if kpi in s.kpis)
    promises = list(plan.promises(kpi))
    texts = tuple(
        f"{promised(kpi, p.alert.limit)} ({p.alert.severity}"
        f"{f' for {p.target}' if p.target else ''})"
        for p in promises
    )
    empty = Line(kpi, subject, Verdict.NO_DATA, texts)
    value = answers[Kind.VALUE, ""]
    if isinstance(value, Refusal):
        return empty._replace(why=value.why)
    if not value:
        return empty._replace(why=EMPTY)
    for (kind, _), answer in answers.items():
        if isinstance(answer, Refusal) and kind in (Kind.GUARD, Kind.BEYOND):
            return empty._replace(why=answer.why)
    context = _context(kpi, answers, look)
    rows = [_row(kpi, promises, each, context) for each in value]
    return _summed(empty, sorted(rows, key=lambda row: _badness(kpi, row)))


class _Context(NamedTuple):
    """The answers about a KPI, with their series by their labels."""

    series: dict[tuple[Kind, str], dict[Key, Series]]
    look: Look

    def of(self, kind: Kind, about: str, key: Key) -> Series | None:
        """Return the series of an answer that has these labels."""
        return self.series.get((kind, about), {}).get(key)


def _context(kpi: Kpi, answers: Answers, look: Look) -> _Context:
    found = {
        which: {_key(kpi, series.labels): series for series in answer}
        for which, answer in answers.items()
        if not isinstance(answer, Refusal)
    }
    return _Context(found, look)


def _summed(empty: Line, rows: Sequence[Row]) -> Line:
    worst = rows[0]
    broken = [row for row in rows if row.verdict is Verdict.BROKEN]
    severities = [row.severity for row in broken if row.severity]
    order = ("critical", "warning", "info")
    return empty._replace(
        verdict=worst.verdict,
        rows=tuple(rows),
        why=_why(worst),
        severity=min(severities, key=order.index, default=None),
    )


def _why(row: Row) -> str:
    if row.verdict is not Verdict.UNDECIDABLE:
        return ""
    return _UNCERTAIN if row.severity else _UNJUDGED


def _badness(kpi: Kpi, row: Row) -> tuple[int, float]:
    sign = -1.0 if kpi.better == "lower" else 1.0
    return list(Verdict).index(row.verdict), sign * row.worst


def _row(kpi: Kpi, promises: list[Promise], series: Series, context: _Context) -> Row:
    key = _key(kpi, series.labels)
    mine = [(str(n), p) for n, p in enumerate(promises) if _concerns(p, series.labels)]
    judged = not kpi.guard or context.of(Kind.GUARD, "", key) is not None
    found = [_judged(number, p, key, context) for number, p in mine] if judged else []
    chosen = min(found, key=_rank, default=None)
    verdict = chosen.verdict if chosen else Verdict.SHOWN
    if mine and not judged:
        verdict = _unjudged(kpi)
    lower = kpi.better == "lower"
    limits = sorted((p.alert.limit for _, p in mine), reverse=not lower)
    run = chosen.run if chosen else None
    values = [value for _, value in series.points]
    row = Row(
        labels=dict(zip(rules.labels_of(kpi), key, strict=True)),
        value=series.last,
        worst=max(values) if lower else min(values),
        verdict=verdict,
        limit=next(iter(limits), None),
        quantiles=_quantiles(key, context),
        budget=_budget(kpi, mine, key, context),
        trend=trend(series.points, next(iter(limits), None)),
        gone=_gone(series, context.look),
        points=series.points,
    )
    if chosen is None or run is None:
        return row
    limit, severity = chosen.promise.alert.limit, chosen.promise.alert.severity
    return row._replace(
        severity=severity,
        limit=limit,
        beyond=run.seconds,
        until=run.until,
        current=run.current,
    )


def _gone(series: Series, look: Look) -> float | None:
    at = series.points[-1][0]
    return at if look.end - at > 2 * look.shape else None


def _unjudged(kpi: Kpi) -> Verdict:
    """Return the verdict where the guard lets nothing be judged.

    Of shares and latencies that is for too few events. Where more is better, as of
    requests a second or the time until a disk is full, it is that nothing asks for
    more: the promise is kept.
    """
    calm = kpi.better == "higher" and kpi.unit is not Unit.RATIO
    return Verdict.KEPT if calm else Verdict.UNDECIDABLE


def _rank(found: _Judged) -> tuple[int, int]:
    severities = ("critical", "warning", "info")
    order = severities.index(found.promise.alert.severity)
    return list(Verdict).index(found.verdict), order


def _judged(number: str, each: Promise, key: Key, context: _Context) -> _Judged:
    """Judge one promise about one series, as the rule does: beyond for long enough.

    Of an estimate, what is beyond by its lower bound is certain, and what is not
    beyond by its upper one is kept.
    """
    kpi, hold = each.kpi, each.alert.hold
    found = context.of(Kind.BEYOND, number, key)
    run = longest(found.points if found else (), context.look)
    least, most = (
        context.of(kind, number, key) for kind in (Kind.CERTAIN, Kind.POSSIBLE)
    )
    allowed = budget_of(kpi, each)
    if allowed is None or least is None or most is None:
        broken = _lasted(run, hold, context.look)
        return _Judged(each, Verdict.BROKEN if broken else Verdict.KEPT, run)
    certain, possible = (
        longest([p for p in bound.points if p[1] > allowed.share], context.look)
        for bound in (least, most)
    )
    verdict = _verdict(
        certain=_lasted(certain, hold, context.look),
        possible=_lasted(possible, hold, context.look),
    )
    return _Judged(each, verdict, run or certain or possible)


def _verdict(*, certain: bool, possible: bool) -> Verdict:
    if certain:
        return Verdict.BROKEN
    return Verdict.UNDECIDABLE if possible else Verdict.KEPT


def longest(points: Iterable[tuple[float, float]], look: Look) -> Run | None:
    """Return the longest run of points, each one step after the other; None of none."""
    times = [at for at, _ in points]
    if not times:
        return None
    best, start = (0.0, times[0]), times[0]
    for before, after in pairwise(times):
        if after - before > look.step * 1.5:
            best, start = max(best, (before - start, before)), after
    seconds, until = max(best, (times[-1] - start, times[-1]))
    return Run(seconds, until, look.end - times[-1] <= look.step)


def _lasted(run: Run | None, hold: float, look: Look) -> bool:
    """Whether it was as long as the rule waits; where there is no past, now will do."""
    return run is not None and (not look.step or run.seconds >= hold)


def _concerns(each: Promise, labels: dict[str, str]) -> bool:
    who = labels.get(rules.who_label(each.kpi), "")
    return who == each.target if each.target is not None else who not in each.apart


def _quantiles(key: Key, context: _Context) -> tuple[tuple[str, float], ...]:
    names = [about for kind, about in context.series if kind is Kind.QUANTILE]
    found = ((name, context.of(Kind.QUANTILE, name, key)) for name in names)
    return tuple((name, series.last) for name, series in found if series)


def _budget(
    kpi: Kpi, mine: list[tuple[str, Promise]], key: Key, context: _Context
) -> float | None:
    for number, each in mine:
        bad = context.of(Kind.BUDGET, number, key)
        allowed = budget_of(kpi, each)
        if bad is not None and allowed is not None and allowed.share:
            return 1 - bad.last / allowed.share
    return None


def _key(kpi: Kpi, labels: dict[str, str]) -> Key:
    return tuple(labels.get(name, "") for name in rules.labels_of(kpi))
