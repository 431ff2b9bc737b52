"""Who holds and awaits locks, from pg_locks, pg_stat_activity and pg_blocking_pids().

pg_locks_count{datname="orders",mode="rowexclusivelock"} 12
pg_locks_waiting{datname="orders",mode="rowexclusivelock"} 3
pg_blocked_sessions{datname="orders"} 3
pg_blocked_oldest_seconds{datname="orders"} 12.5
pg_blocked_depth{datname="orders"} 2
pg_blocked_behind{datname="orders",application_name="migration",state="idle in
  transaction"} 3

All modes of 50 databases are there, with 0 too. A root blocker is a session that others
wait for and that waits for none; each blocked session is counted behind one of them,
under its database, application (the 50 with most, then `other`) and state. The tree is
of the 100 sessions that wait longest; the counts of locks are of all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind
from exporter.collectors._postgres import Names, hidden_statistics, keeps
from exporter.collectors._postgres_blocking import Node, Session, grow, table
from exporter.metrics import gauge
from exporter.state import StickyTop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collector import Finding
    from exporter.evidence import Evidence
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

QUERY = """
select d.datname, l.mode, coalesce(l.held, 0) as held, coalesce(l.awaited, 0) as awaited
from pg_database d left join (
    select coalesce(nullif(l.database, 0), a.datid) as datid, lower(l.mode) as mode,
        count(*) filter (where l.granted and l.database > 0) as held,
        count(*) filter (where not l.granted) as awaited
    from pg_locks l
        left join pg_stat_get_activity(null) a on a.pid = l.pid and not l.granted
    where l.pid is distinct from pg_backend_pid()
    group by 1, 2
) l on l.datid = d.oid
order by d.oid
"""
_TREE = """
with waiting as materialized (
    select l.pid, min({since}) as since, min(l.mode) as mode,
        min(coalesce(c.relname, l.locktype)) as locked
    from pg_locks l left join pg_stat_activity a on a.pid = l.pid
        left join pg_class c on c.oid = l.relation and l.database = (
            select oid from pg_database where datname = current_database())
    where not l.granted and l.pid is not null
    group by l.pid order by since nulls last limit 100
), blocked as materialized (
    select *, pg_blocking_pids(pid) as blockers from waiting
)
select p.pid, a.datname, a.usename, a.application_name, a.state, a.query,
    extract(epoch from clock_timestamp() - a.xact_start)::float8 as transaction_seconds,
    extract(epoch from clock_timestamp() - b.since)::float8 as waits_seconds,
    b.mode, b.locked, b.blockers
from (select pid from blocked union select unnest(blockers) from blocked) p
    left join blocked b on b.pid = p.pid
    left join pg_stat_activity a on a.pid = p.pid
order by waits_seconds desc nulls last, p.pid
"""
TREES = {
    130000: _TREE.format(since="a.query_start"),
    140000: _TREE.format(since="coalesce(l.waitstart, a.query_start)"),
}

MODES = tuple(
    f"{mode}lock"
    for mode in (
        *("accessshare", "rowshare", "rowexclusive", "shareupdateexclusive"),
        *("share", "sharerowexclusive", "exclusive", "accessexclusive", "siread"),
    )
)
OTHER = "other"
_NAMED = 50
_ZEROED = 50

COUNT = gauge(
    "pg_locks_count",
    "Locks held or awaited in a database, from pg_locks.",
    "datname",
    "mode",
)
WAITING = gauge(
    "pg_locks_waiting",
    "Locks awaited (not granted), from pg_locks; those on no database, as of rows, are "
    "under the database of the session that waits.",
    "datname",
    "mode",
)
BLOCKED = gauge(
    "pg_blocked_sessions",
    "Sessions that wait for a lock, from pg_locks and pg_blocking_pids().",
    "datname",
)
OLDEST = gauge(
    "pg_blocked_oldest_seconds",
    "Seconds that the oldest wait for a lock has lasted (waitstart of pg_locks); up to "
    "13 those since the waiting statement began.",
    "datname",
)
DEPTH = gauge(
    "pg_blocked_depth",
    "Sessions of the longest chain that wait for one another, from pg_blocking_pids(): "
    "1 where all wait for somebody who does not wait, 0 where nobody waits.",
    "datname",
)
BEHIND = gauge(
    "pg_blocked_behind",
    "Sessions that wait, also through others, for root blockers, who wait for nobody "
    "themselves, from pg_blocking_pids(). Database, application and state are the "
    "blocker's.",
    "datname",
    "application_name",
    "state",
)


@dataclass(frozen=True, slots=True)
class Locks:
    """Locks of a mode in a database; without any, the mode is NULL."""

    datname: str
    mode: str | None
    held: int
    awaited: int


class Rows(NamedTuple):
    """What was read, and which databases the target keeps."""

    locks: list[Locks]
    sessions: list[Session]
    databases: Names


async def read(source: PostgresSource) -> Rows:
    """Count locks; where any is awaited, read who waits for whom."""
    locks = await source.fetch(Locks, QUERY)
    sessions: list[Session] = []
    if any(row.awaited for row in locks):
        sessions = await source.fetch(Session, source.of_version(TREES))
    return Rows(locks, sessions, source.config.databases)


def samples(rows: Rows, state: StickyTop[str]) -> Iterator[Sample]:
    """Yield the counts by mode, and what the tree of waiting sessions comes to."""
    found = [row for row in rows.locks if keeps(rows.databases, row.datname)]
    names = list(dict.fromkeys(row.datname for row in found))
    counts = {(name, mode): (0, 0) for name in names[:_ZEROED] for mode in MODES}
    for row in found:
        if row.mode is not None:
            counts[row.datname, row.mode] = (row.held + row.awaited, row.awaited)
    for labels, (count, awaited) in counts.items():
        yield COUNT(count, *labels)
        yield WAITING(awaited, *labels)
    yield from _tree(grow(rows.sessions), names, state)


def _tree(
    tree: list[Node], names: list[str], state: StickyTop[str]
) -> Iterator[Sample]:
    for name in names:
        here = [node for node in tree if node.session.datname == name and node.depth]
        yield BLOCKED(len(here), name)
        waits = (node.session.waits_seconds or 0.0 for node in here)
        yield OLDEST(max(waits, default=0.0), name)
        yield DEPTH(max((node.depth for node in here), default=0), name)
    behind = Counter[tuple[str, str, str]]()
    for node in tree:
        root = node.root
        if node.depth and (root.datname in names or not root.pid):
            application = root.application_name or ""
            behind[root.datname or "", application, _state(root)] += 1
    applications = Counter[str]()
    for (_, application, _), number in behind.items():
        applications[application] += number
    kept = state.update(applications, _NAMED)
    summed = Counter[tuple[str, str, str]]()
    for (name, application, doing), number in behind.items():
        shown = application if application in kept else OTHER
        summed[name, shown, doing] += number
    for labels, number in summed.items():
        yield BEHIND(number, *labels)


def _state(root: Session) -> str:
    """Say what a root blocker does; pid 0 stands for a prepared transaction."""
    return root.state or ("hidden" if root.pid else "prepared transaction")


def evidence(rows: Rows) -> Iterator[Evidence]:
    """Draw who waits for whom, with statements."""
    tree = grow(rows.sessions)
    yield table([n for n in tree if _is_kept(rows.databases, n.root)])


def _is_kept(databases: Names, root: Session) -> bool:
    return not root.pid or keeps(databases, root.datname)


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find what hides who blocks."""
    missing = "states, ages and statements of those who block and wait are hidden"
    return await hidden_statistics(source, missing)


COLLECTOR = Collector(
    name="locks",
    source=SourceKind.POSTGRES,
    metrics=(COUNT, WAITING, BLOCKED, OLDEST, DEPTH, BEHIND),
    read=read,
    samples=samples,
    state=StickyTop[str],
    privilege="pg_monitor, else states, ages and statements of others are hidden",
    inspect=inspect,
    evidence=evidence,
)
