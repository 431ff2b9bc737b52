"""What a csvlog or a jsonlog says of slow statements, as it grows and rotates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from exporter.sources.postgres_log import LogFiles, Slow

if TYPE_CHECKING:
    from pathlib import Path

BEFORE = "2026-01-01 00:00:00 UTC,web"
SLOW = "duration: 250.5 ms  statement: select pg_sleep(0.25)"


def entry(message: str, database: str = "shop", application: str = "") -> str:
    quoted = message.replace('"', '""')
    return (
        f'{BEFORE},{database},{"," * 10}"{quoted}"{"," * 9}"{application}","client"\n'
    )


def line(message: str) -> str:
    return json.dumps({"dbname": "mail", "message": message}, ensure_ascii=False) + "\n"


def add(file: Path, text: str) -> None:
    with file.open("a") as log:
        log.write(text)


async def test_only_what_is_added_is_read(tmp_path: Path) -> None:
    log = tmp_path / "postgresql.csv"
    add(log, entry(SLOW))
    files = LogFiles(tmp_path)
    assert await files.added() == ((), False)
    add(log, entry("duration: 1500 ms  execute s1: select $1") + entry("hello"))
    found = await files.added()
    assert found == ((Slow("shop", 1.5, "web"),), True)
    assert await files.added() == ((), True)


async def test_half_an_entry_waits_for_its_rest(tmp_path: Path) -> None:
    log = tmp_path / "postgresql.csv"
    add(log, "")
    files = LogFiles(log)
    await files.added()
    whole = entry(SLOW.replace("select", 'select "a b",\n'))
    add(log, whole[:70])
    assert (await files.added()).slow == ()
    add(log, whole[70:])
    assert (await files.added()).slow == (Slow("shop", 0.2505, "web"),)


async def test_a_new_file_is_read_from_its_begin(tmp_path: Path) -> None:
    add(tmp_path / "a.csv", entry(SLOW))
    files = LogFiles(tmp_path)
    await files.added()
    add(tmp_path / "b.json", json.dumps({"dbname": "mail", "message": SLOW}) + "\n")
    assert (await files.added()).slow == (Slow("mail", 0.2505),)


async def test_plans_steps_and_our_own_are_no_statements(tmp_path: Path) -> None:
    log = tmp_path / "a.csv"
    add(log, "")
    files = LogFiles(tmp_path)
    await files.added()
    for message in (
        "duration: 5 ms  plan:\nQuery Text: select 1",
        "duration: 5 ms  parse <unnamed>: select 1",
        "duration: 5 ms  bind s1: select 1",
        "duration: 5 ms  statement: select /* kpi-exporter */ 1",
    ):
        add(log, entry(message))
    assert await files.added() == ((), True)


async def test_a_text_that_was_logged_before_is_not_logged_again(
    tmp_path: Path,
) -> None:
    log = tmp_path / "a.csv"
    add(log, "")
    files = LogFiles(tmp_path)
    await files.added()
    add(log, entry("statement: select pg_sleep(1)") + entry("duration: 1000.5 ms"))
    add(log, entry("duration: 1001 ms", application="kpi-exporter"))
    assert await files.added() == ((Slow("shop", 1.0005, "web"),), True)


async def test_any_text_is_read(tmp_path: Path) -> None:
    csv, log = tmp_path / "a.csv", tmp_path / "b.json"
    for file in (csv, log):
        add(file, "")
    files = LogFiles(tmp_path)
    await files.added()
    for text in ("'\"'", "'a\u2028b\x85'", "'" + "x" * 200_000 + "'"):
        message = f"duration: 250.5 ms  statement: select {text}"
        add(csv, entry(message))
        add(log, line(message))
        slow = (Slow("shop", 0.2505, "web"), Slow("mail", 0.2505))
        assert await files.added() == (slow, True)


async def test_of_two_formats_one_is_read_and_one_that_ended_says_nothing(
    tmp_path: Path,
) -> None:
    csv, log = tmp_path / "a.csv", tmp_path / "a.json"
    for file in (csv, log):
        add(file, "")
    files = LogFiles(tmp_path)
    both, other = "stderr,csvlog,jsonlog", "jsonlog"
    await files.added(both)
    add(csv, entry(SLOW))
    add(log, line(SLOW))
    assert await files.added(both) == ((Slow("shop", 0.2505, "web"),), True)
    assert not (await files.added(other)).whole  # which was written to meanwhile?
    add(log, line(SLOW))
    assert await files.added(other) == ((Slow("mail", 0.2505),), True)
    log.unlink()
    assert not (await files.added(other)).whole


async def test_too_much_at_once_is_not_whole(tmp_path: Path) -> None:
    log = tmp_path / "a.csv"
    add(log, "")
    files = LogFiles(tmp_path)
    await files.added()
    add(log, "x" * (5 * 2**20) + "\n")
    assert not (await files.added()).whole
    add(log, entry(SLOW))
    assert await files.added() == ((Slow("shop", 0.2505, "web"),), True)


async def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    files = LogFiles(tmp_path / "missing")
    assert not (await files.added()).whole
    assert "FileNotFoundError" in files.problem
