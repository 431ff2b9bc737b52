"""Plan → Grafana dashboards: one per subject, rows by question, limits drawn in.

Beside a promise stands what names the cause when it is broken.
"""

from __future__ import annotations

import re
from math import ceil
from typing import TYPE_CHECKING, Any

from exporter.catalogue.limits import Unit
from exporter.catalogue.model import Severity
from exporter.render import rules
from exporter.render.grafana import (
    Head,
    band,
    dashboard,
    dashed,
    query,
    row,
    stacked,
    states,
    thresholds,
    timeseries,
)
from exporter.render.words import promise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from exporter.catalogue.model import Kpi, Subject
    from exporter.catalogue.plan import Plan, Promise

    Panel = dict[str, Any]
    Line = tuple[int, list[Panel]]

UNITS = {
    Unit.SECONDS: "s",
    Unit.RATIO: "percentunit",
    Unit.BYTES: "bytes",
    Unit.COUNT: "short",
    Unit.PER_SECOND: "ops",
}
_COLORS = {
    Severity.INFO: "blue",
    Severity.WARNING: "orange",
    Severity.CRITICAL: "red",
}
_SHOWN = {
    "humanizeDuration": "s",
    "humanizePercentage": "percentunit",
    "humanize1024": "bytes",
    "humanize": "short",
}
_VALUE = re.compile(r"\.Value \| (\w+)")
_LABEL = re.compile(r"\.Labels\.(\w+)")
_HEIGHT, _LOW = 8, 5
_ABREAST = 3
_FEW = 3  # promises whose limits can be told apart in one graph
_KEPT = [band("kept", "green", 0, 0), band("broken", "red", 1e-9, None)]
_SEEN = [band("so", "orange", 1e-9, None)]
_USED = thresholds([(None, "green"), (0.8, "orange"), (1.0, "red")])


def of_subject(plan: Plan, subject: Subject) -> dict[str, Any]:
    """Make a subject's dashboard: a row per question, panels for its KPIs."""
    lines: list[Line] = []
    for question, kpis in _grouped(subject.kpis, lambda kpi: kpi.panel.row).items():
        lines += [(1, [row(question)]), *_lines(plan, kpis)]
    # The first KPI of each kind: later ones may be about what not everybody has.
    last = reversed(subject.kpis)
    names = {rules.who_label(kpi): rules.record_name(kpi) for kpi in last}
    first = rules.record_name(subject.kpis[0])
    head = Head(
        f"kpi-{subject.subject}",
        f"KPI / {subject.title}",
        {"job": first, "instance": first, **names},
        f'kpi=~"{_any_of(subject.kpis)}"',
    )
    return dashboard(head, stacked(lines))


def selected(kpi: Kpi, what: str = "") -> str:
    """Write a recording of a KPI as the dashboard's variables select it."""
    return f"{rules.record_name(kpi, what)}{{{_chosen(kpi)}}}"


def _grouped(kpis: Sequence[Kpi], key: Callable[[Kpi], str]) -> dict[str, list[Kpi]]:
    """Gather KPIs by what they share, in the order in which they begin to."""
    found: dict[str, list[Kpi]] = {}
    for kpi in kpis:
        found.setdefault(key(kpi), []).append(kpi)
    return found


def _lines(plan: Plan, kpis: list[Kpi]) -> Iterator[Line]:
    """Yield lines of panels: a promise with its cause, or up to three abreast."""
    waiting: list[Panel] = []
    for group in _grouped(kpis, lambda kpi: kpi.panel.together or kpi.id).values():
        beside = _beside(plan, group)
        if beside is None:
            waiting.append(_promises(plan, group))
            continue
        yield from _abreast(waiting)
        waiting = []
        yield _HEIGHT, [_promises(plan, group), beside]
    yield from _abreast(waiting)


def _abreast(panels: list[Panel]) -> Iterator[Line]:
    """Divide panels into lines of nearly the same number."""
    lines = ceil(len(panels) / _ABREAST)
    for left in range(lines, 0, -1):
        count = ceil(len(panels) / left)
        line, panels = panels[:count], panels[count:]
        low = all(panel["type"] == "state-timeline" for panel in line)
        yield (_LOW if low else _HEIGHT), line


def _promises(plan: Plan, group: list[Kpi]) -> Panel:
    """Draw a KPI with its limits, or several KPIs that one question asks for."""
    first = group[0]
    title = first.panel.together or first.title
    text = (title, _description(plan, group))
    if first.panel.kind == "states":
        made = states(text, _KEPT)
    else:
        made = timeseries(text, UNITS[first.unit])
        made["fieldConfig"]["defaults"]["thresholds"] = _thresholds(plan, group)
    made["targets"] = [
        query(selected(kpi), _legend(kpi, group), reference=chr(ord("A") + index))
        for index, kpi in enumerate(group)
    ]
    if _as_series(plan, group):
        made["targets"].append(_limits(group))
        made["fieldConfig"]["overrides"] = [dashed("/^limit /")]
    made["links"] = [
        {
            "title": f"Runbook: {kpi.title}",
            "url": f"{plan.links.runbooks}/{kpi.id}",
            "targetBlank": True,
        }
        for kpi in group
    ]
    return made


def _beside(plan: Plan, group: list[Kpi]) -> Panel | None:
    """Draw what names the cause; of many promises, how near they are to broken."""
    cause = next((kpi for kpi in group if kpi.evidence), None)
    if cause is not None:
        return _cause(cause)
    if len(group) <= _FEW or not any(_given(plan, kpi) for kpi in group):
        return None
    title = f"{group[0].panel.together}: share of its limit in use"
    advice = "Above 100 % a promise is broken; follow its runbook on the left."
    made = timeseries((title, advice), "percentunit")
    made["fieldConfig"]["defaults"]["thresholds"] = _USED
    used = f'{rules.USED}{{kpi=~"{_any_of(group)}", {_chosen(group[0])}}}'
    made["targets"] = [query(used, f"{{{{kpi}}}} {_label(group[0])} {{{{severity}}}}")]
    return made


def _cause(kpi: Kpi) -> Panel | None:
    if kpi.evidence is None:
        return None
    text = (
        kpi.evidence.title,
        f"What is named in the notification of “{kpi.title}”, the largest first.",
    )
    unit = _VALUE.search(kpi.evidence.line)
    made = timeseries(text, _SHOWN[unit[1]]) if unit else states(text, _SEEN)
    names = (rules.who_label(kpi), *_LABEL.findall(kpi.evidence.line))
    legend = " ".join(f"{{{{{name}}}}}" for name in dict.fromkeys(names))
    made["targets"] = [query(selected(kpi, "evidence"), legend)]
    return made


def _description(plan: Plan, group: list[Kpi]) -> str:
    parts = [group[0].question]
    promised = [
        f"{f'{kpi.title}: ' if len(group) > 1 else ''}{said}"
        for kpi in group
        if (said := _said(plan, kpi))
    ]
    if promised:
        parts.append(f"Promised: {'; '.join(promised)}.")
    if group[0].measured:
        parts.append(f"Measured by {group[0].measured}.")
    advice = dict.fromkeys(" ".join(kpi.runbook.split()) for kpi in group)
    return "\n\n".join([*parts, *advice])


def _said(plan: Plan, kpi: Kpi) -> str:
    return ", ".join(
        f"{promise(kpi, each.alert.limit)} ({each.alert.severity}"
        f"{f', {each.target}' if each.target else ''})"
        for each in plan.promises(kpi)
    )


def _thresholds(plan: Plan, group: list[Kpi]) -> dict[str, Any]:
    """Draw one KPI's limits; where it should be high the bad side is below them."""
    given = _given(plan, group[0]) if len(group) == 1 else []
    limits = sorted((each.alert.limit, _COLORS[each.alert.severity]) for each in given)
    if group[0].better == "lower":
        return thresholds([(None, "green"), *limits])
    colors = [color for _, color in limits] + ["green"]
    values = [None, *(limit for limit, _ in limits)]
    return thresholds(list(zip(values, colors, strict=True)))


def _given(plan: Plan, kpi: Kpi) -> list[Promise]:
    """Return the promises that hold for everybody."""
    return [each for each in plan.promises(kpi) if each.target is None]


def _as_series(plan: Plan, group: list[Kpi]) -> bool:
    """Whether limits differ within the graph, so that no line across it is true."""
    if len(group) > 1:
        return len(group) <= _FEW and any(any(plan.promises(kpi)) for kpi in group)
    return any(each.target for each in plan.promises(group[0]))


def _limits(group: list[Kpi]) -> dict[str, Any]:
    who = rules.who_label(group[0])
    limits = f'{rules.LIMIT}{{kpi=~"{_any_of(group)}", {_chosen(group[0])}}}'
    expression = f"max by (kpi, severity, {who}) ({limits})"
    legend = f"limit {{{{kpi}}}} {_label(group[0])} {{{{severity}}}}"
    return query(expression, legend, reference="L")


def _chosen(kpi: Kpi) -> str:
    names = dict.fromkeys(("job", "instance", rules.who_label(kpi)))
    return ", ".join(f'{name}=~"${name}"' for name in names)


def _any_of(kpis: Sequence[Kpi]) -> str:
    return "|".join(kpi.id for kpi in kpis)


def _label(kpi: Kpi) -> str:
    return f"{{{{{rules.who_label(kpi)}}}}}"


def _legend(kpi: Kpi, group: list[Kpi]) -> str:
    names = " ".join(f"{{{{{name}}}}}" for name in (rules.who_label(kpi), *kpi.by))
    return f"{kpi.title} {names}" if len(group) > 1 else names
