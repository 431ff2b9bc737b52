"""What statements cost, from pg_stat_statements.

pg_stat_statements_calls_total{user="web",datname="orders",queryid="-813…"} 5120
pg_stat_statements_seconds_total{user="web",datname="orders",queryid="-813…"} 31.7
pg_stat_statements_calls_total{user="other",datname="orders",queryid="other"} 77
pg_stat_statements_query_id{queryid="-813…",query="SELECT * FROM t WHERE id = $1"} 1
pg_stat_statements_dealloc_total 0
pg_statement_duration_seconds_bucket{datname="orders",le="0.1"} 5102
pg_statement_duration_seconds_sum{datname="orders"} 33.1
pg_statement_duration_seconds_count{datname="orders"} 5120
pg_statement_duration_source{source="estimate"} 1
pg_statements_slower_total{datname="orders",threshold="0.1",bound="least"} 11

Counted from our first poll on, summed over `toplevel`, without our own statements. The
hundred (`statements.top`) that make most time, calls or blocks of late have series of
their own, all else is `other` of its database: the sum over `queryid` is the true total
whoever comes and goes. Statements that other roles hide from us are in `other` too.
A query id's text comes some polls after its figures, literals and comments left out.

The durations are of top-level statements alone: sum and count are exact, the buckets
estimated from calls, mean, deviation and extremes between two polls, and from the ages
of running statements; `bound` says what is certain (_postgres_durations.py). Where
pg_stat_monitor 2 is too, its exact counts are shown instead (_postgres_monitor.py).
Durations of single statements are on the evidence page alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind
from exporter.collectors._postgres import Names, keeps
from exporter.collectors._postgres_durations import (
    LIMITS,
    Durations,
    Grown,
    Seen,
    logged_of,
)
from exporter.collectors._postgres_durations_samples import (
    DURATION,
    SLOWER,
    SOURCE,
    duration_samples,
)
from exporter.collectors._postgres_ledger import OTHER, Ledger, Origin, Poll
from exporter.collectors._postgres_memory import Running
from exporter.collectors._postgres_monitor import Monitored, Reading, read_monitor
from exporter.collectors._postgres_recall import Recall
from exporter.collectors._postgres_rows import (
    DATABASE,
    QUERY,
    TOPLEVEL,
    USER,
    queries_of,
    unpacked,
)
from exporter.collectors._postgres_statements_check import VIEW, inspect
from exporter.collectors._postgres_statements_info import INFO, Info
from exporter.collectors._postgres_statements_view import (
    FIGURES,
    JIT_SINCE,
    counted,
    names_of,
    sent_by,
    statement_samples,
    texts_of,
)
from exporter.collectors._postgres_text import Texts
from exporter.metrics import counter, gauge
from exporter.sources.postgres_kept import NO_PRINTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.collectors._postgres_scores import Statement
    from exporter.collectors._postgres_statements_view import Sent
    from exporter.collectors._postgres_text import Answer
    from exporter.evidence import Evidence
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource
    from exporter.sources.postgres_kept import Kept
    from exporter.sources.postgres_log import Tail
    from exporter.sources.postgres_sampling import Looks

_BUSY = (1, 0, 7, 10)  # by time, calls, blocks read, blocks spilled
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


class Settings(NamedTuple):
    """The settings of a target that concern statements."""

    databases: Names
    users: Names
    top: int
    text: bool
    limits: tuple[float, ...] = ()


class Rows(NamedTuple):
    """What was read: rows, packed; names by oid, texts if asked for.

    `whole` says that it is all rows, not those alone that are not as they are `kept`.
    `known` is how many figures the extension's version has; `shown` is for evidence.
    """

    info: Info
    sent: Sent
    whole: bool
    kept: Kept
    databases: dict[int, str]
    users: dict[int, str]
    answer: Answer
    settings: Settings
    looks: Looks
    log: Tail
    monitor: Reading | None
    shown: list[Evidence]
    known: int = len(FIGURES)


@dataclass(slots=True)
class State:
    """The account of all statements, their texts, and how long they took."""

    ledger: Ledger = field(default_factory=Ledger)
    texts: Texts = field(default_factory=Texts)
    durations: Durations = field(default_factory=Durations)
    monitored: Monitored = field(default_factory=Monitored)
    recall: Recall = field(default_factory=Recall)
    mine: set[int] = field(default_factory=set)
    unwanted: frozenset[int] = frozenset()
    now: float | None = None


async def read(source: PostgresSource) -> Rows:
    """Read what changed in the view, and the texts that were asked for."""
    extension = await source.extension(VIEW)
    (info,) = await source.fetch(Info, extension.query(INFO))
    kept = source.kept
    sent = await sent_by(source, extension)
    kept.owners |= sent.owners
    names = await names_of(source, kept.owners)
    answer = await texts_of(source, extension)
    config = source.config
    return Rows(
        info,
        sent,
        kept.prints is NO_PRINTS,
        kept,
        {oid: name for is_database, oid, name in names if is_database},
        {oid: name for is_database, oid, name in names if not is_database},
        answer,
        Settings(
            config.databases,
            config.users,
            config.statements.top,
            config.statements.text,
            config.promised,
        ),
        source.running(),
        await source.log.added(info.destination),
        await read_monitor(source, config.users),
        [],
        len(FIGURES) - (extension.version < JIT_SINCE),
    )


def samples(rows: Rows, state: State) -> Iterator[Sample]:
    """Account for a poll, and show the sums of members and of the rest."""
    of, other = _account(rows, state)
    yield DEALLOC(rows.info.dealloc)
    yield RESET(rows.info.reset)
    for (user, database, query), figures in of.items():
        name, datname = rows.users.get(user), rows.databases.get(database)
        if name is not None and datname is not None:  # else it was dropped
            labels = (name, datname, str(query))
            yield from statement_samples(figures[: rows.known], labels)
    for datname, figures in other.items():
        labels = (OTHER, datname, OTHER)
        yield from statement_samples(figures[: rows.known], labels)
    if rows.monitor:
        yield from duration_samples(state.monitored.accounts, {"pg_stat_monitor"})
    else:
        sources = {"estimate", "log"} if state.durations.logged else {"estimate"}
        yield from duration_samples(state.durations.accounts, sources)
    if rows.settings.text:
        for query, shown in state.texts.of.items():
            yield TEXT(1 if shown else None, str(query), shown)
    slowest = state.durations.slowest
    rows.shown.append(slowest.table(rows.databases, rows.users, state.texts.of))


def evidence(rows: Rows) -> list[Evidence]:
    """Show how long single statements took."""
    return rows.shown


def _account(
    rows: Rows, state: State
) -> tuple[dict[Statement, list[float]], dict[str, list[float]]]:
    """Take a poll into the account; returns the sums of statements and of the rest."""
    settings, role = rows.settings, rows.info.role
    mine = queries_of(rows.sent.found, role)
    state.mine = mine if rows.whole else state.mine | mine
    state.texts.learn(rows.answer, role, state.mine)
    strangers = {
        (oid, None)
        for oid, name in rows.users.items()
        if not keeps(settings.users, name)
    }
    poll = Poll(
        Origin(rows.info.started, rows.info.reset),
        rows.sent.found,
        {oid: n for oid, n in rows.databases.items() if keeps(settings.databases, n)},
        rows.users.keys(),
        strangers | {(role, query) for query in state.texts.own},
        {(role, query) for query in state.texts.unclear},
        settings.top,
        _BUSY,
        len(FIGURES),
        rows.whole,
        rows.sent.gone,
        state.unwanted - rows.sent.unwanted,
    )
    state.ledger.update(poll)
    state.unwanted = rows.sent.unwanted
    state.recall.note(rows.kept, state.ledger.kept, rows.info)
    _time(rows, state, poll.databases)
    if rows.monitor:
        limits = sorted({*LIMITS, *settings.limits})
        state.monitored.update(rows.monitor, limits, poll.databases)
    members = {query for _, _, query in state.ledger.of if query is not None}
    state.texts.ask(rows.answer, members if settings.text else set())
    return state.ledger.of, state.ledger.other


def _time(rows: Rows, state: State, databases: Mapping[int, str]) -> None:
    """Take a poll into the account of durations."""
    before, state.now = state.now, rows.info.now
    span = rows.info.now - before if before is not None else 0.0
    forgot = (rows.sent.forgot or 0.0) >= (before or 0.0)
    state.durations.update(
        (
            Grown(
                (row[USER], row[DATABASE], row[QUERY]) if row[QUERY] else None,
                databases[row[DATABASE]],
                counted(row),
                counted(unpacked(old)) if old else None,
                forgot,
            )
            for row, old in ((unpacked(new), old) for new, old in state.ledger.grown)
            if row[TOPLEVEL]
        ),
        Seen(
            Running(rows.looks.ages, rows.looks.looks / span if span > 0 else 0.0),
            logged_of(rows.info.logged, rows.log, rows.settings.users),
        ),
        rows.settings.limits,
        state.ledger.other,
    )


COLLECTOR = Collector(
    name="statements",
    source=SourceKind.POSTGRES,
    metrics=(
        *(metric for metric, _ in FIGURES),
        *(TEXT, DEALLOC, RESET, DURATION, SOURCE, SLOWER),
    ),
    read=read,
    samples=samples,
    state=State,
    privilege="pg_monitor, and the extension pg_stat_statements in the dsn's database",
    inspect=inspect,
    evidence=evidence,
)
