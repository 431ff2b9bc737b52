"""Every collector on every version of PostgreSQL: what it says is what was done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from exporter.metrics import Kind
from tests.integration.postgres_fixtures import (
    COLLECTORS,
    Polled,
    database,
    owner,
    reading,
    role,
)
from tests.source import ROOT

if TYPE_CHECKING:
    from exporter.demo.servers.postgres import PostgresServer
    from tests.unit.sampled import Values

ACTIVE_TIME = "pg_stat_database_active_time_seconds_total"
CALLS = "pg_stat_statements_calls_total"
DEALLOC = "pg_stat_statements_dealloc_total"
RESET = "pg_stat_statements_stats_reset_timestamp_seconds"
TEXT = "pg_stat_statements_query_id"
# Beginnings of names, and the versions that have them.
SINCE = {
    **dict.fromkeys((ACTIVE_TIME, DEALLOC, RESET, "pg_stat_wal_"), 14),
    "pg_stat_database_sessions_": 14,
    "pg_stat_statements_jit_seconds_total": 15,
    "pg_stat_io_": 16,
    "pg_stat_checkpointer_": 17,
}
UNTIL = {f"pg_stat_wal_{work}": 17 for work in ("write", "sync")}
# Those that need a state, a reset, a standby or a slot; tests of their own have them.
RARE = (
    *("pg_stat_activity_no_state", "pg_stat_database_stats_reset", TEXT),
    *("pg_stat_database_checksum_failures_total",),
    *("pg_replication_slots_", "pg_stat_replication_", "pg_stat_wal_receiver_"),
    *(
        "pg_replication_streaming",
        "pg_replication_replay_paused",
        "pg_wal_re",
        "pg_replication_unreplayed_",
    ),
    *("pg_stat_archiver_", "pg_prepared_transactions_oldest"),
    *("pg_blocked_behind", "pg_index_expected"),
    *("pg_index_invalid", "pg_index_unused_", "pg_index_covered_", "pg_index_wanted_"),
    *("pg_stat_progress_", "pg_stat_user_tables_last_"),
    *("pg_own_", "pg_plan_", "pg_statement_duration", "pg_statements_slower_"),
)
NONE = ("pg_stat_io_", "pg_stat_wal_")  # nothing on old versions


def major(server: PostgresServer) -> int:
    with owner(server) as session:
        return session.info.server_version // 10000


def calls(found: Values) -> float:
    """Return the calls of all statements in the tests' database, other or not."""
    return sum(n for (_, name, _), n in found[CALLS].items() if name == "postgres")


def added(before: Values, now: Values) -> float:
    """Return what `increase()` sees: a series that begins or ends adds nothing."""
    both = before[CALLS].keys() & now[CALLS].keys()
    return sum(now[CALLS][key] - before[CALLS][key] for key in both)


@pytest.mark.parametrize("name", [n for n in COLLECTORS if n != "settings"])
async def test_every_declared_metric_is_there(
    each_postgres: PostgresServer, name: str
) -> None:
    async with reading(each_postgres.dsn()) as source:
        found = await Polled(source, name).poll()
    declared = {metric.name for metric in COLLECTORS[name].metrics}
    version = major(each_postgres)
    there = {n for n in declared if exists(n, version)}
    histograms = tuple(
        metric.name
        for metric in COLLECTORS[name].metrics
        if metric.kind is Kind.HISTOGRAM
    )
    assert {n for n in found if not n.startswith(histograms)} <= there
    assert [n for n in there - found.keys() if not n.startswith(RARE)] == []


def exists(name: str, version: int) -> bool:
    """Tell whether a version of PostgreSQL has what a metric is made of."""
    since = max((n for s, n in SINCE.items() if name.startswith(s)), default=0)
    until = min((n for s, n in UNTIL.items() if name.startswith(s)), default=99)
    return since <= version <= until


async def test_the_settings_that_the_server_has_are_there(
    each_postgres: PostgresServer,
) -> None:
    async with reading(each_postgres.dsn()) as source:
        found = await Polled(source, "settings").poll()
    with owner(each_postgres) as session:
        names = {
            f"pg_settings_{name.replace('.', '_')}"
            for (name,) in session.execute(
                "select name from pg_settings where vartype not in ('enum', 'string')"
            )
        }
        (memory,) = session.execute(
            "select pg_size_bytes(current_setting('shared_buffers'))"
        ).fetchone() or (None,)
    declared = {metric.name for metric in COLLECTORS["settings"].metrics}
    bare = {
        name: name.removesuffix("_seconds").removesuffix("_bytes") for name in declared
    }
    present = {name for name in declared if {name, bare[name]} & names}
    assert found.keys() == present
    assert found["pg_settings_max_connections"] == {(): 20}
    assert found["pg_settings_shared_buffers_bytes"] == {(): memory}
    assert found["pg_settings_statement_timeout_seconds"] == {(): 0}


async def test_a_databases_work_is_counted(each_postgres: PostgresServer) -> None:
    with database(each_postgres, "busy"):
        with owner(each_postgres, "busy") as session:
            session.execute("create table rows (a int)")
            session.execute("insert into rows select generate_series(1, 1000)")
            for _ in range(7):
                session.execute("begin")
                session.execute("rollback")
        async with asyncio.timeout(10), reading(each_postgres.dsn()) as source:
            polled = Polled(source, "stat_database")
            found = await polled.poll()
            while of_database(found, "xact_rollback", "busy") < 7:
                found = await polled.poll()  # the server reports when it likes
    assert of_database(found, "xact_rollback", "busy") == 7
    assert of_database(found, "tup_inserted", "busy") >= 1000


def of_database(found: Values, column: str, name: str) -> float:
    family = found[f"pg_stat_database_{column}"]
    return next(value for (_, datname), value in family.items() if datname == name)


async def test_a_session_is_shown_with_what_it_does(
    each_postgres: PostgresServer,
) -> None:
    with owner(each_postgres) as session:
        session.execute("set application_name = 'nightly'; begin; select 1")
        await asyncio.sleep(0.1)
        async with reading(each_postgres.dsn()) as source:
            found = await Polled(source, "activity").poll()
        session.execute("rollback")
    wait = ("Client", "ClientRead")
    labels = ("postgres", "idle in transaction", "postgres", "nightly")
    key = (*labels, "client backend", *wait)
    assert found["pg_stat_activity_count"][key] == 1
    assert 0.1 <= found["pg_stat_activity_max_tx_duration"][key] < 10
    applications = {labels[3] for labels in found["pg_stat_activity_count"]}
    assert "kpi-exporter" not in applications


async def test_the_sum_over_statements_is_what_was_called(
    each_postgres: PostgresServer,
) -> None:
    with owner(each_postgres) as session, role(session, "monitor", "pg_monitor"):
        dsn = each_postgres.dsn(user="monitor")
        session.execute("select pg_stat_statements_reset()")
        for _ in range(20):
            session.execute("select 1, 1")
        async with reading(dsn, statements={"top": 2}) as source:
            polled = Polled(source, "statements")
            await polled.poll()
            found = await polled.poll()
            for number in range(1, 12):
                for columns in range(number % 4 + 1):
                    session.execute(f"select {', '.join(['1'] * (columns + 1))}")
                before, found = found, await polled.poll()
                assert added(before, found) == number % 4 + 1
    own = [key for key in found[CALLS] if key[0] not in ("postgres", "other")]
    assert own == []
    assert len({key for key in found[CALLS] if key[0] != "other"}) == 2
    assert {text for _, text in found[TEXT]} & {
        "select ?",
        "select $1",
        "select $1, $2",
    }


async def test_sums_go_on_through_a_reset(each_postgres: PostgresServer) -> None:
    with owner(each_postgres) as session, role(session, "monitor", "pg_monitor"):
        async with reading(each_postgres.dsn(user="monitor")) as source:
            polled = Polled(source, "statements")
            session.execute("select 'before'")
            before = calls(await polled.poll())
            for _ in range(3):
                session.execute("select 'before'")
            between = calls(await polled.poll())
            session.execute("select pg_stat_statements_reset()")
            session.execute("select 'after'")
            after = calls(await polled.poll())
    assert between - before == 3
    assert after - between in (1, 2)  # a reset counts itself from 17 on


async def test_the_role_that_we_ship_sees_all_there_is(
    each_postgres: PostgresServer,
) -> None:
    script = (ROOT / "deploy" / "postgres.sql").read_text("utf-8")
    with owner(each_postgres) as session:
        for _ in range(2):
            session.execute(script)
        session.execute(f"alter role monitor password '{each_postgres.password}'")
        try:
            async with reading(each_postgres.dsn(user="monitor")) as source:
                for name, collector in COLLECTORS.items():
                    polled = Polled(source, name)
                    found = await polled.poll()
                    assert found or collector.metrics[0].name.startswith(RARE + NONE)
                    if collector.inspect:
                        assert await polled.inspect() == []
        finally:
            session.execute("drop owned by monitor; drop role monitor")


async def test_what_an_unprivileged_role_cannot_see_is_not_lost(
    each_postgres: PostgresServer,
) -> None:
    grant = "GRANT pg_monitor TO nobody;"
    with owner(each_postgres) as session, role(session, "nobody"):
        async with reading(each_postgres.dsn(user="nobody")) as source:
            activity = Polled(source, "activity")
            found = await activity.poll()
            assert found["pg_stat_activity_no_state"]["postgres", "postgres", ""] >= 1
            assert [fix for _, fix in await activity.inspect()] == [grant]
            statements = Polled(source, "statements")
            before = calls(await statements.poll())
            session.execute("select 1, 2, 3")
            assert calls(await statements.poll()) == before + 1
            assert [fix for _, fix in await statements.inspect()] == [grant]
            session.execute("grant pg_monitor to nobody")
            assert calls(await statements.poll()) - before < 5


async def test_settings_that_blind_us_are_named(each_postgres: PostgresServer) -> None:
    with database(each_postgres, "blind", "version '1.8'") as dsn:
        with owner(each_postgres) as session:
            session.execute("alter database blind set track_io_timing = off")
            session.execute("alter database blind set pg_stat_statements.track = none")
        async with reading(dsn) as source:
            found = [fix for _, fix in await Polled(source, "statements").inspect()]
            times = await Polled(source, "stat_database").inspect()
    reload = "SELECT pg_reload_conf();"
    update = ["ALTER EXTENSION pg_stat_statements UPDATE;"]
    assert found == [
        f"ALTER SYSTEM SET track_io_timing = on; {reload}",
        f"ALTER SYSTEM SET pg_stat_statements.track = top; {reload}",
        *(update if major(each_postgres) > 13 else []),
    ]
    assert times == [
        (
            "blk_read_time and blk_write_time stay at 0",
            f"ALTER SYSTEM SET track_io_timing = on; {reload}",
        )
    ]
