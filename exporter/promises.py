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
    from collections.abc import Collection, Iterator, Sequence

    from exporter.catalogue.model import Kpi, Subject
    from exporter.config import Config, KpiLimits, Limits
    from exporter.yaml_file import Location

STATEMENT_KPIS = ("db_query_p95",)
"""Those whose limits must be bounds of the histogram that they read."""


def plan_of(config: Config) -> Plan:
    """Return what is to be rendered for a configuration that `problems` finds good."""
    kpis = {kpi.id: kpi for subject in catalogue() for kpi in subject.kpis}
    base = (config.links.external_url or "http://127.0.0.1:10099").rstrip("/")
    evidence = f"{base}/evidence" if config.web.evidence else None
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
        links=Links(runbooks, dashboards, evidence),
        applications=known or (applications.Application(),),
        interval=config.interval,
    )


def statement_limits(config: Config, target: str) -> tuple[float, ...]:
    """Return the limits, in seconds, that are set for a target's statement latency."""
    return tuple(
        sorted(
            {
                limit
                for name, override in plan_of(config).overrides.items()
                if name in STATEMENT_KPIS
                for limits in (override.limits, override.targets.get(target, {}))
                for limit in limits.values()
            }
        )
    )


def problems(
    config: Config, refused: Collection[Location] = ()
) -> Iterator[tuple[Location, str]]:
    """Yield what cannot be used or would change nothing, each with its place.

    `refused` are places that were left out of the configuration because nothing can be
    made of them: what hangs on their values is not judged.
    """
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
        if not any(place[:2] in (("kpis", name), ("profile",)) for place in refused):
            idle = [*_idle(name, limits)]
            yield from idle
            if not found and not idle:
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
    for severity, written in _given(limits).items():
        try:
            kpi.check_limit(parse_limit(written, kpi.unit))
        except ValueError as error:
            yield (*place, str(severity)), str(error)


def _idle(name: str, limits: KpiLimits) -> Iterator[tuple[Location, str]]:
    """Name overrides without any limit in them."""
    text = "changes nothing; give warning or critical a limit"
    if not _given(limits) and not limits.targets:
        yield ("kpis", name), text
    for target, own in limits.targets.items():
        if not _given(own):
            yield ("kpis", name, "targets", target), text


def _wrong_order(config: Config, kpi: Kpi) -> Iterator[tuple[Location, str]]:
    """Say where a severe limit is milder than a lesser one: of all, else of a target.

    A target has the limits of all where it has none of its own.
    """
    own = config.kpis[kpi.id]
    general = own.model_copy(update={"targets": {}})
    if problem := _disorder(config, kpi, general):
        yield ("kpis", kpi.id), problem
        return
    for target, limits in own.targets.items():
        single = own.model_copy(update={"targets": {target: limits}})
        if problem := _disorder(config, kpi, single):
            yield ("kpis", kpi.id, "targets", target), problem


def _disorder(config: Config, kpi: Kpi, limits: KpiLimits) -> str | None:
    only = config.model_copy(update={"kpis": {kpi.id: limits}})
    try:
        list(plan_of(only).promises(kpi))
    except ValueError as error:
        return str(error)
    return None


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


def _given(limits: Limits) -> dict[Severity, object]:
    values = {severity: getattr(limits, severity) for severity in Severity}
    return {name: value for name, value in values.items() if value is not None}


def _parsed(kpi: Kpi, limits: Limits) -> dict[Severity, float]:
    return {name: parse_limit(v, kpi.unit) for name, v in _given(limits).items()}
