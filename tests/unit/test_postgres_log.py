"""What a csvlog or a jsonlog says of slow statements, as it grows and rotates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from exporter.sources.postgres_log import LogFiles, Slow

if TYPE_CHECKING:
    from pathlib import Path

BEFORE = "2026-01-01 00:00:00 UTC,web"
SLOW = "duration: 250.5 ms  statement: select pg_sleep(0.25)"


def entry(message: str, database: str = "shop") -> str:
    quoted = message.replace('"', '""')
    return f'{BEFORE},{database},{"," * 10}"{quoted}",,\n'


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
    assert found == ((Slow("shop", 1.5),), True)
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
    assert (await files.added()).slow == (Slow("shop", 0.2505),)


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
        "duration: 5 ms",
        "duration: 5 ms  statement: select /* kpi-exporter */ 1",
    ):
        add(log, entry(message))
    assert await files.added() == ((), True)


async def test_too_much_at_once_is_not_whole(tmp_path: Path) -> None:
    log = tmp_path / "a.csv"
    add(log, "")
    files = LogFiles(tmp_path)
    await files.added()
    add(log, "x" * (5 * 2**20) + "\n")
    assert not (await files.added()).whole
    add(log, entry(SLOW))
    assert await files.added() == ((Slow("shop", 0.2505),), True)


async def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    files = LogFiles(tmp_path / "missing")
    assert not (await files.added()).whole
    assert "FileNotFoundError" in files.problem
