"""A plan's KPI → what is to be asked about it, in the catalogue's own PromQL."""

from __future__ import annotations

import re
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from exporter.render import burn, rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.catalogue.applications import Application
    from exporter.catalogue.model import Kpi
    from exporter.catalogue.plan import Plan, Promise

_QUANTILE = re.compile(r"^(\s*histogram_quantile\(\s*)[\d.]+")
_WINDOW = re.compile(r"\[5m\]")
_MONTH = "30d"
_BOUNDS = ('bound="least"', 'bound="most"')
QUANTILES = {"p50": "0.5", "p95": "0.95", "p99": "0.99"}


class Kind(StrEnum):
    """What an answer is for."""

    VALUE = "value"
    GUARD = "guard"
    BEYOND = "beyond"
    CERTAIN = "certain"
    POSSIBLE = "possible"
    QUANTILE = "quantile"
    BUDGET = "budget"
    EVIDENCE = "evidence"


class Span(StrEnum):
    """How much of the past an answer shall have: none, its shape, or every minute."""

    NOW = "now"
    SHAPE = "shape"
    MINUTES = "minutes"


class Question(NamedTuple):
    """An expression to ask; `about` tells questions of a kind apart.

    `at` is the moment (Unix time) that `NOW` means, None for the end of the period.
    """

    kind: Kind
    about: str
    expression: str
    span: Span
    at: float | None = None


class Asking(NamedTuple):
    """For whom is asked: a plan, which recordings there are, and over how long.

    `seconds` is 0 where there is no past.
    """

    plan: Plan
    recorded: frozenset[str] = frozenset()
    seconds: float = 0.0


def value(asking: Asking, kpi: Kpi) -> Question:
    """Ask what a KPI is and was."""
    text = _written(asking, kpi, rules.record_name(kpi))
    return Question(Kind.VALUE, "", text, Span.SHAPE)


def judgement(asking: Asking, kpi: Kpi) -> Iterator[Question]:
    """Ask when a KPI was beyond its limits, and all that belongs to it."""
    if kpi.guard:
        text = _written(asking, kpi, rules.record_name(kpi, "judged"))
        yield Question(Kind.GUARD, "", text, Span.SHAPE)
    for number, each in enumerate(asking.plan.promises(kpi)):
        text = _written(asking, kpi, rules.expression(_bare(each)))
        yield Question(Kind.BEYOND, str(number), text, Span.MINUTES)
        yield from _bounds(asking, each, str(number))
    if asking.seconds:
        yield from _quantiles(asking, kpi)
        yield from _budgets(asking, kpi)


def evidence(asking: Asking, kpi: Kpi, *, whole: bool = False) -> Iterator[Question]:
    """Ask what names the cause now, or over the whole period; nothing without any."""
    if kpi.evidence is None:
        return
    if whole and asking.seconds:
        text = _over(_filled(asking.plan, kpi, kpi.evidence.expr), asking.seconds)
    else:
        text = _written(asking, kpi, rules.record_name(kpi, "evidence"))
    yield Question(Kind.EVIDENCE, "", text, Span.NOW)


def budget_of(kpi: Kpi, promise: Promise) -> burn.Budget | None:
    """Return the share of events that may be beyond a promise's limit, if any may."""
    if kpi.burn is None:
        return None
    share = kpi.burn.budget or promise.alert.limit
    return burn.Budget(kpi, kpi.burn, share, promise)


def _bounds(asking: Asking, each: Promise, number: str) -> Iterator[Question]:
    """Ask for both bounds of the share beyond a limit, of what is an estimate."""
    found = budget_of(each.kpi, each)
    if found is None or _BOUNDS[0] not in found.burn.bad:
        return
    for kind, bound in zip((Kind.CERTAIN, Kind.POSSIBLE), _BOUNDS, strict=True):
        bad = found.burn.bad.replace(_BOUNDS[0], bound)
        one = found._replace(burn=found.burn.model_copy(update={"bad": bad}))
        yield Question(kind, number, _spent(asking.plan, one, "5m"), Span.MINUTES)


def _quantiles(asking: Asking, kpi: Kpi) -> Iterator[Question]:
    if not _QUANTILE.match(kpi.expr):
        return
    for name, share in QUANTILES.items():
        text = _filled(asking.plan, kpi, _QUANTILE.sub(rf"\g<1>{share}", kpi.expr))
        whole = _over(text, asking.seconds)
        yield Question(Kind.QUANTILE, name, whole, Span.NOW)


def _budgets(asking: Asking, kpi: Kpi) -> Iterator[Question]:
    """Ask which share of a month's events was bad, of each promise with a budget."""
    subject = next(s for s in asking.plan.subjects if kpi in s.kpis)
    promises = list(asking.plan.promises(kpi))
    for found in burn.budgets(asking.plan, subject):
        if found.kpi is kpi:
            text = _spent(asking.plan, found, _MONTH)
            number = str(promises.index(found.promise))
            yield Question(Kind.BUDGET, number, text, Span.NOW)


def _bare(each: Promise) -> Promise:
    """Leave out whom a promise is for: a written-out expression has no selector."""
    return replace(each, target=None, apart=())


def _written(asking: Asking, kpi: Kpi, text: str) -> str:
    """Put expressions in place of the recordings that nobody records."""
    parts = {rule["record"] for rule in rules.recordings(asking.plan, kpi)}
    for name in parts - asking.recorded:
        found = [
            rule["expr"]
            for rule in rules.recordings(asking.plan, kpi)
            if rule["record"] == name
        ]
        text = text.replace(name, f"({_labelled(asking.plan, kpi, found)})")
    return text


def _filled(plan: Plan, kpi: Kpi, text: str) -> str:
    return _labelled(plan, kpi, [a.fill(text) for a in _of(plan, kpi)])


def _spent(plan: Plan, budget: burn.Budget, window: str) -> str:
    texts = [burn.share(budget, a, window) for a in _of(plan, budget.kpi)]
    return _labelled(plan, budget.kpi, texts)


def _of(plan: Plan, kpi: Kpi) -> tuple[Application, ...]:
    """Return the applications that a KPI has an expression of its own for."""
    return plan.applications if kpi.scope == "application" else plan.applications[:1]


def _labelled(plan: Plan, kpi: Kpi, texts: list[str]) -> str:
    """Join the expressions of all applications; each result says whose it is."""
    if kpi.scope != "application":
        return texts[0]
    return " or ".join(
        f'label_replace({text}, "application", "{_literal(a.name)}", "", "")'
        for text, a in zip(texts, plan.applications, strict=True)
    )


def _literal(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")


def _over(text: str, seconds: float) -> str:
    """Take an expression's five minutes for the whole period instead."""
    return _WINDOW.sub(f"[{round(seconds)}s]", text)
