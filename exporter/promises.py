"""A configuration's promises: its profile and overrides applied to the catalogue."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from exporter.catalogue import applications
from exporter.catalogue.limits import parse_limit
from exporter.catalogue.loader import catalogue
from exporter.catalogue.model import Severity
from exporter.catalogue.plan import Links, Override, Plan
from exporter.collector import SourceKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.catalogue.model import Kpi, Subject
    from exporter.config import Config, Limits
    from exporter.yaml_file import Location


def plan_of(config: Config) -> Plan:
    """Return what is to be rendered for a configuration that `problems` finds good."""
    kpis = {kpi.id: kpi for subject in catalogue() for kpi in subject.kpis}
    base = (config.links.external_url or "http://127.0.0.1:10099").rstrip("/")
    runbooks = (config.links.runbooks or f"{base}/runbooks").rstrip("/")
    dashboards = (config.links.dashboards or "http://127.0.0.1:3000/d").rstrip("/")
    known = tuple(
        applications.Application(name, a.selector, a.naming, a.names, a.targets)
        for name, a in config.applications.items()
    )
    overrides = {
        name: Override(
            _parsed(kpis[name], limits),
            {
                target: _parsed(kpis[name], own)
                for target, own in limits.targets.items()
            },
        )
        for name, limits in config.kpis.items()
    }
    return Plan(
        subjects=catalogue(),
        profile=config.profile,
        overrides=overrides,
        links=Links(runbooks, dashboards, f"{base}/evidence"),
        applications=known or (applications.Application(),),
        interval=config.interval,
    )


def problems(config: Config) -> Iterator[tuple[Location, str]]:
    """Yield what cannot be used or would change nothing, each with its place."""
    yield from _wrong_applications(config)
    kpis = {kpi.id: kpi for subject in catalogue() for kpi in subject.kpis}
    judged = {
        kpi.id: _judged(config, subject, kpi)
        for subject in catalogue()
        for kpi in subject.kpis
    }
    for name, limits in config.kpis.items():
        if name not in kpis:
            yield ("kpis", name), _unknown(name, sorted(kpis))
            continue
        found = [*_wrong_limits(("kpis", name), kpis[name], limits)]
        for target, own in limits.targets.items():
            place: Location = ("kpis", name, "targets", target)
            if target not in judged[name]:
                found.append((place, _no_such(kpis[name], judged[name])))
            found += _wrong_limits(place, kpis[name], own)
        yield from found
        if not found:
            yield from _wrong_order(config, kpis[name])


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1)
    meant = f"did you mean {near[0]}? " if near else ""
    return f"no KPI {name!r}; {meant}there are {', '.join(known)}"


def _wrong_applications(config: Config) -> Iterator[tuple[Location, str]]:
    known = _targets(config)
    for name, application in config.applications.items():
        place = ("applications", name)
        for problem in applications.wrong_selector(application.selector):
            yield (*place, "selector"), problem
        for role, problem in applications.wrong_names(application.names):
            yield (*place, "names", role), problem
        for index, target in enumerate(application.targets):
            if target not in known:
                text = f"no target {target!r}; there are {', '.join(known)}"
                yield (*place, "targets", index), text


def _wrong_limits(
    place: Location, kpi: Kpi, limits: Limits
) -> Iterator[tuple[Location, str]]:
    given = _given(limits)
    for severity, written in given.items():
        try:
            parse_limit(written, kpi.unit)
        except ValueError as error:
            yield (*place, str(severity)), str(error)
    if not given and not getattr(limits, "targets", None):
        yield place, "changes nothing; give warning or critical a limit"


def _wrong_order(config: Config, kpi: Kpi) -> Iterator[tuple[Location, str]]:
    only = config.model_copy(update={"kpis": {kpi.id: config.kpis[kpi.id]}})
    try:
        list(plan_of(only).promises(kpi))
    except ValueError as error:
        yield ("kpis", kpi.id), str(error)


def _judged(config: Config, subject: Subject, kpi: Kpi) -> list[str]:
    """Return the names that limits of their own may be given to."""
    if kpi.scope == "application":
        return list(config.applications)
    kinds = [kind for kind in SourceKind if kind == subject.subject]
    return _targets(config, kinds or [*SourceKind]) if kpi.scope == "target" else []


def _targets(
    config: Config, kinds: Sequence[SourceKind] = tuple(SourceKind)
) -> list[str]:
    return [name for kind in kinds for name in getattr(config, kind)]


def _no_such(kpi: Kpi, names: list[str]) -> str:
    if names:
        return f"nothing is named so that it judges; there are {', '.join(names)}"
    return f"it judges no {kpi.scope} of this configuration"


def _given(limits: Limits) -> dict[Severity, str | int]:
    values = {severity: getattr(limits, severity) for severity in Severity}
    return {name: value for name, value in values.items() if value is not None}


def _parsed(kpi: Kpi, limits: Limits) -> dict[Severity, float]:
    return {name: parse_limit(v, kpi.unit) for name, v in _given(limits).items()}
