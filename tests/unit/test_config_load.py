"""Loading a configuration: everything that is wrong, at once, with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.config_load import load
from exporter.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, text: str) -> Path:
    path = folder / "kpi.yaml"
    path.write_text(text)
    return path


def problems(folder: Path, text: str) -> list[str]:
    path = written(folder, text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    return [problem.removeprefix(f"{path}:") for problem in caught.value.problems]


def test_without_anything_the_host_is_exported() -> None:
    config = load(None)

    assert [target.name for target in config.targets] == ["local"]


EVERYTHING_WRONG = """\
interval: 15
postgres:
  orders: {dsn: "postgresql://a@b:99999/c", password_fil: /x}
redis:
  orders: {url: "http://x"}
  "bad name": {url: "redis://x", collectors: {nope: {enabled: true}}}
  bad: {url: "redis://x"}
  bad: {url: "redis://y"}
neo4j:
  g: {uri: "bolt://u:p@x"}
frobnicate: 1
"""


def test_every_problem_is_said_in_one_message_in_the_order_of_lines(
    tmp_path: Path,
) -> None:
    found = problems(tmp_path, EVERYTHING_WRONG)

    lines = [int(problem.split(":")[0]) for problem in found]
    assert lines == [1, 3, 3, 5, 5, 6, 6, 8, 10, 11]


@pytest.mark.parametrize(
    "problem",
    [
        "1: interval: 15 is not a duration; write 15s, 500ms or 1m30s",
        "3: postgres.orders.dsn: the port must be a number from 1 to 65535",
        "3: postgres.orders.password_fil: unknown key; there are interval",
        "6: redis.bad name.collectors.nope: unknown collector; there are ",
        "8: redis.bad: given twice, first on line 7",
        "11: frobnicate: unknown key; there are profile, interval",
    ],
)
def test_each_problem_has_its_line_and_key(tmp_path: Path, problem: str) -> None:
    found = problems(tmp_path, EVERYTHING_WRONG)

    assert [text for text in found if text.startswith(problem)] != []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "1: not YAML: expected the node content, but found '<stream end>'"),
        ("- a\n", "1: keys and values are wanted"),
        (
            "host: {local: {interval: 10s, timeout: 11s}}",
            "1: host.local.timeout: must not be longer than interval",
        ),
        (
            "redis: {a: {url: 'redis://x', password_env: A, password_file: /b}}",
            (
                "1: redis.a.password_env: give one of password_file, password_env, "
                "password_command"
            ),
        ),
        ("redis: {a: {}}", "1: redis.a.url: is needed"),
        (
            "neo4j: {a: {uri: 'bolt://x', indexes: none}}",
            "1: neo4j.a.indexes: no index set 'none'; there are ultimate-mcp",
        ),
        (
            "neo4j: {a: {uri: 'bolt://x', query_set: none}}",
            "1: neo4j.a.query_set: no query set 'none'; there are ultimate-mcp",
        ),
        (
            "neo4j: {a: {uri: 'bolt://x', profile_query_set: true}}",
            "1: neo4j.a.profile_query_set: changes nothing without query_set",
        ),
        (
            "postgres: {a: {dsn: 'postgresql://x', indexes: ultimate-mcp}}",
            (
                "1: postgres.a.indexes: no index set 'ultimate-mcp'; there are "
                "developer-mesh, stellar-logic"
            ),
        ),
        (
            "postgres: {a: {dsn: 'postgresql://x', tables: {top: 501}}}",
            "1: postgres.a.tables.top: 500 or less is wanted",
        ),
        (
            "postgres: {a: {dsn: 'postgresql://x', tables: {most: 5}}}",
            "1: postgres.a.tables.most: unknown key; there are top",
        ),
        (
            "postgres: {a: {dsn: 'postgresql://x', connections: 0}}",
            "1: postgres.a.connections: 1 or more is wanted",
        ),
        (
            "host: {local: }\nlinks: {external_url: 'kpi.example'}",
            "2: links.external_url: a URL is https://host or http://host:10099/path",
        ),
        (
            "host: {local: }\nweb: {listen: '127.0.0.1'}",
            "2: web.listen: '127.0.0.1' is not an address; write it as 127.0.0.1:10099",
        ),
    ],
)
def test_a_problem_says_what_would_be_right(
    tmp_path: Path, text: str, message: str
) -> None:
    assert problems(tmp_path, text) == [message]


def test_a_password_in_a_url_is_in_no_message(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """\
postgres:
  a: {dsn: "postgresql://u:s3cret@b:99999/c"}
neo4j:
  b: {uri: "bolt://u:s3cret@x"}
redis:
  c: {url: "http://u:s3cret@x"}
""",
    )

    assert len(found) == 3
    assert "s3cret" not in "\n".join(found)


def test_the_top_levels_interval_is_every_targets(tmp_path: Path) -> None:
    text = """\
interval: 30s
redis: {a: {url: "redis://x"}, b: {url: "redis://x", interval: 5s}}
host: {local: }
"""
    config = load(written(tmp_path, text))

    assert {t.name: t.interval for t in config.targets} == {
        "a": 30.0,
        "b": 5.0,
        "local": 30.0,
    }


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "web: {listen: '127.0.0.1:1'}\nhost: {local: }\n")

    config = load(path, {"web": {"listen": "127.0.0.1:2"}})

    assert config.web.listen == "127.0.0.1:2"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none.yaml")

    assert str(caught.value) == (
        f"{tmp_path}/none.yaml: cannot be read: No such file or directory"
    )


def test_names_are_unique_over_all_kinds(tmp_path: Path) -> None:
    text = "redis: {a: {url: 'redis://x'}}\nhost: {a: }\n"

    assert problems(tmp_path, text) == [
        "2: host.a: the name is taken by redis.a; names are unique"
    ]


def test_two_targets_with_the_same_settings_are_different(tmp_path: Path) -> None:
    text = "redis: {a: {url: 'redis://x'}, b: {url: 'redis://x'}}"
    config = load(written(tmp_path, text))

    assert config.redis["a"] != config.redis["b"]
    assert config.redis["a"] == load(written(tmp_path, text)).redis["a"]


def test_a_file_without_a_target_is_refused(tmp_path: Path) -> None:
    """An editor or a full disk may have emptied it."""
    path = written(tmp_path, "")

    with pytest.raises(ConfigError) as caught:
        load(path)

    assert str(caught.value).startswith(f"{path}")
    assert "no target; add one of postgres, neo4j, redis, host" in str(caught.value)


def test_an_address_that_its_driver_cannot_use_is_refused(tmp_path: Path) -> None:
    text = """\
postgres:
  a: {dsn: "postgresql://u:s3cret@h/d?sslmod=require", interval: 1}
  b: {dsn: "postgresql://u:s3/cret@h/d"}
  c: {dsn: "host=h port=0"}
redis:
  d: {url: "redis://:s3cret@h:6379/0?speed=high"}
"""
    found = problems(tmp_path, text)

    assert [problem[:20] for problem in found] == [
        "2: postgres.a.dsn: t",
        "2: postgres.a.interv",
        "3: postgres.b.dsn: t",
        "4: postgres.c.dsn: t",
        "6: redis.d.url: the ",
    ]
    assert "cret" not in "".join(found)


def test_several_hosts_in_a_dsn_are_good(tmp_path: Path) -> None:
    text = 'postgres: {a: {dsn: "postgresql://h1:5432,h2:5433/d"}}'

    assert load(written(tmp_path, text)).postgres["a"].dsn.endswith("h2:5433/d")


def test_everything_wrong_with_one_target_is_said(tmp_path: Path) -> None:
    text = """\
redis:
  a:
    url: 6379
    interval: 10s
    timeout: 20s
    password_env: A
    password_command: [b]
    collectors: {nope: , info: {interval: 1}}
"""
    found = problems(tmp_path, text)

    lines = [int(problem.split(":")[0]) for problem in found]
    assert lines == [3, 5, 7, 8, 8, 8]


def test_paths_in_a_file_start_at_its_folder(tmp_path: Path) -> None:
    text = """\
redis:
  a: {url: "redis://x", password_file: secret}
  b: {url: "redis://x", password_file: /run/secret}
web: {config_file: web.yaml}
"""
    config = load(written(tmp_path, text))

    assert config.redis["a"].password_file == tmp_path / "secret"
    assert str(config.redis["b"].password_file) == "/run/secret"
    assert config.web.config_file == tmp_path / "web.yaml"


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1?protocol=3",
        "redis://127.0.0.1?ssl_ca_certs=/ca.pem",
        "redis://127.0.0.1?db=many",
        "rediss://127.0.0.1?nonsense=1",
    ],
)
def test_an_option_of_a_redis_url_that_we_do_not_have_is_refused(
    tmp_path: Path, url: str
) -> None:
    [problem] = problems(tmp_path, f"redis: {{a: {{url: '{url}'}}}}")

    assert problem.startswith("1: redis.a.url: the url has a")
    assert "option" in problem
