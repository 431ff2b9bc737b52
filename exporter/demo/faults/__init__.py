"""Finds the faults: every module beside this file is one, named by its file.

A fault module has a docstring (what it breaks, and which promise), `NEEDS` (the servers
it needs) and `broken(places)`, an asynchronous context manager: the thing is broken as
long as the context is open, and mended when it closes.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from exporter.demo.places import Places

_OF_THE_DEMO = {
    "postgres": "PostgreSQL",
    "redis": "Redis or Valkey",
    "neo4j": "Neo4j",
}


class FaultError(Exception):
    """A fault cannot be injected; the text says why and what there is."""


class Fault(NamedTuple):
    """One fault: its name, what it breaks, the servers it needs, and how."""

    name: str
    breaks: str
    needs: tuple[str, ...]
    broken: Callable[[Places], AbstractAsyncContextManager[None]]


def names() -> tuple[str, ...]:
    """Return all faults' names, without importing them."""
    return tuple(sorted(m.name.replace("_", "-") for m in iter_modules(__path__)))


def load(name: str) -> Fault:
    """Import a fault; raises FaultError for a name that is none."""
    if name not in names():
        raise FaultError(f"there is no fault {name!r}; there are {', '.join(names())}")
    module = import_module(f"{__name__}.{name.replace('-', '_')}")
    breaks = " ".join(str(module.__doc__).split())
    return Fault(name, breaks, module.NEEDS, module.broken)


def require(fault: Fault, places: Places) -> None:
    """Check that what the fault breaks is there; raises FaultError."""
    absent = [name for name in fault.needs if name not in places.present()]
    if absent:
        missing = " and ".join(_OF_THE_DEMO[name] for name in absent)
        raise FaultError(
            f"the fault {fault.name} needs {missing}, which this demo runs without"
        )
