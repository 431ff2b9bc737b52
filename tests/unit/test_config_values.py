"""Odd values that no server, file or program could use are refused while loading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.config_load import load
from tests.unit.test_config_load import problems, written

if TYPE_CHECKING:
    from pathlib import Path

POSTGRES = "postgres: {{a: {{dsn: 'dbname=a', {}}}}}"
NEO4J = "neo4j: {{a: {{uri: 'bolt://x', {}}}}}"
REDIS = "redis: {{a: {{url: 'redis://x', {}}}}}"
NUL = "not a plain value: "
EMPTY = "must not be empty"
NUMBER = "the database is a number from 0 on"
PLAIN = "holds a blank or a control character"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (POSTGRES.format("log: ''"), f"log: {EMPTY}"),
        (POSTGRES.format("password_file: ''"), f"password_file: {EMPTY}"),
        (POSTGRES.format("password_env: 'A=B'"), "password_env: does not fit"),
        (POSTGRES.format('password_file: "a\\0"'), f"password_file: {NUL}"),
        (POSTGRES.format("password_command: []"), "1 or more entries are wanted"),
        (POSTGRES.format("password_command: ['']"), f"password_command.0: {EMPTY}"),
        (POSTGRES.format('password_command: ["a\\0"]'), f"password_command.0: {NUL}"),
        (POSTGRES.format("series_limit: true"), "a whole number is wanted"),
        (
            POSTGRES.format("interval: 10s, sampling: {interval: 11s}"),
            "sampling: its interval must not be longer than that of the target",
        ),
        (
            POSTGRES.format("databases: {include: [x, y], exclude: [y]}"),
            "databases.exclude: 'y' is included as well",
        ),
        (POSTGRES.format("users: {include: [x, x]}"), "include: 'x' is given twice"),
        (POSTGRES.format("schemas: {exclude: ['']}"), f"exclude.0: {EMPTY}"),
        ('postgres: {a: {dsn: "dbname=a\\0"}}', f"dsn: {NUL}"),
        ('postgres: {a: {dsn: "dbname=a\\ud800"}}', f"dsn: {NUL}"),
        ('"host\\0": {a: }\nhost: {b: }', "a key must be plain text"),
        (NEO4J.format("databases: [neo4j, Neo4j]"), "'neo4j' is given twice"),
        (NEO4J.format("databases: []"), "1 or more entries are wanted"),
        (NEO4J.format("user: ''"), f"user: {EMPTY}"),
        ('neo4j: {a: {uri: "bolt://x\\ny"}}', f"uri: {PLAIN}"),
        ("neo4j: {a: {uri: 'bolt://x:7687/db'}}", "uri: nothing follows the port"),
        ("neo4j: {a: {uri: 'bolt://x?policy=a'}}", "uri: nothing follows the port"),
        ("redis: {a: {url: 'redis://x/abc'}}", f"url: {NUMBER}"),
        ("redis: {a: {url: 'redis://x/-1'}}", f"url: {NUMBER}"),
        ("redis: {a: {url: 'redis://x/1/2'}}", f"url: {NUMBER}"),
        ("redis: {a: {url: 'redis://x?db=-1'}}", f"url: {NUMBER}"),
        ("redis: {a: {url: 'unix:///x?db=-1'}}", f"url: {NUMBER}"),
        ("redis: {a: {url: 'unix://'}}", "url: the url has no path of a socket"),
        ('redis: {a: {url: "redis://x\\ty"}}', f"url: {PLAIN}"),
        (REDIS.format("user: ' '"), f"user: {EMPTY}"),
        (REDIS.format("members: true"), "a whole number is wanted"),
        (REDIS.format("keys: {sample: 1, groups: [a, a]}"), "'a' is given twice"),
        (REDIS.format("keys: {groups: [a]}"), "groups: changes nothing without sample"),
        ('host: {a: {rootfs: "/a\\0b"}}', f"rootfs: {NUL}"),
        ("host: {a: }\nweb: {config_file: ''}", f"web.config_file: {EMPTY}"),
        ("host: {a: }\nweb: {evidence: 3}", "web.evidence: true or false is wanted"),
        (
            "host: {a: }\nweb: {evidences: true}",
            "web.evidences: unknown key; there are listen",
        ),
        (
            "host: {a: }\napplications: {s: {selector: 'job=\"x\"', targets: [a, a]}}",
            "applications.s.targets: 'a' is given twice",
        ),
    ],
)
def test_an_odd_value_is_refused_once(tmp_path: Path, text: str, message: str) -> None:
    (found,) = problems(tmp_path, text)

    assert message in found


@pytest.mark.parametrize(
    "text",
    [
        *(
            f"redis: {{a: {{url: '{url}'}}}}"
            for url in ("redis://x", "redis://x/", "redis://x/15", "unix:///s?db=2")
        ),
        "neo4j: {a: {uri: 'bolt://x:7687/', databases: [neo4j, other]}}",
        POSTGRES.format("interval: 500ms, sampling: {enabled: false}"),
        POSTGRES.format("interval: 2s, sampling: {interval: 2s}"),
        POSTGRES.format("databases: {include: [a], exclude: [b]}"),
    ],
)
def test_what_looks_odd_and_is_not_is_taken(tmp_path: Path, text: str) -> None:
    assert load(written(tmp_path, text)).targets
