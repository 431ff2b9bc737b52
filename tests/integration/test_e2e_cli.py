"""End to end: the command line: what it says, and its exit statuses."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from exporter.demo.servers.redis import RedisServer
from tests.integration.exporter_process import (
    COMMAND,
    TOKEN,
    ExporterProcess,
    Page,
    open_folder,
    run,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BAD = f"""\
interval: 15
redis:
  cache: {{url: "http://:{TOKEN}@cache", tiemout: 1s}}
  queue: {{url: "redis://:{TOKEN}@queue:99999"}}
neo4j:
  graph: {{uri: "bolt://neo4j:{TOKEN}@graph:7687"}}
postgres:
  orders: {{dsn: "{TOKEN}"}}
"""
PROBLEMS = [
    (1, "interval: 15 is not a duration"),
    (3, "redis.cache.tiemout: unknown key; there are interval, timeout"),
    (3, "redis.cache.url: a url is redis://"),
    (4, "redis.queue.url: the port must be a number"),
    (6, "neo4j.graph.uri: no user or password in the uri"),
    (8, "postgres.orders.dsn: a dsn is postgresql://"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with open_folder() as folder:
        found = RedisServer(folder, password=TOKEN)
        found.start()
        yield found
        found.stop()


@pytest.mark.parametrize(
    "words", [["serve"], ["check"], ["collect", "info", "--target", "cache"]]
)
def test_a_bad_configuration_is_refused_with_all_its_problems(
    words: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(BAD)

    done = run(*words, "--config", str(file))

    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    expected = [f"{file}:{line}: {text}" for line, text in PROBLEMS]
    cut = [line[: len(text)] for line, text in zip(lines, expected, strict=True)]
    assert cut == expected


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    file = tmp_path / "nowhere.yaml"

    done = run("serve", "--config", str(file))

    assert done.returncode == 2
    assert done.stderr == f"{file}: cannot be read: No such file or directory\n"


def test_a_bad_flag_is_told_from_a_bad_file(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text("redis:\n  cache: {url: cache}\n")

    done = run("serve", "--config", str(file), "--neo4j", "graph:7687")

    assert done.returncode == 2
    assert [line.partition(": a ur")[0] for line in done.stderr.splitlines()] == [
        "command line: neo4j.neo4j.uri",
        f"{file}:2: redis.cache.url",
    ]


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("serve", "--web.listen-address", address)

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(
        f"web.listen: {address}: the port is in use"
    )


def test_a_wrong_command_gives_its_usage() -> None:
    done = run("sevre")

    assert done.returncode == 2
    assert "invalid choice: 'sevre'" in done.stderr


def test_without_file_and_targets_the_host_is_exported(tmp_path: Path) -> None:
    with ExporterProcess(tmp_path, None) as exporter:
        page = exporter.wait_for(lambda page: page.works("local"), 10)

    assert page.value("kpi_exporter_target_info", target="local", source="host") == 1
    assert page.value("node_load1", target="local") is not None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_serve_with_status_0(
    number: signal.Signals, tmp_path: Path
) -> None:
    address = "127.0.0.1:0"
    log = tmp_path / "log"
    with log.open("w") as output:
        child = subprocess.Popen(
            [*COMMAND, "serve", "--web.listen-address", address], stderr=output
        )
    try:
        deadline = time.monotonic() + 20
        while "event=listening" not in log.read_text():
            assert child.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        child.send_signal(number)
        assert child.wait(5) == 0
    finally:
        child.kill()
        child.wait()
    assert "Traceback" not in log.read_text()


def test_check_says_that_everything_works(server: RedisServer) -> None:
    done = run("check", "--redis", server.url)

    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "redis: reached"
    here = lines.index("local: reached")
    told = {line.split()[0]: line.split()[1] for line in lines[1:here]}
    assert told.keys() >= {"acl", "cluster", "commandstats", "info", "memory"}
    assert {*told.values()} == {"works,"}


def test_check_says_what_is_missing_and_what_mends_it(
    server: RedisServer, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"wrong{TOKEN}")
    file = tmp_path / "exporter.yaml"
    file.write_text(
        f"redis: {{cache: {{url: 'redis://127.0.0.1:{server.port}', "
        f"password_file: {secret}}}}}"
    )

    done = run("check", "--config", str(file))

    assert done.returncode == 1
    assert done.stdout == (
        "cache: NOT REACHED\n"
        f"      auth: 127.0.0.1:{server.port} refuses the password of user default\n"
        "      fix: set the right one: password_file, password_env or "
        "password_command\n"
    )


def test_check_tells_programs_the_same(server: RedisServer) -> None:
    good = run("check", "--json", "--redis", server.url)
    bad = run("check", "--json", "--redis", f"redis://127.0.0.1:{server.port}")

    assert (good.returncode, bad.returncode) == (0, 1)
    works = {
        (line["target"], line["collector"]): line["works"]
        for line in json.loads(good.stdout)
    }
    assert set(works.values()) == {True}
    assert {("redis", None), ("redis", "info"), ("local", None)} <= set(works)
    assert json.loads(bad.stdout)[0] == {
        "target": "redis",
        "collector": None,
        "works": False,
        "series": 0,
        "failure": {
            "reason": "auth",
            "message": f"127.0.0.1:{server.port} wants a password",
            "fix": "set password_file, and user if needed",
        },
        "findings": [],
    }


def test_collect_prints_one_collector(server: RedisServer) -> None:
    done = run("collect", "commandstats", "--target", "redis", "--redis", server.url)

    page = Page(done.stdout)
    assert done.returncode == 0
    assert page.value("redis_commands_total", target="redis", cmd="ping")
    assert {name.split("_")[1] for name in page.families} == {"commands"}


def test_what_is_printed_is_utf8_whatever_the_locale(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text("host: {local: {process_groups: [pythön]}}", "utf-8")
    words = ["collect", "process_groups", "--target", "local", "--config", str(file)]
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    done = subprocess.run(
        [*COMMAND, *words],
        capture_output=True,
        env={**os.environ, **ascii_only},
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert 'group="pythön"' in done.stdout.decode("utf-8")


def test_collect_of_a_server_that_is_not_there_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]

    url = f"redis://:{TOKEN}@127.0.0.1:{port}"
    done = run("collect", "info", "--target", "redis", "--redis", url)

    assert done.returncode == 1
    assert done.stdout == f"# connect: 127.0.0.1:{port}: Connection refused\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["info", "--target", "cache"], "no target 'cache'; there are redis, local"),
        (
            ["inof", "--target", "redis"],
            (
                "no collector 'inof' of redis: acl, buffer_limits, clients, cluster, "
                "commandstats, info, keys, latency, latency_events, members, memory, "
                "sentinel, slowlog"
            ),
        ),
    ],
)
def test_collect_of_something_unknown_says_what_there_is(
    words: list[str], message: str
) -> None:
    done = run("collect", *words, "--redis", "redis://127.0.0.1:1")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{message}\n"
