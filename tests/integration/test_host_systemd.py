"""Asking systemd over D-Bus: a real bus, and a stand-in for systemd itself."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from exporter.demo.servers.process import Process, ServerError
from exporter.errors import Reason, SourceError
from exporter.sources.host_dbus import Bus, Call, Reader
from exporter.sources.host_systemd import Unit, units
from tests.integration.exporter_process import open_folder
from tests.integration.host_fixtures import COLLECTORS, poll, reading
from tests.unit.host_bus import Fake, Systemd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUS = "org.freedesktop.DBus"
LISTED = [
    Fake("ssh.service", "active", type="notify", restarts=2),
    Fake("gone.service", "inactive", load="not-found"),
    Fake("backup.timer", "failed"),
    Fake("home.mount", "active"),
]


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder whose name is short enough for the address of a socket."""
    with open_folder() as folder:
        yield folder


@pytest.fixture
def bus(root: Path) -> Iterator[str]:
    program = shutil.which("dbus-daemon")
    if program is None:
        raise ServerError("dbus-daemon is missing; install the package dbus-daemon")
    path = root / "run/dbus/system_bus_socket"
    path.parent.mkdir(parents=True)
    command = [program, "--session", "--nofork", f"--address=unix:path={path}"]
    process = Process(command, root / "bus.log", as_ourselves=True)
    try:
        process.wait_until(path.exists, 10)
        yield str(path)
    finally:
        process.stop()


def of_bus(member: str, *arguments: str) -> Call:
    return Call(BUS, "/org/freedesktop/DBus", BUS, member, arguments)


def test_a_real_bus_answers_each_call_in_turn(bus: str) -> None:
    with Bus(bus, 5) as caller:
        hello, owned, missing, names = caller.ask(
            of_bus("Hello"),
            of_bus("NameHasOwner", BUS),
            Call("org.nobody", "/", "org.nobody", "Anything"),
            of_bus("ListNames"),
        )
    own = Reader(hello.body).string()
    assert own.startswith(":")
    assert Reader(owned.body).word() == 1
    assert missing.error == f"{BUS}.Error.ServiceUnknown"
    reader = Reader(names.body)
    assert {reader.string() for _ in reader.array(4)} == {BUS, own}


def test_a_bus_without_systemd_is_said_to_be_one(root: Path, bus: str) -> None:
    assert bus
    (root / "run/systemd/system").mkdir(parents=True)
    with pytest.raises(SourceError) as caught:
        units(str(root))
    assert (caught.value.reason, caught.value.answered) == (Reason.QUERY, True)
    assert f"does not list its units: {BUS}.Error." in str(caught.value)


def test_loaded_units_are_listed_and_services_with_their_restarts(root: Path) -> None:
    with Systemd(root, LISTED):
        assert units(str(root)) == [
            Unit("ssh.service", "active", "notify", 2),
            Unit("backup.timer", "failed"),
            Unit("home.mount", "active"),
        ]


async def test_the_collector_shows_what_systemd_says(root: Path) -> None:
    with Systemd(root, LISTED):
        async with reading(rootfs=str(root)) as source:
            shown = await poll(source, "systemd", None)
    assert shown["node_systemd_service_restart_total"] == {("ssh.service",): 2}
    assert shown["node_systemd_unit_state"]["backup.timer", "failed", ""] == 1


def test_a_refusal_is_a_matter_of_permission(root: Path) -> None:
    with (
        Systemd(root, [], error=f"{BUS}.Error.AccessDenied"),
        pytest.raises(SourceError) as caught,
    ):
        units(str(root))
    assert caught.value.reason is Reason.PERMISSION


async def test_a_systemd_that_never_answers_costs_the_deadline(root: Path) -> None:
    with Systemd(root, [], silent=True):
        async with reading(rootfs=str(root)) as source:
            with pytest.raises(SourceError) as caught:
                await source.run(COLLECTORS["systemd"].read, 0.3)
    assert caught.value.reason is Reason.TIMEOUT


def test_a_machine_without_systemd_has_no_units(root: Path) -> None:
    assert units(str(root)) is None
