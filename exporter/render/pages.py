"""Plan → pages for people: a runbook per KPI, and the reference of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.catalogue.model import Severity
from exporter.catalogue.profiles import Profile
from exporter.render import gone, rules, twice
from exporter.render.words import MARK, alert_name, humanize_duration, promise, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.catalogue.model import Kpi
    from exporter.catalogue.plan import Plan

_OTHERS = {gone.PAGE: gone.RUNBOOK, twice.PAGE: twice.RUNBOOK}
_HEAD = f"<!-- {MARK} from exporter/catalogue; edits are lost. -->"


def named(plan: Plan) -> dict[str, str]:
    """Return every runbook by its name: those of KPIs, and of what is no KPI."""
    kpis = [kpi for subject in plan.subjects for kpi in subject.kpis]
    return {**{kpi.id: runbook(plan, kpi) for kpi in kpis}, **_OTHERS}


def page(plan: Plan, name: str) -> str | None:
    """Return one runbook by its name, the list of all for "", None for others."""
    if not name:
        return index(plan)
    kpis = (kpi for subject in plan.subjects for kpi in subject.kpis)
    found = next((kpi for kpi in kpis if kpi.id == name), None)
    return runbook(plan, found) if found else _OTHERS.get(name)


def index(plan: Plan) -> str:
    """Write the list of all runbooks, by subject."""
    return "\n".join(_index(plan)) + "\n"


def runbook(plan: Plan, kpi: Kpi) -> str:
    """Write what to look at, what to do, and when to change the limit."""
    return "\n".join(_runbook(plan, kpi)) + "\n"


def reference(plan: Plan) -> str:
    """Write the table of all KPIs with their limits in every profile."""
    return "\n".join(_reference(plan)) + "\n"


def _index(plan: Plan) -> Iterator[str]:
    yield "# The promises"
    for subject in plan.subjects:
        yield ""
        yield f"## {subject.title}"
        yield ""
        yield from (f"- [{kpi.title}](runbooks/{kpi.id})" for kpi in subject.kpis)


def _runbook(plan: Plan, kpi: Kpi) -> Iterator[str]:
    yield _HEAD
    yield f"# {kpi.title}"
    yield ""
    yield f"**{kpi.question}**"
    yield ""
    yield kpi.why.strip()
    if kpi.measured:
        yield f"Measured by {kpi.measured}."
    yield ""
    yield "## What to do"
    yield ""
    yield kpi.runbook.strip()
    yield ""
    yield "## The promise"
    yield ""
    yield from _promised(plan, kpi)
    yield ""
    yield f"Recorded as `{rules.record_name(kpi)}`:"
    yield ""
    for rule in rules.recordings(plan, kpi):
        yield "```promql"
        yield f"{rule['record']} = {rule['expr']}"
        yield "```"


def _promised(plan: Plan, kpi: Kpi) -> Iterator[str]:
    promises = list(plan.promises(kpi))
    for each in promises:
        minutes = humanize_duration(each.alert.hold)
        whose = f" for {each.target}" if each.target else ""
        yield (
            f"- **{each.alert.severity}**{whose}: {promise(kpi, each.alert.limit)}; "
            f"the alert `{alert_name(kpi)}` comes after {minutes} beyond it."
        )
    if not promises:
        yield "Nobody promised a limit: it is recorded and shown, and nothing alerts."


def _reference(plan: Plan) -> Iterator[str]:
    yield _HEAD
    yield "# The promises"
    for subject in plan.subjects:
        yield ""
        yield f"## {subject.title}"
        yield ""
        yield "| KPI | " + " | ".join(Profile) + " |"
        yield "|---|" + "---|" * len(Profile)
        for kpi in subject.kpis:
            limits = " | ".join(_limits(kpi, profile) for profile in Profile)
            yield f"| [{kpi.title}](runbooks/{kpi.id}.md) | {limits} |"


def _limits(kpi: Kpi, profile: Profile) -> str:
    alerts = kpi.alerts_of(profile)
    sign = ">" if kpi.better == "lower" else "<"
    order = list(Severity)
    ranked = sorted(alerts, key=lambda alert: order.index(alert.severity), reverse=True)
    return (
        ", ".join(f"{a.severity} {sign} {shown(a.limit, kpi.unit)}" for a in ranked)
        or "none"
    )
