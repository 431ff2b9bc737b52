"""What rules and panels need beside what is there: a verdict on every series."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from exporter.declared import declared
from exporter.render.needs import needs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exporter.catalogue.plan import Plan
    from exporter.declared import Series

SCRAPED = frozenset(("job", "instance"))
"""The labels that Prometheus puts on whatever it scrapes."""
TARGET = "target"


class Giver(StrEnum):
    """Who makes a series."""

    EXPORTER = "exporter"
    APPLICATION = "application"
    PROMETHEUS = "prometheus"
    RULES = "rules"


class State(StrEnum):
    """How a needed series was found; all but `missing` is well.

    `quiet` is what is not there because there is nothing to say; `no target` what no
    target of this exporter could give; `elsewhere` what is on a page not asked for.
    """

    PRESENT = "present"
    QUIET = "quiet"
    NO_TARGET = "no target"
    ELSEWHERE = "elsewhere"
    MISSING = "missing"


class Wanted(NamedTuple):
    """A series that rules and panels read, the labels they need of it, and for what.

    `fixed` are labels that an application's selector gives a value, `promised` says
    whether an alert depends on it, so that it cannot be judged by other series.
    """

    name: str
    labels: frozenset[str]
    giver: Giver
    kpis: tuple[str, ...]
    promised: bool
    fixed: frozenset[str] = frozenset()
    series: Series | None = None


class Seen(NamedTuple):
    """What a page or a Prometheus has.

    `labels` are those of each series by name. `sources` are the kinds of the targets,
    `collectors` says of each kind's collector whether it works on all of them.
    `records` are the names that loaded rules record. `asked` are those looked at.
    """

    labels: dict[str, frozenset[str]]
    sources: frozenset[str]
    collectors: dict[tuple[str, str], bool]
    asked: frozenset[Giver]
    records: frozenset[str] = frozenset()


class Verdict(NamedTuple):
    """How one needed series was found, which labels it lacks, and why in words."""

    wanted: Wanted
    state: State
    why: str = ""
    lacking: tuple[str, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether a promise is not judged because of it."""
        return self.state is State.MISSING and self.wanted.promised


def wanted(plan: Plan) -> list[Wanted]:
    """List what the rules and panels of a plan read, each series once, by name."""
    known = declared()
    promised = _promised(plan)
    labels: dict[str, set[str]] = {}
    kpis: dict[str, dict[str, None]] = {}
    depended: dict[str, set[str]] = {}
    for need in needs(plan):
        labels.setdefault(need.use.name, set()).update(need.use.labels)
        kpis.setdefault(need.use.name, {})[need.kpi] = None
        if not need.use.spare or need.use.name in known:
            depended.setdefault(need.use.name, set()).add(need.kpi)
    return [
        Wanted(
            name,
            frozenset(labels[name]),
            giver := _giver(name, known),
            tuple(filter(None, kpis[name])),
            not promised.isdisjoint(depended.get(name, ())),
            _fixed(plan, name) if giver is Giver.APPLICATION else frozenset(),
            known.get(name),
        )
        for name in sorted(labels)
    ]


def verdicts(needed: Iterable[Wanted], seen: Seen) -> list[Verdict]:
    """Judge every needed series by what was seen."""
    return [_verdict(each, seen) for each in needed]


def _promised(plan: Plan) -> set[str]:
    """Return the KPIs with an alert; what belongs to no KPI is for all of them."""
    kpis = (kpi for subject in plan.subjects for kpi in subject.kpis)
    return {"", *(kpi.id for kpi in kpis if any(plan.promises(kpi)))}


def _giver(name: str, known: dict[str, Series]) -> Giver:
    if ":" in name:
        return Giver.RULES
    if name in known:
        return Giver.EXPORTER
    return Giver.PROMETHEUS if name == "up" else Giver.APPLICATION


def _fixed(plan: Plan, name: str) -> frozenset[str]:
    mine = [a.fixed for a in plan.applications if name in a.declared()]
    return frozenset[str]().union(*mine)


def _verdict(each: Wanted, seen: Seen) -> Verdict:
    if each.giver not in seen.asked:
        whose = f"is the {each.giver}'s, who was not asked"
        return Verdict(each, State.ELSEWHERE, whose)
    there = seen.labels.get(each.name)
    if there is None:
        return Verdict(each, *_absent(each, seen))
    lacking = tuple(sorted(each.labels - there))
    if not lacking:
        return Verdict(each, State.PRESENT)
    which = ", ".join(lacking)
    if TARGET in lacking and _absent(each, seen)[0] is State.NO_TARGET:
        return Verdict(each, State.NO_TARGET, "is there from another exporter")
    if _can_have(each, lacking, seen):
        why = f"no series of it has a value for {which} now"
        return Verdict(each, State.QUIET, why, lacking)
    return Verdict(each, State.MISSING, f"is there without the label {which}", lacking)


def _can_have(each: Wanted, labels: tuple[str, ...], seen: Seen) -> bool:
    """Whether a series may have these labels another time; `target` it always has."""
    if each.giver is Giver.RULES:
        return each.name in seen.records
    declared_labels = each.series.labels if each.series else frozenset[str]()
    return TARGET not in labels and declared_labels >= {*labels}


def _absent(each: Wanted, seen: Seen) -> tuple[State, str]:
    match each.giver:
        case Giver.EXPORTER if each.series is not None:
            return _not_given(each.series, seen)
        case Giver.RULES if each.name in seen.records:
            return State.QUIET, "its rule is loaded and has nothing to record now"
        case Giver.RULES:
            return State.MISSING, "no loaded rule records it; load the rendered rules"
        case Giver.APPLICATION:
            return State.MISSING, "no application publishes it"
        case _:
            return State.MISSING, "nothing is scraped"


def _not_given(series: Series, seen: Seen) -> tuple[State, str]:
    if series.kind is None:
        return State.MISSING, "is ours, but not there: is that another version of us?"
    kind = str(series.kind)
    if kind not in seen.sources:
        return State.NO_TARGET, f"no target is a {kind}"
    name = f"the collector {series.collector} of {kind}"
    works = seen.collectors.get((kind, series.collector))
    if works is None:
        return State.MISSING, f"needs {name}, which is switched off"
    if not works:
        why = f"needs {name}, which fails: `kpi-exporter check --config FILE` says why"
        return State.MISSING, why
    return State.QUIET, f"{name} works and has none now"


def text(found: list[Verdict]) -> Iterator[str]:
    """Yield lines for people: what is missing stands last, above the sum."""
    order = list(State)
    width = max((len(each.wanted.name) for each in found), default=0)
    for each in sorted(found, key=lambda each: order.index(each.state)):
        why = each.why
        if each.wanted.kpis and each.state is not State.PRESENT:
            why += f" (for {', '.join(each.wanted.kpis)})"
        if each.state is State.MISSING and not each.broken:
            why += "; nothing is promised about it"
        yield f"{each.state:<9}  {each.wanted.name:<{width}}  {why}".rstrip()
    sums = [f"{sum(e.state is state for e in found)} {state}" for state in State]
    broken = sum(each.broken for each in found)
    yield f"{len(found)} series are needed: {', '.join(sums)}"
    if broken:
        yield f"{broken} of the missing ones are needed to judge a promise"


def plain(found: list[Verdict]) -> list[dict[str, object]]:
    """Return the same for programs."""
    return [
        {
            "series": each.wanted.name,
            "labels": sorted(each.wanted.labels),
            "giver": each.wanted.giver,
            "source": each.wanted.series and each.wanted.series.kind,
            "collector": (each.wanted.series and each.wanted.series.collector) or None,
            "kpis": each.wanted.kpis,
            "state": each.state,
            "broken": each.broken,
            "lacking": each.lacking,
            "why": each.why or None,
        }
        for each in found
    ]
