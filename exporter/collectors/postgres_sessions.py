"""How long sessions take, what holds the horizon of vacuum, and the connections left.

pg_connections{state="idle"} 31
pg_connections_usable 97
pg_session_transaction_seconds{datname="orders",application_name="api",state="active"} 2
pg_session_idle_in_transaction_seconds{datname="orders",application_name="report"} 81.7
pg_session_statement_seconds{datname="orders",application_name="api"} 1.5
pg_xmin_horizon_age{kind="session"} 12034

Ages are the longest of clients' sessions, neither walsenders nor autovacuum, by
database and application (50 and `other`). The horizon's age is 0 where nothing holds
it, and absent where hidden. Connections are counted whole, our own included.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from exporter.collector import Collector, SourceKind
from exporter.collectors._postgres import Names, hidden_statistics, keeps
from exporter.collectors._postgres_text import label
from exporter.evidence import Evidence
from exporter.metrics import gauge
from exporter.state import StickyTop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collector import Finding
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

KeyT = TypeVar("KeyT")

_CLIENTS = "(backend_type = 'client backend' or (backend_type is null and datid > 0))"
QUERY = f"""
select datname, application_name, usename, state, count(*) as sessions,
    max(extract(epoch from clock_timestamp() - xact_start))
        filter (where pid <> pg_backend_pid())::float8 as transaction,
    max(extract(epoch from clock_timestamp() - state_change))
        filter (where state like 'idle in transaction%')::float8 as idle,
    max(extract(epoch from clock_timestamp() - query_start)) filter (
        where state = 'active' and pid <> pg_backend_pid())::float8 as statement
from pg_stat_activity where {_CLIENTS}
group by 1, 2, 3, 4
"""  # noqa: S608 - a condition of our own
USABLE = """
select current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0) as usable,
    pg_has_role(current_user, 'pg_read_all_stats', 'usage') as sees_all
"""
HORIZON = """
(select distinct on (kind)
    case backend_type when 'walsender' then 'standby' else 'session' end as kind,
    application_name as holder, greatest(age(backend_xid), age(backend_xmin)) as age
from pg_stat_get_activity(null)
where backend_type <> 'autovacuum worker' and pid <> pg_backend_pid()
order by kind, age desc nulls last)
union all (select 'slot', slot_name::text, age(xmin)
from pg_replication_slots order by 3 desc nulls last limit 1)
union all (select 'slot_catalog', slot_name::text, age(catalog_xmin)
from pg_replication_slots order by 3 desc nulls last limit 1)
union all (select 'prepared', gid, age(transaction)
from pg_prepared_xacts order by 3 desc nulls last limit 1)
"""
OLDEST = f"""
select pid, application_name, usename, datname, state,
    extract(epoch from clock_timestamp() - xact_start)::float8 as transaction,
    extract(epoch from clock_timestamp() - state_change)::float8 as since,
    greatest(age(backend_xid), age(backend_xmin)) as age, query
from pg_stat_activity
where {_CLIENTS} and pid <> pg_backend_pid()
    and xact_start < clock_timestamp() - interval '1 second'
order by xact_start limit 20
"""  # noqa: S608 - a condition of our own

_STATES = (
    *("active", "idle", "idle in transaction", "idle in transaction (aborted)"),
    *("fastpath function call", "disabled", "hidden"),
)
_AGEING = ("active", "idle in transaction")
_HELD_BY = ("session", "standby", "slot", "slot_catalog", "prepared")
_OTHER = "other"
_NAMED = 50
_LONGEST = 1000
_OLD = 1.0  # seconds that a transaction is open before it is shown singly

CONNECTIONS = gauge(
    "pg_connections",
    "Connections of clients, from pg_stat_activity; `hidden` are those whose state "
    "pg_monitor would show.",
    "state",
)
USABLE_CONNECTIONS = gauge(
    "pg_connections_usable",
    "Connections for ordinary roles: max_connections of pg_settings less the reserved.",
)
TRANSACTION = gauge(
    "pg_session_transaction_seconds",
    "Age of the oldest open transaction (xact_start of pg_stat_activity): seconds, 0 "
    "where there is none in that state.",
    *("datname", "application_name", "state"),
)
IDLE = gauge(
    "pg_session_idle_in_transaction_seconds",
    "Longest time that a session has been idle in its transaction (state_change of "
    "pg_stat_activity): seconds.",
    *("datname", "application_name"),
)
STATEMENT = gauge(
    "pg_session_statement_seconds",
    "Age of the oldest running statement (query_start of pg_stat_activity): seconds.",
    *("datname", "application_name"),
)
HORIZON_AGE = gauge(
    "pg_xmin_horizon_age",
    "Transactions since the oldest one that vacuum must keep dead rows for, by what "
    "holds it: pg_stat_activity (walsenders: feedback of standbys), "
    "pg_replication_slots, pg_prepared_xacts.",
    "kind",
)


@dataclass(frozen=True, slots=True)
class Sessions:
    """Like sessions of clients and the longest times of any of them, in seconds."""

    datname: str | None
    application_name: str | None
    usename: str | None
    state: str | None
    sessions: int
    transaction: float | None
    idle: float | None
    statement: float | None


class Limit(NamedTuple):
    """Connections for ordinary roles, and whether ours sees others' sessions."""

    usable: int
    sees_all: bool


class Holder(NamedTuple):
    """What holds the horizon of a kind longest, in transactions."""

    kind: str
    holder: str | None
    age: int | None


@dataclass(frozen=True, slots=True)
class Oldest:
    """A session whose transaction is old; times in seconds, `age` in transactions."""

    pid: int
    application_name: str | None
    usename: str | None
    datname: str | None
    state: str | None
    transaction: float
    since: float | None
    age: int | None
    query: str | None


class Rows(NamedTuple):
    """What was read, and which databases and users the target keeps."""

    found: list[Sessions]
    limit: Limit
    holders: list[Holder]
    oldest: list[Oldest]
    databases: Names
    users: Names


async def read(source: PostgresSource) -> Rows:
    """Read sessions grouped by the server, and singly those that are old."""
    (limit,) = await source.fetch(Limit, USABLE)
    found = await source.fetch(Sessions, QUERY)
    old = any((row.transaction or 0.0) > _OLD for row in found)
    return Rows(
        found,
        limit,
        await source.fetch(Holder, HORIZON),
        await source.fetch(Oldest, OLDEST) if old else [],
        source.config.databases,
        source.config.users,
    )


def samples(rows: Rows, state: StickyTop[str]) -> Iterator[Sample]:
    """Yield connections of all, ages of those that are kept, and the horizon."""
    counts = Counter[str]()
    for row in rows.found:
        counts[row.state or "hidden"] += row.sessions
    for name in dict.fromkeys((*_STATES, *counts)):
        yield CONNECTIONS(counts[name], name)
    yield USABLE_CONNECTIONS(rows.limit.usable)
    yield from _ages([row for row in rows.found if _is_kept(rows, row)], state)
    ages = {holder.kind: holder.age or 0 for holder in rows.holders}
    for kind in _HELD_BY if rows.limit.sees_all else _HELD_BY[2:]:
        yield HORIZON_AGE(ages.get(kind, 0), kind)


def _ages(found: list[Sessions], state: StickyTop[str]) -> Iterator[Sample]:
    longest: dict[tuple[str, str, str], float] = {}
    singles: tuple[dict[tuple[str, str], float], ...] = ({}, {})
    for place, row in _placed(found, state):
        for doing in _AGEING:
            _raise(longest, (*place, doing), 0.0)
        if row.transaction is not None and row.state is not None:
            _raise(longest, (*place, row.state), row.transaction)
        for ages, age in zip(singles, (row.idle, row.statement), strict=True):
            _raise(ages, place, age or 0.0)
    for labels, age in longest.items():
        yield TRANSACTION(age, *labels)
    for metric, ages in zip((IDLE, STATEMENT), singles, strict=True):
        for pair, age in ages.items():
            yield metric(age, *pair)


def _placed(
    found: list[Sessions], state: StickyTop[str]
) -> Iterator[tuple[tuple[str, str], Sessions]]:
    """Give each row the database and application that it is shown under."""
    scores: dict[str, float] = {}
    for row in found:
        _raise(scores, row.application_name or "", row.transaction or 0.0)
    kept = state.update(scores, _NAMED)
    for row in found:
        name = row.application_name or ""
        yield (row.datname or "", name if name in kept else _OTHER), row


def _raise(ages: dict[KeyT, float], key: KeyT, age: float) -> None:
    ages[key] = max(ages.get(key, 0.0), age)


def _is_kept(rows: Rows, row: Sessions | Oldest) -> bool:
    return keeps(rows.databases, row.datname) and keeps(rows.users, row.usename)


def evidence(rows: Rows) -> Iterator[Evidence]:
    """Show the oldest transactions with their statements, and who holds the horizon."""
    yield Evidence(
        ("pg_idle_in_transaction", "pg_long_transaction", "pg_xmin_horizon"),
        "Oldest transactions",
        (
            *("pid", "application", "user", "database", "state"),
            *("transaction_seconds", "state_seconds", "horizon_age", "statement"),
        ),
        tuple(
            (
                *(row.pid, row.application_name, row.usename, row.datname, row.state),
                *(row.transaction, row.since, row.age),
                label(row.query or "", _LONGEST),
            )
            for row in rows.oldest
            if _is_kept(rows, row)
        ),
    )
    yield Evidence(
        ("pg_xmin_horizon",),
        "What holds the horizon of vacuum",
        ("kind", "holder", "transactions"),
        tuple((h.kind, h.holder, h.age) for h in rows.holders if h.age),
    )


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find what hides ages and who holds the horizon."""
    return await hidden_statistics(
        source, "ages of other roles' transactions and who holds the horizon are hidden"
    )


COLLECTOR = Collector(
    name="sessions",
    source=SourceKind.POSTGRES,
    metrics=(
        CONNECTIONS,
        USABLE_CONNECTIONS,
        TRANSACTION,
        IDLE,
        STATEMENT,
        HORIZON_AGE,
    ),
    read=read,
    samples=samples,
    state=StickyTop[str],
    privilege="pg_monitor, else ages of others' transactions are hidden",
    inspect=inspect,
    evidence=evidence,
)
