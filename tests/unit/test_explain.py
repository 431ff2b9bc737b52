"""What a model refused is said in our words, once each, on one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.test_config_load import problems

if TYPE_CHECKING:
    from pathlib import Path

REDIS = "redis: {{a: {{url: 'redis://x', {}}}}}"
POSTGRES = "postgres: {{a: {{dsn: 'dbname=a', {}}}}}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (REDIS.format("user: 5"), "user: text is wanted"),
        (REDIS.format("password_file: [x]"), "password_file: text is wanted"),
        (REDIS.format("password_command: ls"), "password_command: a list is wanted"),
        (REDIS.format("members: many"), "members: a whole number is wanted"),
        (REDIS.format("members: 1.5"), "members: a whole number is wanted"),
        (REDIS.format("members: -1"), "members: 0 or more is wanted"),
        (REDIS.format("members: 1001"), "members: 1000 or less is wanted"),
        (REDIS.format("interval: 10ms"), "interval: from 0.1s to 86400s is wanted"),
        (REDIS.format("collectors: [info]"), "collectors: keys and values are wanted"),
        (REDIS.format("keys: 5"), "keys: keys and values are wanted"),
        (
            POSTGRES.format("plans: {enabled: often}"),
            "enabled: true or false is wanted",
        ),
        (POSTGRES.format("sampling: {interval: 61s}"), "from 0.2s to 60s is wanted"),
        (
            POSTGRES.format(
                "queries: [{name: A, sql: select, metrics: {n: {help: x}}}]"
            ),
            "name: does not fit the pattern ^[a-z]",
        ),
        (
            POSTGRES.format(
                "queries: [{name: a, sql: select, metrics: {n: {help: ''}}}]"
            ),
            "help: 1 or more characters are wanted",
        ),
        (
            POSTGRES.format("queries: [{name: a, sql: select, metrics: {}}]"),
            "metrics: 1 or more entries are wanted",
        ),
        ("host: {a: }\nlog: xml", "log: there are 'text' or 'json'"),
        ("host: {a: }\nkpis: {cpu_used: {warning: [1]}}", "[1] is no limit in ratio"),
        ("host: {a: }\nkpis: {cpu_used: {warning: 0.5}}", "0.5 is no limit in ratio"),
        ('host: {"a\\nb": {}}', "1: host.a\\nb: a target's name is"),
        ('host: {"a\\nb": {x: 1}}', "1: host.a\\nb.x: unknown key"),
        ('host: {"a\\nb": }\nredis: {"a\\nb": }', "is taken by redis.a\\nb;"),
    ],
)
def test_a_wrong_value_is_said_in_our_words(
    tmp_path: Path, text: str, message: str
) -> None:
    found = problems(tmp_path, text)

    assert [line for line in found if message in line] != []
    assert not [line for line in found if "nput should" in line or "\n" in line]
