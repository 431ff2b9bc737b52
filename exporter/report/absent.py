"""Why a KPI has no value: from the series that it needs, as `check` finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.check_series import Giver, State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.check_series import Verdict, Wanted

_ORDER = (State.NO_TARGET, State.MISSING, State.ELSEWHERE, State.QUIET)


class Absence(NamedTuple):
    """Why there is no value; `quiet` when there is just nothing to say."""

    why: str
    quiet: bool = False


def needed(wanted: Iterable[Wanted], kpis: Iterable[str]) -> list[Wanted]:
    """Return the series, of those that are needed, that these KPIs read themselves."""
    asked = set(kpis)
    return [
        each
        for each in wanted
        if each.giver is not Giver.RULES and not asked.isdisjoint(each.kpis)
    ]


def reasons(found: Iterable[Verdict]) -> dict[str, Absence]:
    """Return the most telling reason for each KPI, by id."""
    ranked: dict[str, tuple[int, Absence]] = {}
    for each in found:
        if each.state not in _ORDER:
            continue
        rank = _ORDER.index(each.state)
        said = Absence(f"{each.wanted.name}: {each.why}", each.state is State.QUIET)
        if each.state is State.NO_TARGET:
            said = Absence(each.why)
        for kpi in each.wanted.kpis:
            if kpi not in ranked or rank < ranked[kpi][0]:
                ranked[kpi] = (rank, said)
    return {kpi: absence for kpi, (_, absence) in ranked.items()}
