"""`kpi-exporter analyze`: what it prints, and its exit statuses."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from tests.integration.exporter_process import COMMAND, run
from tests.integration.postgres_fixtures import database, owner

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.demo.servers.postgres import PostgresServer


def written(folder: Path, text: str, name: str = "query.sql") -> str:
    file = folder / name
    file.write_text(text)
    return str(file)


def test_findings_are_printed_with_their_place_and_are_status_1(tmp_path: Path) -> None:
    file = written(
        tmp_path, "-- mine\nselect *\nfrom t where lower(a) = 'alice' limit 5;"
    )
    done = run("analyze", file)
    assert (done.returncode, done.stderr) == (1, "")
    assert f"{file}:2:8: warning: select_star" in done.stdout
    assert f"{file}:3:14: warning: non_sargable" in done.stdout
    assert done.stdout.endswith("2 findings in 1 statement, 0 planned, none executed\n")
    assert "alice" not in done.stdout
    assert "'alice'" in run("analyze", file, "--literals").stdout


def test_no_findings_are_status_0(tmp_path: Path) -> None:
    done = run("analyze", written(tmp_path, "select a from t where id = 5"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 findings in 1 statement" in done.stdout


def test_programs_get_json_with_the_bounds_that_held(tmp_path: Path) -> None:
    done = run("analyze", "--json", written(tmp_path, "delete from t; select 1"))
    answer = json.loads(done.stdout)
    assert done.returncode == 1
    assert [one["kind"] for one in answer["statements"]] == ["delete", "select"]
    assert answer["executed"] is False
    assert answer["bounds"]["parse_memory_bytes"] == 128 * 1024 * 1024


def test_standard_input_is_read() -> None:
    done = subprocess.run(
        [*COMMAND, "analyze", "-"],
        input="select a from t where id = 1",
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_cannot_be_used_is_status_2_and_named(tmp_path: Path) -> None:
    unparsed = written(tmp_path, "select a\nfrom where", "a.sql")
    binary = tmp_path / "b.sql"
    binary.write_bytes(b"\x7fELF\x00")
    large = written(tmp_path, "x" * 1_000_000, "c.sql")
    ddl = written(tmp_path, "drop table t", "d.sql")
    cypher = written(tmp_path, "MATCH (n) RETURN n", "e.cypher")
    for words, said in (
        ([unparsed], f"{unparsed}:2:6: the text cannot be parsed"),
        ([str(binary)], "binary"),
        ([large], "more than 200000 bytes"),
        ([ddl], "there is no query here"),
        ([cypher], "name a target of Neo4j"),
        ([str(tmp_path / "nowhere")], "cannot be read: No such file"),
        ([str(tmp_path)], "cannot be read: Is a directory"),
        ([unparsed, "--target", "x"], "no target 'x'; there are"),
        (["--dialect", "oracle", ddl], "invalid choice"),
    ):
        done = run("analyze", *words)
        assert (done.returncode, done.stdout) == (2, ""), words
        assert said in done.stderr


def test_one_statement_that_cannot_be_parsed_does_not_hide_the_others(
    tmp_path: Path,
) -> None:
    file = written(
        tmp_path, "select * from t;\nselect\n'alice' from where;\ndelete from t"
    )
    done = run("analyze", file)
    assert (done.returncode, done.stderr) == (
        2,
        f"{file}:3:14: the text cannot be parsed\n",
    )
    assert f"{file}:1:8: warning: select_star" in done.stdout
    assert f"unreadable: {file}:3:14\n" in done.stdout
    assert f"{file}:4:13: critical: no_where" in done.stdout
    assert "alice" not in done.stdout


def test_a_target_that_is_away_is_status_2_after_the_findings(tmp_path: Path) -> None:
    file = written(tmp_path, "select a from t where id = 5; select * from t limit 5")
    dsn = "postgresql://monitor@127.0.0.1:1/orders"
    done = run("analyze", file, "--target", "postgres", "--postgres", dsn)
    assert done.returncode == 2
    assert "warning: select_star" in done.stdout
    assert done.stderr.startswith("the target postgres cannot be used: connect: ")
    assert done.stdout.count("not planned: connect: ") == 2


def test_a_target_that_refuses_us_is_status_2(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    file = written(tmp_path, "select a from t where id = 5")
    dsn = postgres.dsn(user="nobody")
    done = run("analyze", file, "--json", "--target", "postgres", "--postgres", dsn)
    assert done.returncode == 2
    assert done.stderr.startswith("the target postgres cannot be used: auth: ")
    assert json.loads(done.stdout)["unplanned"].startswith("auth: ")


def test_a_target_is_asked_for_its_plan(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    with (
        database(postgres, "asked") as dsn,
        owner(postgres, "asked") as session,
    ):
        session.execute(
            "create table orders as select g as id, g as code, 'x' as rest "
            "from generate_series(1, 20000) g; analyze orders"
        )
        file = written(tmp_path, "select rest from orders where code + 1 = 7 limit 9")
        done = run("analyze", file, "--target", "postgres", "--postgres", dsn)
    assert done.returncode == 1, done.stderr
    assert "plan, not executed:\n" in done.stdout
    assert "Seq Scan on orders (" in done.stdout
    assert "written anew (non_sargable), the same for integers" in done.stdout
    assert "1 sequential scans" in done.stdout
    assert "1 planned, none executed" in done.stdout


def test_a_target_that_does_not_plan_sql_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, "select 1")
    done = run("analyze", file, "--target", "local", "--redis", "redis://127.0.0.1:1")
    assert done.returncode == 2
    assert "the target local (host) does not plan such a text" in done.stderr
