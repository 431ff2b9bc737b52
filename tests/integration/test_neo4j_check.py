"""`kpi-exporter check` on Neo4j Community: what it cannot tell, and what is amiss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from tests.integration.exporter_process import run
from tests.integration.neo4j_fixtures import ask, target

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.demo.servers.neo4j import Neo4jServer


def checked(
    server: Neo4jServer, folder: Path, **settings: str
) -> tuple[int, dict[str, list[str]]]:
    """Check a target; returns the exit status, and what is said of each collector."""
    known = target(server)
    login = {"user": server.user, "password_file": str(known.password_file)}
    file = folder / "exporter.yaml"
    file.write_text(
        yaml.safe_dump({"neo4j": {"g": {"uri": server.uri, **login, **settings}}})
    )
    done = run("check", "--config", str(file))
    assert done.stderr == ""
    said: dict[str, list[str]] = {}
    name = ""
    for line in done.stdout.splitlines()[1:]:
        if line.startswith("      "):
            said[name].append(line.strip())
        else:
            name, state = line.split(maxsplit=1)
            said[name] = [state.partition(",")[0]]
    return done.returncode, said


def test_what_community_cannot_tell_has_a_line_and_is_no_fault(
    neo4j_server: Neo4jServer, tmp_path: Path
) -> None:
    ask(neo4j_server, "CREATE FULLTEXT INDEX texts FOR (n:K) ON EACH [n.text]")
    status, said = checked(neo4j_server, tmp_path)
    assert status == 0
    assert {state for state, *_ in said.values()} == {"works"}
    lines = {name: lines for name, (_, *lines) in said.items() if lines}
    community = "Neo4j 5.26.31 community does not tell"
    assert lines["server"] == [
        (
            "missing: counts of transactions that were committed or rolled back (those "
            f"begun are counted, by the numbers in their ids): {community}"
        ),
        (
            "missing: copies of a database that were asked for and are not there: "
            f"{community}"
        ),
    ]
    assert lines["page_cache"] == [
        (
            "missing: page cache hits and faults of the whole server, and the size of "
            "its store: Community does not tell (the pages of watched queries are told)"
        )
    ]
    assert lines["graph"] == [
        (
            "missing: entries of FULLTEXT indexes: db.stats.retrieve leaves them out "
            "in database neo4j"
        )
    ]
    assert "neo4j_transactions_timeout_seconds" in " ".join(lines["settings"])
    assert set(lines) == {"server", "page_cache", "graph", "settings"}


def test_what_can_be_mended_is_a_fault(
    neo4j_server: Neo4jServer, tmp_path: Path
) -> None:
    status, said = checked(neo4j_server, tmp_path, indexes="ultimate-mcp")
    assert status == 1
    assert said["indexes"][0] == "works with less"
    assert any(line.startswith("fix: CREATE INDEX") for line in said["indexes"])
