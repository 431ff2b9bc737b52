"""End to end: a process takes over a changed configuration, and ends when told to."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
import redis

from exporter.demo.servers.redis import RedisServer
from tests.integration.exporter_process import TOKEN, ExporterProcess, open_folder
from tests.integration.verdicts import SOON, TIMES, healthy, targets, tells_no_secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


WORKED = "kpi_exporter_config_last_reload_successful"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with open_folder() as path:
        yield path


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[RedisServer]:
    found = RedisServer(folder / "redis", password=TOKEN)
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def process(folder: Path, server: RedisServer) -> Iterator[ExporterProcess]:
    with ExporterProcess(folder / "exporter", config_of(server)) as found:
        yield found
        tells_no_secret(found)


@pytest.fixture
def exporter(process: ExporterProcess, server: RedisServer) -> ExporterProcess:
    """Give the process its first configuration back."""
    process.write(config_of(server))
    assert process.post("/-/reload").status == 200
    healthy(process)
    return process


def config_of(server: RedisServer, **more: Any) -> dict[str, Any]:
    return {"redis": {"kept": {"url": server.url, **TIMES}, **more}}


def ours(server: RedisServer) -> set[str]:
    """Return the addresses of the exporter's connections, as the server sees them."""
    with redis.Redis(port=server.port, password=TOKEN, protocol=2) as admin:
        clients: list[dict[str, str]] = admin.client_list()
    return {entry["addr"] for entry in clients if entry["name"] == "kpi-exporter"}


def hang_up(exporter: ExporterProcess) -> None:
    exporter.process.send(signal.SIGHUP)


def test_a_hang_up_takes_over_a_new_target_and_keeps_the_connections_of_others(
    exporter: ExporterProcess, server: RedisServer
) -> None:
    before = ours(server)
    exporter.write(config_of(server, added={"url": server.url, **TIMES}))

    hang_up(exporter)
    page = exporter.wait_for(
        lambda page: page.works("added") and page.value(WORKED) == 1, SOON
    )

    assert targets(page) == {"kept", "added"}
    after = ours(server)
    assert (len(before), len(after), before < after) == (1, 2, True)
    assert set(exporter.get("/sd").text.split('"')) >= {"kept", "added"}


def test_a_removed_target_leaves_nothing_behind(
    exporter: ExporterProcess, server: RedisServer
) -> None:
    before = ours(server)
    exporter.write(config_of(server, added={"url": server.url, **TIMES}))
    assert exporter.post("/-/reload").status == 200
    exporter.wait_for(lambda page: page.works("added"), SOON)

    exporter.write(config_of(server))
    assert exporter.post("/-/reload").status == 200

    page = exporter.page()
    assert targets(page) == {"kept"}
    assert 'target="added"' not in page.text
    assert exporter.get("/probe?target=added").status == 404
    assert ours(server) == before
    assert exporter.connections(server.port) == 1


def test_a_changed_target_is_opened_anew(
    exporter: ExporterProcess, server: RedisServer
) -> None:
    before = ours(server)
    changed = config_of(server)
    changed["redis"]["kept"]["collectors"] = {"commandstats": {"enabled": False}}
    exporter.write(changed)

    assert exporter.post("/-/reload").status == 200
    page = exporter.wait_for(lambda page: page.works("kept"), SOON)

    assert page.samples("redis_commands_total") == []
    after = ours(server)
    assert (len(after), after & before) == (1, set())


def test_a_frozen_server_holds_up_the_change_of_no_other_target(
    folder: Path, server: RedisServer
) -> None:
    frozen = RedisServer(folder / "stuck", password=TOKEN)
    frozen.start()
    frozen.pause()
    long = {"url": frozen.url, "interval": "30s", "timeout": "30s"}
    config = config_of(server, frozen=long)
    try:
        with ExporterProcess(folder / "holding", config) as exporter:
            exporter.wait_for(lambda page: page.works("kept"), SOON)
            config = config_of(
                server,
                frozen={**long, "timeout": "29s"},
                added={"url": server.url, **TIMES},
            )
            config["redis"]["kept"]["collectors"] = {"commandstats": {"enabled": False}}
            exporter.write(config)
            answer = exporter.post("/-/reload")
            assert (answer.status, answer.seconds < 5) == (200, True)
            page = exporter.wait_for(
                lambda page: (
                    page.works("kept")
                    and page.works("added")
                    and not page.samples("redis_commands_total", target="kept")
                ),
                SOON,
            )
            assert targets(page) == {"kept", "added", "frozen"}
            assert page.up("frozen") == 0
            assert exporter.get("/probe?target=kept").status == 200
    finally:
        frozen.stop()


BAD = {"interval": "soon", "redis": {"kept": {}}, "nonsense": TOKEN}


def test_a_bad_file_keeps_the_old_configuration_and_says_so(
    exporter: ExporterProcess, server: RedisServer
) -> None:
    before = ours(server)
    exporter.write(BAD)

    answer = exporter.post("/-/reload")

    assert answer.status == 500
    lines = answer.text.splitlines()
    assert lines[0] == "the old configuration stays in force:"
    assert [line.rpartition(": ")[0] for line in lines[1:]] == [
        f"{exporter.file}:1: interval",
        f"{exporter.file}:3: redis.kept.url",
        f"{exporter.file}:4: nonsense",
    ]
    page = exporter.wait_for(lambda page: page.value(WORKED) == 0, SOON)
    assert page.works("kept")
    assert ours(server) == before


@pytest.mark.parametrize("by_post", [False, True])
def test_a_bad_file_is_told_in_the_log(
    exporter: ExporterProcess, *, by_post: bool
) -> None:
    exporter.write(BAD)
    known = len(exporter.log)

    if by_post:
        assert exporter.post("/-/reload").status == 500
    else:
        hang_up(exporter)
    page = exporter.wait_for(lambda page: page.value(WORKED) == 0, SOON)

    assert page.works("kept")
    lines = exporter.log[known:].splitlines()
    assert ["configuration refused, old kept" in line for line in lines] == [True] * 3


def test_what_a_reload_cannot_change_is_told_in_the_log(
    exporter: ExporterProcess, server: RedisServer
) -> None:
    known = len(exporter.log)
    exporter.write({**config_of(server), "log": "json"})

    assert exporter.post("/-/reload").status == 200

    (told,) = [line for line in exporter.log[known:].splitlines() if "restart" in line]
    assert told.endswith('level=warning event="changed, needs a restart" key=log')


def test_a_reload_is_a_post(exporter: ExporterProcess) -> None:
    answer = exporter.get("/-/reload")

    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


def test_discovery_names_each_target_and_the_process(exporter: ExporterProcess) -> None:
    groups = json.loads(exporter.get("/sd").text)

    assert [group["labels"].get("instance") for group in groups] == ["kept", None]
    assert [group["labels"]["job"] for group in groups] == ["redis", "kpi-exporter"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_although_it_waits_for_a_frozen_server(
    number: signal.Signals, folder: Path
) -> None:
    frozen = RedisServer(folder / f"frozen{number}", password=TOKEN)
    frozen.start()
    frozen.pause()
    try:
        target = {"url": frozen.url, "interval": "30s", "timeout": "30s"}
        config = {"redis": {"frozen": target}}
        with ExporterProcess(folder / f"ending{number}", config) as exporter:
            assert exporter.get("/-/ready").status == 503
            assert exporter.page().up("frozen") == 0
            assert exporter.connections(frozen.port) == 1
            seconds = exporter.stop(number)
    finally:
        frozen.stop()

    assert seconds < 2
    assert "Traceback" not in exporter.log


SILENT_NAME_SERVER = """
import socket, time

def getaddrinfo(host, *arguments, _real=socket.getaddrinfo, **options):
    if host.endswith(".example"):
        time.sleep(60)
    return _real(host, *arguments, **options)

socket.getaddrinfo = getaddrinfo
"""


def test_names_that_never_resolve_hold_up_neither_the_others_nor_the_end(
    folder: Path, server: RedisServer
) -> None:
    """As many as would occupy all threads of Python's usual pool."""
    (folder / "sitecustomize.py").write_text(SILENT_NAME_SERVER)
    far = {f"far{n}": {"url": f"redis://n{n}.example", **TIMES} for n in range(40)}
    near = {"url": server.url.replace("127.0.0.1", "localhost"), **TIMES}
    environment = {"PYTHONPATH": str(folder)}
    exporter = ExporterProcess(
        folder / "far", {"redis": {**far, "near": near}}, environment=environment
    )
    with exporter:
        page = exporter.wait_for(lambda page: page.works("near"), SOON)
        page = exporter.wait_for(lambda page: page.failures("far39"), SOON)
        assert set(page.failures("far0")) == {"timeout"}
        seconds = exporter.stop()

    assert seconds < 2
    assert "Traceback" not in exporter.log
