"""The parsing process: what bounds it, what it is not given, and that it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from exporter.review.process import _LATE, parse
from exporter.review.shape import (
    MOST_BYTES,
    MOST_STATEMENTS,
    PARSE_MEMORY_BYTES,
    Dialect,
    Refusal,
    ReviewError,
    check_text,
)

if TYPE_CHECKING:
    from pathlib import Path


def workers() -> list[psutil.Process]:
    """Return the parsing processes that there are; other tests have children too."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if any("exporter.review.worker" in word for word in child.cmdline()):
                found.append(child)
    return found


async def refused(text: str) -> ReviewError:
    with pytest.raises(ReviewError) as caught:
        await parse(text, Dialect.POSTGRES)
    assert workers() == []
    return caught.value


async def test_statements_come_back_with_what_is_found() -> None:
    first, second = await parse("select * from t; delete from t", Dialect.POSTGRES)
    assert [one["rule"] for one in first["findings"]] == [
        "missing_limit",
        "select_star",
        "no_where",
    ]
    assert second["kind"] == "delete"
    assert first["planned"]["text"] == "SELECT * FROM t"
    assert "refused" in second["planned"]
    assert workers() == []


async def test_a_statement_that_cannot_be_parsed_is_told_from_those_that_can() -> None:
    text = "select 1;;\nselect 'alice' from where; (; delete from t -- ;"
    found = await parse(text, Dialect.POSTGRES)
    kinds = ["select", "unreadable", "unreadable", "delete"]
    assert [one["kind"] for one in found] == kinds
    assert (found[1]["line"], found[1]["column"]) == (2, 21)
    assert "alice" not in str(found)
    assert found[3]["findings"][0]["rule"] == "no_where"


DEEP = {
    "parentheses": "select " + "(" * 60_000 + "1",
    "brackets": "select " + "[" * 60_000,
    "case": "select " + "case when a then " * 10_000,
    "subqueries": "select * from " + "(select * from " * 4000 + "t",
    "not": "select " + "not " * 45_000 + "a",
}


LONG = "select 1 from t" + "".join(f" join t{i} on t.a = t{i}.a" for i in range(2500))
GREAT = "select " + ",".join("a" for _ in range(80_000))


@pytest.mark.parametrize("name", DEEP)
async def test_deep_nesting_is_refused(name: str) -> None:
    assert (await refused(DEEP[name])).kind in (Refusal.TOO_COSTLY, Refusal.UNREADABLE)


async def test_what_takes_too_long_is_killed() -> None:
    began = asyncio.get_running_loop().time()
    error = await refused(LONG)
    assert (error.kind, str(error)) == (Refusal.TOO_COSTLY, _LATE)
    assert asyncio.get_running_loop().time() - began < 20


async def test_what_takes_too_much_memory_is_refused() -> None:
    assert (await refused(GREAT)).kind is Refusal.TOO_COSTLY


async def test_a_review_that_is_given_up_leaves_no_process() -> None:
    task = asyncio.create_task(parse(LONG, Dialect.POSTGRES))
    await running()
    task.cancel()
    await asyncio.wait([task])
    assert workers() == []


async def test_the_process_gets_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERS_PASSWORD", "hush-4711")
    task = asyncio.create_task(parse(LONG, Dialect.POSTGRES))
    known = (await running()).environ()
    task.cancel()
    await asyncio.wait([task])
    assert "ORDERS_PASSWORD" not in known


async def running() -> psutil.Process:
    """Wait until the parsing process has begun."""
    async with asyncio.timeout(20):
        while not (found := workers()):  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.01)
    return found[0]


async def test_many_statements_are_refused() -> None:
    error = await refused("select 1;" * (MOST_STATEMENTS + 1))
    assert error.kind is Refusal.TOO_LARGE
    assert len(await parse("select 1;" * MOST_STATEMENTS, Dialect.POSTGRES)) == 100


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"select '" + b"x" * MOST_BYTES, Refusal.TOO_LARGE),
        (b"select \xff\xfe", Refusal.MALFORMED),
        (b"\x7fELF\x02\x01\x01\x00", Refusal.MALFORMED),
        (b"select \x00 1", Refusal.MALFORMED),
        (b"PK\x03\x04", Refusal.MALFORMED),
        (b"", Refusal.MALFORMED),
        (b" \n\t", Refusal.MALFORMED),
        ("select \ud800".encode("utf-8", "surrogatepass"), Refusal.MALFORMED),
    ],
)
def test_what_is_no_text_is_refused(content: bytes, kind: Refusal) -> None:
    with pytest.raises(ReviewError) as caught:
        check_text(content)
    assert caught.value.kind is kind


@pytest.mark.parametrize("text", ["-- nothing", "/* */ ; ;"])
async def test_a_text_without_statement_is_refused(text: str) -> None:
    assert (await refused(text)).kind is Refusal.MALFORMED


def in_a_child(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return (done.stdout or done.stderr[-300:] or f"status {done.returncode}").strip()


def test_the_kernel_bounds_memory_files_and_time(tmp_path: Path) -> None:
    bound = "from exporter.review.worker import _bound; _bound(); "
    much = f"bytearray({PARSE_MEMORY_BYTES})"
    assert in_a_child(f"{bound}{much}").endswith("MemoryError")
    write = f"open({str(tmp_path / 'x')!r}, 'wb', 0).write(b'x')"
    assert "File too large" in in_a_child(f"{bound}{write}")
    lift = "import resource as r; print(*map(r.getrlimit, (r.RLIMIT_CPU, r.RLIMIT_AS)))"
    assert in_a_child(f"{bound}{lift}") == f"(6, 6) {(PARSE_MEMORY_BYTES,) * 2}"


def test_serving_and_the_command_line_do_not_hold_the_parser() -> None:
    code = (
        "import sys, exporter.cli, exporter.app, exporter.web.app, "
        "exporter.review.desk, exporter.review.command; "
        "print([m for m in sys.modules if m.startswith('sqlglot')])"
    )
    assert in_a_child(code) == "[]"


def test_serving_holds_nothing_of_a_review_until_one_is_asked_for() -> None:
    code = (
        "import sys, exporter.cli, exporter.app, exporter.web.app; "
        "print(sorted(m for m in sys.modules if m.startswith('exporter.review.')))"
    )
    held = ["arguments", "shape"]
    assert in_a_child(code) == str([f"exporter.review.{name}" for name in held])
