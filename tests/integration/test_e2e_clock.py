"""End to end: the wall clock of a running process is set back and forth."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.demo.servers.process import ServerError
from exporter.demo.servers.redis import RedisServer
from tests.integration.exporter_process import ExporterProcess, Page, open_folder
from tests.integration.verdicts import (
    HOST,
    RECOVERY,
    SOON,
    TIMES,
    healthy,
    latest,
    targets,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR = 3600.0
LAST = "kpi_exporter_collector_last_success_timestamp_seconds"
POLLS = "kpi_exporter_collector_polls_total"


class Clock:
    """The wall clock of one process, as libfaketime shows it."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "offset"
        self.set(0.0)

    def set(self, offset: float) -> None:
        """Put it so many seconds before (-) or after the true time, at once."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset:+.0f}")
        new.rename(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to see this clock; its monotonic one stays true."""
        return {
            "LD_PRELOAD": library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",  # seconds until a new offset is noticed
            "NO_FAKE_STAT": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


def library() -> str:
    """Return libfaketime; raises ServerError when it is not installed."""
    places = (Path("/usr/lib"), Path("/usr/local/lib"))
    names = ("*/faketime/libfaketimeMT.so.1", "faketime/libfaketimeMT.so.1")
    found = [path for place in places for name in names for path in place.glob(name)]
    if not found:
        raise ServerError("no libfaketime is installed; Debian: apt install faketime")
    return str(found[0])


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


@pytest.fixture
def exporter(clock: Clock) -> Iterator[ExporterProcess]:
    with open_folder() as folder:
        server = RedisServer(folder / "redis")
        server.start()
        config = {"redis": {"cache": {"url": server.url, **TIMES}}, "host": HOST}
        with ExporterProcess(
            folder / "exporter", config, environment=clock.environment
        ) as process:
            yield process
        server.stop()


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_polls_go_on_after_a_jump_of_the_clock(
    jump: float, exporter: ExporterProcess, clock: Clock
) -> None:
    before = healthy(exporter)
    assert abs(latest(before, "cache") - time.time()) < SOON

    clock.set(jump)
    jumped = exporter.wait_for(lambda _: "clock jumped" in exporter.log, SOON)
    after = exporter.wait_for(
        lambda page: all(
            page.works(target) and polls(page, target) >= polls(jumped, target) + 3
            for target in targets(page)
        ),
        RECOVERY,
    )

    last = after.value(LAST, target="cache", collector="info") or 0
    assert abs(last - time.time() - jump) < SOON
    assert exporter.get("/-/ready").status == 200


def polls(page: Page, target: str) -> float:
    """Return how often those of a target's collectors were polled that always are."""
    return max(value for _, value in page.samples(POLLS, target=target))
