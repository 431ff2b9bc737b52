"""The demo's table, made of fixed exposition text."""

from __future__ import annotations

import io

from rich.console import Console

from exporter.demo.page import Change, Page
from exporter.demo.table import (
    APPLICATION_NAMES,
    EXPORTER_NAMES,
    Row,
    application_row,
    line,
    rows,
    table,
)
from tests.source import ROOT

BEFORE = (ROOT / "tests" / "data" / "demo-before.prom").read_text("utf-8")
NOW = (ROOT / "tests" / "data" / "demo-now.prom").read_text("utf-8")
APPLICATION = """
http_requests_total{{status="200"}} {ok}
http_requests_total{{status="500"}} {bad}
http_request_duration_seconds_bucket{{status="200",le="0.1"}} {ok}
http_request_duration_seconds_bucket{{status="200",le="+Inf"}} {ok}
cache_hit_total{{cache_level="l1"}} {ok}
cache_miss_total{{cache_level="l1"}} {bad}
"""


def exporter_rows() -> list[Row]:
    before = Page(BEFORE, 50, EXPORTER_NAMES)
    return rows(Change(before, Page(NOW, 60, EXPORTER_NAMES)), 1000)


def test_each_collector_is_a_row_with_state_age_and_values() -> None:
    found = {(row.target, row.collector): row[2:] for row in exporter_rows()}
    assert found == {
        ("shop", "stat_database"): ("ok", 3, "30 commits/s · blocks in memory 99 %"),
        ("shop", "statements"): (
            *("ok", None),
            "10 statements/s, mean 20 ms · top 37.5 %: SELECT slow",
        ),
        ("shop", "activity"): ("timeout", 40, ""),
        ("graph", "indexes"): ("ok", None, "1 of 2 online · 1 expected one missing"),
        ("graph", "plans"): (
            *("ok", None),
            "by_user without an index · worst: by_user, 20351 hits",
        ),
        ("graph", "server"): ("waiting", None, ""),
        ("cache", "info"): ("ok", None, "20 commands/s · hits 90 % · memory 25 %"),
        ("cache", "commandstats"): ("ok", None, "most time: evalsha, 300 ms a call"),
        ("local", "cpu"): ("ok", None, "CPU 25 % busy"),
        ("local", "memory"): ("ok", None, "memory 40 % used"),
        ("local", "filesystem"): ("ok", None, "/ 80 % full"),
        ("local", "load"): ("ok", None, "load 0.75"),
        ("local", "process_groups"): (
            *("ok", None),
            "of one core: python 25 %, java 5 %",
        ),
    }


def test_sessions_are_told_apart() -> None:
    name = 'pg_stat_activity_count{target="shop",backend_type="client backend"'
    text = (
        'kpi_exporter_target_info{target="shop",source="postgres"} 1\n'
        'kpi_exporter_collector_success{target="shop",collector="activity"} 1\n'
        'pg_settings_max_connections{target="shop"} 100\n'
        f'{name},state="active",wait_event_type="Lock"}} 2\n'
        f'{name},state="idle in transaction",wait_event_type="Client"}} 3\n'
        f'{name},state="idle",wait_event_type="Client"}} 4\n'
        'pg_stat_activity_count{target="shop",backend_type="checkpointer"} 1\n'
    )
    page = Page(text, 0, EXPORTER_NAMES)
    assert [row.text for row in rows(Change(page, page), 0)] == [
        "9 of 100 connections · 2 waiting for a lock · 3 idle in transaction"
    ]


def test_a_first_reading_has_states_and_no_rates() -> None:
    page = Page(NOW, 60, EXPORTER_NAMES)
    found = {row.collector: row for row in rows(Change(page, page), 1000)}
    assert found["stat_database"].state == "ok"
    assert found["stat_database"].text == ""
    assert found["activity"].state == "lock"


def test_the_application_shows_rate_latency_errors_and_cache_hits() -> None:
    before = Page(APPLICATION.format(ok=100, bad=0), 50, APPLICATION_NAMES)
    now = Page(APPLICATION.format(ok=175, bad=25), 60, APPLICATION_NAMES)
    assert application_row(Change(before, now)).text == (
        "10 requests/s · p95 within 100 ms · errors 25 % · cache hits 75 %"
    )


def test_a_plain_line_names_what_fails_and_how_old_the_data_are() -> None:
    found = [
        Row("shop", "statements", "ok", 2.0, "10 statements/s"),
        Row("shop", "activity", "timeout", 40.0, ""),
        Row("local", "cpu", "ok", 1.0, "busy 25 %"),
        Row("local", "load", "ok", 3.0, "0.75"),
    ]
    assert line("no fault", found) == (
        "no fault | shop: activity timeout since 40 s (2 s ago) · 10 statements/s"
        " | local: 2 ok (1 s ago) · busy 25 % · 0.75"
    )


def test_the_table_has_a_line_per_collector_and_names_a_target_once() -> None:
    console = Console(file=io.StringIO(), width=140)
    console.print(table("no fault", exporter_rows()))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert text.startswith("no fault")
    assert text.count("shop") == 1
    assert [word for word in ("timeout", "waiting", "40 s") if word in text] == [
        *("timeout", "waiting", "40 s")
    ]


def test_markup_in_a_statement_is_shown_as_it_is() -> None:
    console = Console(file=io.StringIO(), width=140)
    console.print(
        table("x", [Row("shop", "statements", "ok", 1.0, "SELECT a[1] [red]")])
    )
    assert isinstance(console.file, io.StringIO)
    assert "SELECT a[1] [red]" in console.file.getvalue()


def test_a_narrow_terminal_keeps_every_name_and_age() -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(table("x", exporter_rows()))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert max(len(line) for line in text.splitlines()) == 80
    words = {word for row in exporter_rows() for word in (row.collector, row.state)}
    assert {word for word in words if word not in text} == set()
