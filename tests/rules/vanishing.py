"""promtool tests in which all that an alert reads ends, in each way it can end."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.declared import declared
from exporter.health import UP
from exporter.render import rule_tests, rules
from exporter.render.promql import uses
from exporter.render.series import braces
from exporter.render.words import alert_name
from tests.plans import plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collector import SourceKind
    from exporter.render.rule_tests import Case

SUCCESS = "kpi_exporter_collector_success"
LATER = 20  # minutes after which somebody must have noticed


class Way(NamedTuple):
    """How series can end, and which alert says so.

    The rest is what there is afterwards: "1", "0", or "stale" for nothing any more.
    `success` is of the collector, `answers` of its server, `up` of what is scraped.
    """

    name: str
    guardian: str
    up: str
    success: str = "stale"
    answers: str = "stale"


OF_COLLECTORS = (
    Way("the collector fails", "CollectorFailing", up="1", success="0", answers="1"),
    Way("the server is down", "TargetDown", up="1", success="0", answers="0"),
)
OF_TARGETS = (
    Way("the target is watched no more", "CollectorGone", up="1"),
    Way("the exporter is down", "ExporterDown", up="0"),
    Way("the exporter is scraped no more", "CollectorGone", up="stale"),
)
OF_APPLICATIONS = (
    Way("the application is down", "ApplicationDown", up="0"),
    Way("the application is scraped no more", "ApplicationSeriesGone", up="stale"),
    Way("the application has other names", "ApplicationSeriesGone", up="1"),
)


class Origin(NamedTuple):
    """Who gives what an alert reads: a kind of server or host, and its collector."""

    kind: SourceKind | None
    collector: str


def origins(case: Case) -> set[Origin]:
    """Say who gives each series that an alert reads; raises KeyError for nobody."""
    application = case.whom.application
    known = declared()
    if case.kpi.scope == "application":
        own = application.declared() | {"up": frozenset()}
        known |= {name: declared()["pg_up"] for name in own}
    texts = (case.kpi.expr, case.kpi.guard or "1")
    names = {use.name for text in texts for use in uses(application.fill(text))}
    found = [known[name] for name in names if ":" not in name]
    return {Origin(series.kind, series.collector) for series in found}


def ways(case: Case) -> tuple[Way, ...]:
    """Return how the series of an alert can end."""
    if any(each.series.startswith("up{") for each in case.kpi.inputs):
        return OF_APPLICATIONS[1:2]
    if case.kpi.scope == "application":
        return OF_APPLICATIONS
    kinds = {origin.kind for origin in origins(case) if origin.collector}
    of_collectors = OF_COLLECTORS if kinds & UP.keys() else OF_COLLECTORS[:1]
    return (*(of_collectors if kinds else ()), *OF_TARGETS)


def vanishing(case: Case) -> dict[str, Any]:
    """Break a promise, then let its series end in each way, each for one of its own."""
    slowest = max(each.alert.hold for each in case.plan.promises(case.kpi))
    fires = int((rules.settled(case.kpi) + slowest) / 60) + 1
    copies = [_Copy(case, way, number, fires) for number, way in enumerate(ways(case))]
    name, severity = alert_name(case.kpi), case.each.alert.severity
    broken = f'ALERTS{{alertname="{name}", severity="{severity}"'
    return {
        "name": case.name,
        "interval": "1m",
        "input_series": [each for copy in copies for each in copy.series()],
        "promql_expr_test": [
            check
            for copy in copies
            for check in (
                _fires(f"{broken}, {copy.who}", fires, copy.way.name),
                _fires(copy.guardian, fires + LATER, copy.way.name),
            )
        ],
    }


def _fires(selector: str, minute: int, why: str) -> dict[str, Any]:
    expression = f'{selector}, alertstate="firing"}}'
    return {
        "expr": f'label_replace(group({expression}), "why", "{why}", "", "")',
        "eval_time": f"{minute}m",
        "exp_samples": [{"labels": braces({"why": why}), "value": 1}],
    }


class _Copy:
    """One who breaks the promise, and whose series end in one way."""

    def __init__(self, case: Case, way: Way, number: int, ends: int) -> None:
        self.way = way
        self._case, self._ends = case, ends
        of_application = case.kpi.scope == "application"
        alone = of_application or way.up != "1"
        self._labels = {
            "job": f"j{number}" if of_application else "j",
            "instance": f"i{number}" if alone else "i",
            "target": f"t{number}",
        }

    @property
    def who(self) -> str:
        """A selector's inside for the alert about it."""
        name = "job" if self._case.kpi.scope == "application" else "target"
        return f'{name}="{self._labels[name]}"'

    @property
    def guardian(self) -> str:
        """The begin of a selector for the alert that says that its series ended."""
        about = ["instance"] if self.way.guardian == "ExporterDown" else ["target"]
        if self._case.kpi.scope == "application":
            about = ["job", "instance"]
        labels = ", ".join(f'{name}="{self._labels[name]}"' for name in about)
        return f'ALERTS{{alertname="{self.way.guardian}", {labels}'

    def series(self) -> Iterator[dict[str, str]]:
        """Yield its series without any twice: some KPIs are about what we add."""
        value = rule_tests.beyond(self._case)
        at = float(self._ends * 60)
        made = [
            {
                "series": self._renamed(each["series"]),
                "values": f"{each['values']} stale",
            }
            for each in self._case.whom.series(self._case.kpi.inputs, value, at)
        ]
        there = {each["series"] for each in made}
        yield from made
        for each in self._around():
            if each["series"] not in there:
                there.add(each["series"])
                yield each

    def _around(self) -> Iterator[dict[str, str]]:
        scraped = {name: self._labels[name] for name in ("job", "instance")}
        yield self._then("up", scraped, self.way.up)
        if self._case.kpi.scope == "application":
            return
        version = {**scraped, "version": "1"}
        info = "1" if self.way.up == "1" else "stale"
        yield self._then("kpi_exporter_build_info", version, info)
        for kind, collector in sorted(origins(self._case), key=str):
            name = {"collector": collector or "a-collector"}
            yield self._then(SUCCESS, {**self._labels, **name}, self.way.success)
            if collector and kind in UP:
                yield self._then(UP[kind].name, self._labels, self.way.answers)

    def _then(self, name: str, labels: dict[str, str], after: str) -> dict[str, str]:
        """Write a series that is 1 until the end, and what it is then."""
        rest = after if after == "stale" else f"{after}x{LATER}"
        series = f"{name}{braces(labels)}"
        return {"series": series, "values": f"1x{self._ends + 1} {rest}"}

    def _renamed(self, series: str) -> str:
        old = {"job": "j", "instance": "i", "target": "t"}
        for name, value in self._labels.items():
            series = series.replace(f'{name}="{old[name]}"', f'{name}="{value}"')
        return series


def cases(names: list[str]) -> dict[str, Case]:
    """Return every alert of some plans by name and severity, each once."""
    found: dict[str, Case] = {}
    for given in map(plan, names):
        for subject in given.subjects:
            promises = chain.from_iterable(map(given.promises, subject.kpis))
            for each in promises:
                case = rule_tests.Case(given, subject, each)
                found.setdefault(case.name, case)
    return found
