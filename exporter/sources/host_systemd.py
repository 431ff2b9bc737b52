"""Asks systemd over its own socket, or over the system's bus, for its units."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from exporter.errors import Reason, SourceError
from exporter.sources.host_dbus import Bus, Call, Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.sources.host_dbus import Reply

_RUNS = "run/systemd/system"  # is there exactly when systemd runs the machine
_OWN = "run/systemd/private"  # for root alone, and without a bus between
_BUS = "run/dbus/system_bus_socket"
_TIMEOUT = 5.0
_SYSTEMD = "org.freedesktop.systemd1"
_UNITS = Call(_SYSTEMD, "/org/freedesktop/systemd1", f"{_SYSTEMD}.Manager", "ListUnits")
_HELLO = Call(
    *("org.freedesktop.DBus", "/org/freedesktop/DBus"), "org.freedesktop.DBus", "Hello"
)
_LOADED = "loaded"
_SERVICE = ".service"


class Unit(NamedTuple):
    """A unit that is loaded; `type` and `restarts` are those of services."""

    name: str
    state: str
    type: str = ""
    restarts: int | None = None


class _Listed(NamedTuple):
    name: str
    load: str
    state: str
    path: str


def units(root: str) -> list[Unit] | None:
    """Return the loaded units, or None where systemd does not run.

    Raises OSError where systemd cannot be reached, SourceError where it refuses.
    """
    if not os.path.isdir(f"{root}/{_RUNS}"):  # noqa: PTH112 - root is text
        return None
    with _bus(root) as bus:
        listed = [one for one in _list(bus.ask(_UNITS)[0]) if one.load == _LOADED]
        services = [one for one in listed if one.name.endswith(_SERVICE)]
        answers = bus.ask(
            *(_get(one, "Type") for one in services),
            *(_get(one, "NRestarts") for one in services),
        )
    half = len(services)
    known = {
        one.name: (_text(kind), _number(restarts))
        for one, kind, restarts in zip(
            services, answers[:half], answers[half:], strict=True
        )
    }
    return [
        Unit(one.name, one.state, *known.get(one.name, ("", None))) for one in listed
    ]


@contextmanager
def _bus(root: str) -> Iterator[Bus]:
    own = f"{root}/{_OWN}"
    if os.access(own, os.R_OK | os.W_OK):
        with Bus(own, _TIMEOUT) as bus:
            yield bus
        return
    with Bus(f"{root}/{_BUS}", _TIMEOUT) as bus:
        bus.ask(_HELLO)
        yield bus


def _list(reply: Reply) -> list[_Listed]:
    if reply.error:
        denied = reply.error.endswith("AccessDenied")
        reason = Reason.PERMISSION if denied else Reason.QUERY
        why = f"systemd does not list its units: {reply.error}"
        raise SourceError(reason, why, answered=True)
    reader = Reader(reply.body)
    found = []
    for _ in reader.array(8):
        name, _, load, state, _, _, path = (reader.string() for _ in range(7))
        reader.word(), reader.string(), reader.string()  # of a job, if there is one
        found.append(_Listed(name, load, state, path))
    return found


def _get(unit: _Listed, name: str) -> Call:
    properties = "org.freedesktop.DBus.Properties"
    return Call(_SYSTEMD, unit.path, properties, "Get", (f"{_SYSTEMD}.Service", name))


def _text(reply: Reply) -> str:
    reader = Reader(reply.body)
    return "" if reply.error or reader.signature() != "s" else reader.string()


def _number(reply: Reply) -> int | None:
    reader = Reader(reply.body)
    return None if reply.error or reader.signature() != "u" else reader.word()
