"""Catalogue → recording and alert rules of one subject, as plain data for YAML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import promql_parser

from exporter.render.words import alert_name, promise, template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.catalogue.model import Kpi, Subject
    from exporter.catalogue.plan import Plan, Promise

VALUE = "kpi:value:current"
LIMIT = "kpi:limit:current"
USED = "kpi:limit_used:ratio"
MOST = 1000.0
"""The greatest share in use where more is better."""
_OWN_LABELS = {
    "target": ("job", "instance", "target"),
    "application": ("job", "instance", "application"),
    "exporter": ("job", "instance"),
}
_WHO = {"target": "target", "application": "application", "exporter": "instance"}


def groups(plan: Plan, subject: Subject) -> list[dict[str, Any]]:
    """Make a subject's rule group: first what is recorded, then what judges it.

    One group, because its rules run in order: an alert never sees a recording of the
    evaluation before.
    """
    recorded = [rule for kpi in subject.kpis for rule in recordings(plan, kpi)]
    promises = [each for kpi in subject.kpis for each in plan.promises(kpi)]
    compared = [rule for each in promises for rule in comparisons(each)]
    alerts = [alert(plan, subject, each) for each in promises]
    rules = [*recorded, *compared, *alerts]
    return [{"name": f"kpi-{subject.subject}", "rules": rules}]


def labels_of(kpi: Kpi) -> tuple[str, ...]:
    """Return the labels that a KPI's recording has."""
    return (*_OWN_LABELS[kpi.scope], *kpi.by)


def who_label(kpi: Kpi) -> str:
    """Return the label that says whom a KPI is about."""
    return _WHO[kpi.scope]


def record_name(kpi: Kpi, what: str = "") -> str:
    """Name a KPI's recording `level:metric:operations`.

    `what` names another one of the KPI: `judged` is there while it may be judged,
    `evidence` are the series that name the cause.
    """
    return f"{'_'.join((_WHO[kpi.scope], *kpi.by))}:{kpi.id}:{what or kpi.unit}"


def recordings(plan: Plan, kpi: Kpi) -> Iterator[dict[str, Any]]:
    """Yield a KPI's recordings; one of each per application."""
    parts = [(record_name(kpi), kpi.expr)]
    if kpi.guard:
        parts.append((record_name(kpi, "judged"), kpi.guard))
    if kpi.evidence:
        parts.append((record_name(kpi, "evidence"), kpi.evidence.expr))
    for name, text in parts:
        if kpi.scope != "application":
            filled = plan.applications[0].fill(text)
            yield {"record": name, "expr": _one_line(filled)}
            continue
        for application in plan.applications:
            yield {
                "record": name,
                "expr": _one_line(application.fill(text)),
                "labels": {"application": application.name},
            }


def comparisons(each: Promise) -> Iterator[dict[str, Any]]:
    """Yield what makes all promises comparable: value, limit, share of it in use.

    Above 1 a promise is broken, whatever its unit is and whichever way is better. A
    limit of 0 has no shares: there it is 2 when broken, else 0. Where more is better,
    nothing at all is a thousand times too little.
    """
    limit = f"{each.alert.limit:.12g}"
    name = selected(each)
    used = f"{name} / {limit}"
    if each.kpi.better == "higher":
        used = f"{limit} / clamp_min({name}, {each.alert.limit / MOST:.12g})"
    elif each.alert.limit == 0:
        used = f"({name} > bool 0) * 2"
    labels = rule_labels(each)
    for record, text in (
        (VALUE, name),
        (LIMIT, f"{name} * 0 + {limit}"),
        (USED, used),
    ):
        yield {"record": record, "expr": _judged(each, text), "labels": labels}


def expression(each: Promise) -> str:
    """Write when a promise is broken: the recording beyond its limit, if judged."""
    operator = ">" if each.kpi.better == "lower" else "<"
    return _judged(each, f"{selected(each)} {operator} {each.alert.limit:.12g}")


def selected(each: Promise, what: str = "") -> str:
    """Name a recording of those whom the promise is for."""
    name, who = record_name(each.kpi, what), _WHO[each.kpi.scope]
    if each.target is not None:
        return f'{name}{{{who}="{each.target}"}}'
    if len(each.apart) == 1:
        return f'{name}{{{who}!="{each.apart[0]}"}}'
    if each.apart:
        return f'{name}{{{who}!~"{"|".join(map(_literal, each.apart))}"}}'
    return name


def rule_labels(each: Promise) -> dict[str, str]:
    """Tell a rule apart from others of its name, by labels its result has anyway."""
    own = {_WHO[each.kpi.scope]: each.target} if each.target else {}
    return {"severity": str(each.alert.severity), "kpi": each.kpi.id, **own}


def _literal(name: str) -> str:
    """Write a name as a regular expression inside the quotes of PromQL."""
    return re.escape(name).replace("\\", "\\\\")


def _judged(each: Promise, text: str) -> str:
    if not each.kpi.guard:
        return text
    on = ", ".join(labels_of(each.kpi))
    return f"{text} and on ({on}) {record_name(each.kpi, 'judged')}"


def alert(plan: Plan, subject: Subject, each: Promise) -> dict[str, Any]:
    """Make one alert rule, with everything that its notification says."""
    kpi = each.kpi
    return {
        "alert": alert_name(kpi),
        "expr": expression(each),
        "for": f"{round(each.alert.hold)}s",
        "labels": {**rule_labels(each), **plan.labels},
        "annotations": dict(_annotations(plan, subject, each)),
    }


def who(kpi: Kpi) -> str:
    """Write the template that names what a KPI is about."""
    names = (_WHO[kpi.scope], *kpi.by)
    return " ".join(f"{{{{ $labels.{name} }}}}" for name in names)


def dashboard_url(plan: Plan, subject: Subject, kpi: Kpi) -> str:
    """Write the template of the link to the subject's dashboard, for that one."""
    who = _WHO[kpi.scope]
    variable = f"var-{who}={{{{ $labels.{who} }}}}"
    return f"{plan.links.dashboards}/kpi-{subject.subject}?{variable}"


def evidence(kpi: Kpi) -> Iterator[tuple[str, str]]:
    """Yield the annotation that names the cause, of a KPI that has any."""
    if kpi.evidence:
        name = _WHO[kpi.scope]
        selected = f"{record_name(kpi, 'evidence')}{{{name}=%q}}"
        query = f"printf `sort_desc({selected})` $labels.{name} | query"
        yield "evidence", f"{{{{ range {query} }}}}{kpi.evidence.line}\n{{{{ end }}}}"


def settled(kpi: Kpi) -> float:
    """Return the seconds after which constant inputs give a constant value."""
    found = re.findall(r"\[(\w+)(?::\w*)?\]", f"{kpi.expr} {kpi.guard or ''}")
    ranges = [promql_parser.parse_duration(text).total_seconds() for text in found]
    return max(ranges, default=0.0) + 60.0


def _annotations(
    plan: Plan, subject: Subject, each: Promise
) -> Iterator[tuple[str, str]]:
    kpi = each.kpi
    promised = promise(kpi, each.alert.limit)
    yield "summary", f"{kpi.title}: {template(kpi.unit)} on {who(kpi)}"
    measured = f" Measured by {kpi.measured}." if kpi.measured else ""
    yield "description", f"Promised is {promised}. {kpi.question}{measured}"
    yield "runbook_url", f"{plan.links.runbooks}/{kpi.id}"
    yield "dashboard_url", dashboard_url(plan, subject, kpi)
    yield from evidence_url(plan, kpi)
    yield from evidence(kpi)


def evidence_url(plan: Plan, kpi: Kpi) -> Iterator[tuple[str, str]]:
    """Yield the annotation that leads to the evidence page, if it says anything."""
    if kpi.page and plan.links.evidence:
        name = f"{{{{ $labels.{_WHO[kpi.scope]} }}}}"
        yield "evidence_url", f"{plan.links.evidence}/{name}?kpi={kpi.id}"


def _one_line(expression: str) -> str:
    return " ".join(expression.split())
