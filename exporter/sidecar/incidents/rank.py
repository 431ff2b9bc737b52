"""Which of all that was seen is the likeliest cause, and why; pure.

A weight is a product: how well such a cause fits such a promise, how close it began,
whether it is about the same target, how much it changed, and its share of the whole.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from exporter.sidecar.incidents.incident import Cause

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LATENT = -1
_MOST = 8
_HALF_LIFE = 600.0  # seconds after which closeness counts half
_LATER = 3.0  # times as fast, for what began after: an effect rarely comes first
_SAME_TIME = 5.0  # seconds
_CHANGED = 1.5
_MOST_CHANGE = 16.0
_DEEPER, _EQUAL, _SHALLOWER = 0.8, 0.35, 0.1
_A_LEVEL = 0.05
_OVER = 0.4


class Kind(StrEnum):
    """What kind of thing a candidate is."""

    OWN = "own"
    TABLE = "table"
    ALERT = "alert"
    BLOCKING = "blocking"
    PLAN = "plan"
    INDEX = "index"
    STATEMENT = "statement"
    COMMAND = "command"
    QUERY = "query"
    PROCESS = "process"
    SUMMARY = "summary"


class Whom(StrEnum):
    """About whom it is, as seen from the incident."""

    SAME = "same"
    BEHIND = "behind"
    HOST = "host"


class Candidate(NamedTuple):
    """Something that may be the cause; `where` is the target it is about.

    `seconds` is when it began or was seen, counted from the incident. `change` is how
    many times as much it is as an hour ago (infinite: there was none; None: unknown).
    `share` is its part of all of its kind. `depth` is an alert's, as `depth_of` has it.
    `over` says that it was gone before the incident began; `fits` is a factor. `more`
    are reasons that are said besides.
    """

    kind: Kind
    text: str
    whom: Whom = Whom.SAME
    where: str = ""
    seconds: float = 0.0
    change: float | None = None
    share: float = 1.0
    depth: int = 0
    over: bool = False
    fits: float = 1.0
    more: tuple[str, ...] = ()


_SYMPTOMS = frozenset({"api", "data"})  # subjects: what users feel
_SERVER = frozenset(
    {
        *("db_query_p95", "db_query_certainly_slow", "db_query_undecided"),
        *("db_query_slower", "pg_rollback_ratio", "pg_transactions"),
        *("pg_cache_hit_ratio", "pg_replica_lag", "redis_command_p99"),
        *("redis_round_trip", "redis_slow_entries", "redis_commands"),
        *("redis_hit_rate", "neo4j_query_p50", "neo4j_query_p99"),
        *("neo4j_canary_p95", "neo4j_query_rate", "load_per_cpu", "disk_wait"),
        *("cpu_pressure", "memory_pressure", "io_pressure"),
    }
)
_GROUNDS = frozenset(
    {
        *("pg_index_missing", "pg_index_invalid", "neo4j_index_missing"),
        *("neo4j_index_failed", "neo4j_database_offline"),
    }
)
_DOWN = frozenset({"target_down", "application_down", "exporter_down"})
_LATENT = frozenset(  # what will do harm, and does none to others yet
    {
        *("disk_full_in", "inodes_full_in", "memory_full_in", "redis_full_in"),
        *("clock_offset", "clock_unsynchronised", "temperature", "raid_degraded"),
        *("pg_wraparound_xids", "pg_wraparound_multixacts", "pg_wraparound_in"),
        *("pg_index_unused", "pg_index_covered", "pg_index_bloat", "pg_index_wanted"),
        *("neo4j_index_twins", "neo4j_index_unused", "pg_sequence_used"),
        *("pg_database_growth", "pg_database_doubles_in", "pg_durability_off"),
        *("pg_autovacuum_off", "source_time", "polls_skipped", "series_dropped"),
    }
)
NAMED = _SERVER | _GROUNDS | _DOWN | _LATENT
"""All promises that are named here."""


def depth_of(kpi: str, subject: str) -> int:
    """Say how far below what users feel a promise lies.

    0 what users feel, 1 a server that is slow, 2 what makes it so, 3 what made that, 4
    it is not there at all. -1 is what harms nobody yet, so that it explains nothing.
    """
    if kpi in _LATENT:
        return LATENT
    if kpi in _DOWN:
        return 4
    if kpi in _GROUNDS:
        return 3
    if subject in _SYMPTOMS:
        return 0
    return 1 if kpi in _SERVER else 2


_SYMPTOMATIC = (0, 1)  # depths
_OWN_FITS = (0.5, 0.7, 0.95, 0.95, 0.95)  # by depth: a symptom names where, not why
_FITS = {  # for symptoms, and for promises that lie deeper
    Kind.TABLE: (0.85, 0.85),
    Kind.BLOCKING: (0.75, 0.3),
    Kind.PLAN: (0.6, 0.25),
    Kind.INDEX: (0.55, 0.2),
    Kind.STATEMENT: (0.6, 0.4),
    Kind.COMMAND: (0.55, 0.4),
    Kind.QUERY: (0.5, 0.35),
    Kind.PROCESS: (0.45, 0.4),
    Kind.SUMMARY: (0.2, 0.45),
}
_WHOM = {Whom.SAME: 1.0, Whom.BEHIND: 0.95, Whom.HOST: 0.85}
_WORDS = {
    Kind.OWN: "the alert itself names it",
    Kind.TABLE: "the exporter's evidence for this promise",
    Kind.BLOCKING: "who waits for a lock is slow or fails",
    Kind.PLAN: "another plan makes the same statement slower",
    Kind.INDEX: "without an index whole tables are read",
    Kind.STATEMENT: "of the statements it takes most time",
    Kind.COMMAND: "of the commands it takes most time",
    Kind.QUERY: "of the queries it reads most",
    Kind.PROCESS: "it competes for the same processors",
    Kind.SUMMARY: "what the alert says",
}


def rank(depth: int, candidates: Iterable[Candidate]) -> list[Cause]:
    """Order candidates by weight for an incident whose promise lies so deep.

    Each text stands once; at most eight are left.
    """
    best: dict[str, Cause] = {}
    for each in candidates:
        weight = round(_weight(depth, each), 4)
        known = best.get(each.text)
        if known is None or known.weight < weight:
            why = "; ".join(_reasons(depth, each))
            best[each.text] = Cause(each.text, why, str(each.kind), weight)
    return sorted(best.values(), key=lambda cause: -cause.weight)[:_MOST]


def _weight(depth: int, each: Candidate) -> float:
    return (
        _fit(depth, each)
        * each.fits
        * _closeness(each.seconds)
        * _WHOM[each.whom]
        * _changed(each)
        * (_OVER if each.over else 1.0)
        * (0.5 + 0.5 * each.share)
    )


def _fit(depth: int, each: Candidate) -> float:
    if each.kind is Kind.OWN:
        return _OWN_FITS[depth]  # the last one for what is latent
    if each.kind is Kind.ALERT:
        gap = each.depth - depth
        if LATENT in (depth, each.depth):
            return _SHALLOWER
        if gap > 0:
            return _DEEPER + _A_LEVEL * each.depth
        return _EQUAL if gap == 0 else _SHALLOWER
    return _FITS[each.kind][depth not in _SYMPTOMATIC]


def _closeness(seconds: float) -> float:
    apart = seconds * _LATER if seconds > 0 else -seconds
    return _HALF_LIFE / (_HALF_LIFE + apart)


_COMPARED = frozenset({Kind.STATEMENT, Kind.COMMAND, Kind.QUERY, Kind.PROCESS})


def _changed(each: Candidate) -> float:
    """Return a factor from 0.5 (less than an hour ago) to 1.5 (sixteen times)."""
    if each.kind not in _COMPARED:
        return 1.0
    if each.change is None:
        return 0.8
    if each.change < _CHANGED:
        return 0.5
    return 1.0 + math.log2(min(each.change, _MOST_CHANGE)) / 8


def _reasons(depth: int, each: Candidate) -> Iterator[str]:
    if each.kind is Kind.ALERT:
        deeper = each.depth > depth > LATENT
        yield "such a break can cause this one" if deeper else "broken as well"
    else:
        yield _WORDS[each.kind]
    if each.kind in _COMPARED:
        yield from compared(each)
    if each.kind is Kind.ALERT or each.seconds < -_SAME_TIME:
        yield _when(each)
    if each.over:
        yield "over before this began"
    if each.whom is not Whom.SAME:
        place = "behind the application" if each.whom is Whom.BEHIND else "a host"
        yield f"on {each.where}, {place}"
    yield from each.more


def compared(each: Candidate) -> Iterator[str]:
    """Say what part of the whole it is, and what it was an hour ago."""
    yield f"{each.share:.0%} of all"
    if each.change is None:
        return
    if math.isinf(each.change):
        yield "nothing of it an hour ago"
    elif each.change < 1 / _CHANGED:
        yield "less than an hour ago"
    elif each.change < _CHANGED:
        yield "as much as an hour ago"
    else:
        yield f"{each.change:.3g} times as much as an hour ago"


def _when(each: Candidate) -> str:
    verb = "began" if each.kind is Kind.ALERT else "seen last"
    if abs(each.seconds) <= _SAME_TIME:
        return f"{verb} at the same time"
    after = "after" if each.seconds > 0 else "before"
    return f"{verb} {abs(each.seconds):.0f} s {after}"
