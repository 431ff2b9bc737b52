"""Whom a test is about: the labels and the series of one target or application."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.render import rules
from exporter.render.series import MINUTE, VALUES, notation, series_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.catalogue.applications import Application
    from exporter.catalogue.model import Input, Kpi
    from exporter.catalogue.plan import Plan, Promise


class Whom(NamedTuple):
    """An application, or a target by its name."""

    kpi: Kpi
    application: Application
    target: str = VALUES["target"]

    @property
    def labels(self) -> dict[str, str]:
        """The labels that the KPI's recording has for it."""
        own = {**VALUES, "target": self.target}
        if self.kpi.scope == "application":
            own = {**VALUES, **self.application.labels}
            own["application"] = self.application.name
        return {name: own.get(name, f"a-{name}") for name in rules.labels_of(self.kpi)}

    @property
    def name(self) -> str:
        """How an override names it."""
        return self.labels[rules.who_label(self.kpi)]

    def series(
        self, inputs: Sequence[Input], value: float, at: float, **names: str
    ) -> list[dict[str, str]]:
        """Write the series that make the KPI have this value `at` seconds later."""
        count = int(at / MINUTE) + 1
        made = [
            notation(self.application, each, count, **names)
            for each in series_of(inputs, value, at)
        ]
        return [_renamed(each, self.target) for each in made]

    def concerns(self, each: Promise) -> bool:
        """Whether a promise is for it."""
        if each.target is not None:
            return each.target == self.name
        return self.name not in each.apart


def everybody(plan: Plan, kpi: Kpi) -> Iterator[Whom]:
    """Yield every application that a KPI judges, or one target."""
    if kpi.scope != "application":
        yield Whom(kpi, plan.applications[0])
        return
    for application in plan.applications:
        yield Whom(kpi, application)


def somebody(plan: Plan, each: Promise) -> Whom:
    """Return one that a promise is for."""
    if each.kpi.scope == "application":
        return next(w for w in everybody(plan, each.kpi) if w.concerns(each))
    name, number = each.target or VALUES["target"], 2
    while each.target is None and name in each.apart:
        name, number = f"{VALUES['target']}{number}", number + 1
    return Whom(each.kpi, plan.applications[0], name)


def _renamed(series: dict[str, str], target: str) -> dict[str, str]:
    old, new = (f'target="{name}"' for name in (VALUES["target"], target))
    return {**series, "series": series["series"].replace(old, new)}
