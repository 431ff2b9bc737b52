"""What statements cost, from pg_stat_statements.

pg_stat_statements_calls_total{user="web",datname="orders",queryid="-813…"} 5120
pg_stat_statements_seconds_total{user="web",datname="orders",queryid="-813…"} 31.7
pg_stat_statements_calls_total{user="other",datname="orders",queryid="other"} 77
pg_stat_statements_query_id{queryid="-813…",query="SELECT * FROM t WHERE id = $1"} 1
pg_stat_statements_dealloc_total 0

Counted from our first poll on, summed over `toplevel`, without our own statements. The
hundred (`statements.top`) that make most time, calls or blocks of late have series of
their own, all else is `other` of its database: the sum over `queryid` is the true total
whoever comes and goes. Statements that other roles hide from us are in `other` too.
A query id's text comes some polls after its figures, literals and comments left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.collector import Collector, Finding, SourceKind
from exporter.collectors._postgres import (
    Names,
    hidden_statistics,
    keeps,
    settings_off,
)
from exporter.collectors._postgres_ledger import (
    DATABASE,
    OTHER,
    QUERY,
    USER,
    Ledger,
    Origin,
    Poll,
    Statement,
)
from exporter.collectors._postgres_text import Answer, Texts
from exporter.errors import Reason, SourceError
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.metrics import Sample
    from exporter.sources.postgres import Extension, PostgresSource

VIEW = "pg_stat_statements"
_REST = """
    shared_blks_hit, shared_blks_read, temp_blks_written, wal_bytes::int8
from {schema}.pg_stat_statements(false)
"""
# By the lowest version of the extension, which may be older than its server.
QUERIES = {
    (1, 8): f"""
select userid, dbid, queryid, true, calls, total_exec_time, rows,
    blk_read_time, blk_write_time, total_plan_time, {_REST}""",
    (1, 9): f"""
select userid, dbid, queryid, toplevel, calls, total_exec_time, rows,
    blk_read_time, blk_write_time, total_plan_time, {_REST}""",
    (1, 11): f"""
select userid, dbid, queryid, toplevel, calls, total_exec_time, rows,
    shared_blk_read_time, shared_blk_write_time, total_plan_time, {_REST}""",
}
_OURSELVES = """
select extract(epoch from pg_postmaster_start_time())::float8 as started,
    (select oid from pg_roles where rolname = current_user) as role
"""
_SINCE_1_9 = """
    , dealloc, extract(epoch from stats_reset)::float8 as reset
from {schema}.pg_stat_statements_info
"""
INFO = {(1, 8): _OURSELVES, (1, 9): _OURSELVES + _SINCE_1_9}
NAMES = """
select true, oid, datname::text from pg_database where oid = any(%s::oid[])
union all select false, oid, rolname::text from pg_roles where oid = any(%s::oid[])
"""
TEXTS = """
select userid, queryid, left(query, 500) from {schema}.pg_stat_statements(true)
where queryid = any(%s::int8[]) and query is not null
"""
INSTALLED = """
select current_setting('pg_stat_statements.track', true) as track,
    installed_version <> default_version as outdated
from pg_available_extensions where name = %s
"""
_LABELS = ("user", "datname", "queryid")
_READ_TIME = "blk_read_time (shared_blk_read_time from 17 on)"
_WRITE_TIME = "blk_write_time (shared_blk_write_time from 17 on)"
# In the order of the columns, with what a column is to be divided by.
FIGURES = tuple(
    (
        counter(
            f"pg_stat_statements_{name}_total",
            f"{column} of pg_stat_statements: {meaning}.",
            *_LABELS,
        ),
        divisor,
    )
    for name, column, meaning, divisor in (
        ("calls", "calls", "completed runs", 1),
        ("seconds", "total_exec_time", "seconds", 1000),
        ("rows", "rows", "rows returned or changed", 1),
        ("block_read_seconds", _READ_TIME, "seconds, if track_io_timing", 1000),
        ("block_write_seconds", _WRITE_TIME, "seconds, if track_io_timing", 1000),
        ("plan_seconds", "total_plan_time", "seconds, if track_planning", 1000),
        ("shared_blocks_hit", "shared_blks_hit", "blocks found in memory", 1),
        ("shared_blocks_read", "shared_blks_read", "blocks read", 1),
        ("temp_blocks_written", "temp_blks_written", "blocks spilled", 1),
        ("wal_bytes", "wal_bytes", "bytes of write-ahead log", 1),
    )
)
_BUSY = ((1,), (0,), (7, 8))  # by time, by calls, by blocks read or spilled
TEXT = counter(
    "pg_stat_statements_query_id",
    "Text of pg_stat_statements without literals, 120 characters at most; always 1.",
    "queryid",
    "query",
)
DEALLOC = counter(
    "pg_stat_statements_dealloc_total",
    "dealloc of pg_stat_statements_info: times that statements were evicted because "
    "there were more than pg_stat_statements.max; from 14 on.",
)
RESET = gauge(
    "pg_stat_statements_stats_reset_timestamp_seconds",
    "stats_reset of pg_stat_statements_info: Unix time; from 14 on.",
)


@dataclass(frozen=True, slots=True)
class Info:
    """When the server started, who we are, what happened to the view."""

    started: float
    role: int
    dealloc: int | None = None
    reset: float | None = None


@dataclass(frozen=True, slots=True)
class Installed:
    """How the extension is set, and whether it is older than its server's files."""

    track: str | None
    outdated: bool | None


class Settings(NamedTuple):
    """The settings of a target that concern statements."""

    databases: Names
    users: Names
    top: int
    text: bool


class Rows(NamedTuple):
    """What was read; names by oid, and texts if any were asked for."""

    info: Info
    found: list[tuple[Any, ...]]
    databases: dict[int, str]
    users: dict[int, str]
    answer: Answer
    settings: Settings


@dataclass(slots=True)
class State:
    """The account of all statements, and their texts."""

    ledger: Ledger = field(default_factory=Ledger)
    texts: Texts = field(default_factory=Texts)


async def read(source: PostgresSource) -> Rows:
    """Read the view without texts, but for those that were asked for."""
    extension = await source.extension(VIEW)
    schema = extension.schema
    (info,) = await source.fetch(Info, _of(INFO, extension).format(schema=schema))
    found = await source.tuples(_of(QUERIES, extension).format(schema=schema))
    ids = [sorted({row[place] for row in found}) for place in (DATABASE, USER)]
    names = await source.tuples(NAMES, ids)
    asked = frozenset(source.wanted)
    texts: list[tuple[Any, ...]] = []
    if asked:
        texts = await source.tuples(TEXTS.format(schema=schema), (list(asked),))
    config = source.config
    return Rows(
        info,
        found,
        {oid: name for is_database, oid, name in names if is_database},
        {oid: name for is_database, oid, name in names if not is_database},
        Answer(asked, texts, source.wanted),
        Settings(
            config.databases,
            config.users,
            config.statements.top,
            config.statements.text,
        ),
    )


def samples(rows: Rows, state: State) -> Iterator[Sample]:
    """Account for a poll, and show the sums of members and of the rest."""
    of, other = _account(rows, state)
    yield DEALLOC(rows.info.dealloc)
    yield RESET(rows.info.reset)
    for (user, database, query), figures in of.items():
        name, datname = rows.users.get(user), rows.databases.get(database)
        if name is not None and datname is not None:  # else it was dropped
            yield from _samples(figures, (name, datname, str(query)))
    for datname, figures in other.items():
        yield from _samples(figures, (OTHER, datname, OTHER))
    if rows.settings.text:
        for query, shown in state.texts.of.items():
            yield TEXT(1 if shown else None, str(query), shown)


def _account(
    rows: Rows, state: State
) -> tuple[dict[Statement, list[float]], dict[str, list[float]]]:
    """Take a poll into the account; returns the sums of statements and of the rest."""
    settings, role = rows.settings, rows.info.role
    mine = {row[QUERY] for row in rows.found if row[USER] == role} - {None}
    state.texts.learn(rows.answer, role, mine)
    strangers = {
        (oid, None)
        for oid, name in rows.users.items()
        if not keeps(settings.users, name)
    }
    poll = Poll(
        Origin(rows.info.started, rows.info.reset),
        rows.found,
        {oid: n for oid, n in rows.databases.items() if keeps(settings.databases, n)},
        rows.users.keys(),
        strangers | {(role, query) for query in state.texts.own},
        {(role, query) for query in state.texts.unclear},
        settings.top,
        _BUSY,
    )
    state.ledger.update(poll)
    members = {query for _, _, query in state.ledger.of if query is not None}
    state.texts.ask(rows.answer, members if settings.text else set())
    return state.ledger.of, state.ledger.other


def _samples(figures: list[float], labels: tuple[str, str, str]) -> Iterator[Sample]:
    for (metric, divisor), value in zip(FIGURES, figures, strict=True):
        yield metric(value / divisor if divisor > 1 else value, *labels)


def _of(queries: Mapping[tuple[int, int], str], extension: Extension) -> str:
    """Choose a query by the extension's version; raises SourceError(unsupported)."""
    fitting = [lowest for lowest in queries if lowest <= extension.version]
    if not fitting:
        raise SourceError(
            Reason.UNSUPPORTED,
            "the extension pg_stat_statements is older than its server",
            answered=True,
            fix=f"ALTER EXTENSION {VIEW} UPDATE;",
        )
    return queries[max(fitting)]


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find what keeps statements or their times from being counted or seen."""
    findings = [
        *await hidden_statistics(source, "other roles' statements count as other only"),
        *await settings_off(
            source,
            {
                "track_io_timing": "block_read_seconds and block_write_seconds stay 0",
                "compute_query_id": "no statement is counted",
            },
        ),
    ]
    (state,) = await source.fetch(Installed, INSTALLED, (VIEW,))
    if state.track == "none":
        fix = (
            "ALTER SYSTEM SET pg_stat_statements.track = top; SELECT pg_reload_conf();"
        )
        findings.append(Finding("no statement is counted", fix))
    if state.outdated:
        fix = f"ALTER EXTENSION {VIEW} UPDATE;"
        findings.append(Finding("the extension is older than its server", fix))
    return findings


COLLECTOR = Collector(
    name="statements",
    source=SourceKind.POSTGRES,
    metrics=(*(metric for metric, _ in FIGURES), TEXT, DEALLOC, RESET),
    read=read,
    samples=samples,
    state=State,
    privilege="pg_monitor, and the extension pg_stat_statements in the dsn's database",
    inspect=inspect,
)
