"""Burn rates: alerts on how fast a KPI spends the errors that a month allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.catalogue.limits import Unit
from exporter.catalogue.model import Severity
from exporter.render import rules, whom
from exporter.render.words import alert_name, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.catalogue.applications import Application
    from exporter.catalogue.model import Burn, Kpi, Subject
    from exporter.catalogue.plan import Plan, Promise


class Window(NamedTuple):
    """A pair of windows: both must burn `factor` times faster than a month allows.

    The figures are those of the Google SRE workbook, chapter "Alerting on SLOs", for 30
    days: 2 % of the budget in an hour, 5 % in six, 10 % in one day and in three.
    """

    severity: Severity
    long: str
    short: str
    factor: float


WINDOWS = (
    Window(Severity.CRITICAL, "1h", "5m", 14.4),
    Window(Severity.CRITICAL, "6h", "30m", 6.0),
    Window(Severity.WARNING, "1d", "2h", 3.0),
    Window(Severity.WARNING, "3d", "6h", 1.0),
)
_WORDS = {"1h": "hour", "6h": "six hours", "1d": "day", "3d": "three days"}


class Budget(NamedTuple):
    """A KPI's budget in a plan: the share of events that may be bad.

    `promise` is the target or warning whose limit it is about, and says for whom.
    """

    kpi: Kpi
    burn: Burn
    share: float
    promise: Promise

    @property
    def limit(self) -> float:
        """The limit of that promise."""
        return self.promise.alert.limit


def group(plan: Plan, subject: Subject) -> list[dict[str, Any]]:
    """Make the rule group of a subject's burn rates; none without a budget."""
    found = list(budgets(plan, subject))
    recorded = [rule for each in found for rule in recordings(plan, each)]
    judged = [rule for each in found for rule in alerts(plan, subject, each)]
    name = f"kpi-{subject.subject}-burn"
    return [{"name": name, "rules": recorded + judged}] if found else []


def budgets(plan: Plan, subject: Subject) -> Iterator[Budget]:
    """Yield the budgets of a subject's KPIs that have a promise to be judged by.

    That is a target where one is stated beside the alerts (`info`), else the warning.
    """
    for kpi in subject.kpis:
        promises = list(plan.promises(kpi))
        severities = {each.alert.severity for each in promises}
        info = Severity.INFO in severities
        objective = Severity.INFO if info else Severity.WARNING
        for each in promises:
            if kpi.burn and each.alert.severity is objective:
                share = kpi.burn.budget or each.alert.limit
                yield Budget(kpi, kpi.burn, share, each)


def windows(budget: Budget) -> tuple[Window, ...]:
    """Return the windows that can fire: no share of bad events is above 1."""
    return tuple(w for w in WINDOWS if w.factor * budget.share < 1)


def recordings(plan: Plan, budget: Budget) -> Iterator[dict[str, Any]]:
    """Yield the share of bad events over each window, per application or target."""
    pairs = windows(budget)
    for window in dict.fromkeys(w for pair in pairs for w in (pair.long, pair.short)):
        for each in whom.everybody(plan, budget.kpi):
            if each.concerns(budget.promise):
                labels = {"application": each.name}
                apart = budget.kpi.scope == "application"
                yield {
                    "record": rules.record_name(budget.kpi, f"bad{window}"),
                    "expr": share(budget, each.application, window),
                    **({"labels": labels} if apart else {}),
                }


def alerts(plan: Plan, subject: Subject, budget: Budget) -> Iterator[dict[str, Any]]:
    """Yield an alert per severity: the quick pair of windows, or the slow one."""
    for severity in (Severity.CRITICAL, Severity.WARNING):
        pairs = [w for w in windows(budget) if w.severity is severity]
        if pairs:
            yield _alert(plan, subject, budget, pairs)


def _alert(
    plan: Plan, subject: Subject, budget: Budget, pairs: list[Window]
) -> dict[str, Any]:
    kpi = budget.kpi
    on = ", ".join(rules.labels_of(kpi))
    burning = " or ".join(f"({_pair(budget, pair)})" for pair in pairs)
    if kpi.guard:
        burning = f"({burning}) and on ({on}) {rules.record_name(kpi, 'judged')}"
    share = shown(budget.share, Unit.RATIO)
    times = " or ".join(
        f"{pair.factor:g} times in the last {_WORDS[pair.long]}" for pair in pairs
    )
    who = rules.who(kpi)
    return {
        "alert": f"{alert_name(kpi)}Burn",
        "expr": burning,
        "labels": {
            **rules.rule_labels(budget.promise),
            "severity": str(pairs[0].severity),
            **plan.labels,
        },
        "annotations": {
            "summary": f"{kpi.title}: the month's allowance goes too fast on {who}",
            "description": "{{ $value | humanizePercentage }} of events were bad; a "
            f"month allows {share}. They came faster than that by {times}.",
            "runbook_url": f"{plan.links.runbooks}/{kpi.id}",
            "dashboard_url": rules.dashboard_url(plan, subject, kpi),
            **dict(rules.evidence_url(plan, kpi)),
            **dict(rules.evidence(kpi)),
        },
    }


def _pair(budget: Budget, pair: Window) -> str:
    limit = f"{pair.factor * budget.share:.12g}"
    long, short = (
        rules.selected(budget.promise, f"bad{w}") for w in (pair.long, pair.short)
    )
    return f"{long} > {limit} and {short} > {limit}"


def share(budget: Budget, application: Application, window: str) -> str:
    """Write which share of an application's events was bad over a window."""
    names = {"window": window, "limit": bound(budget.limit)}
    bad = application.fill(budget.burn.bad, **names)
    total = application.fill(budget.burn.total, **names)
    return " ".join(f"({bad}) / ({total})".split())


def bound(limit: float) -> str:
    """Write a limit as a regular expression for `le`, which may say 1 or 1.0."""
    text = f"{limit:.12g}"
    return text if "." in text else f"{text}(\\\\.0)?"
