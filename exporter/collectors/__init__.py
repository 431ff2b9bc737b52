"""Finds the collectors: every `<source>_<subject>.py` beside this file is one."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.collector import AnyCollector, SourceKind


def names(kind: SourceKind) -> tuple[str, ...]:
    """Return the collectors' names of a source, without importing a driver."""
    prefix = f"{kind}_"
    found = (module.name for module in iter_modules(__path__))
    return tuple(sorted(n.removeprefix(prefix) for n in found if n.startswith(prefix)))


def load(kind: SourceKind) -> tuple[AnyCollector, ...]:
    """Import the collectors of a source."""
    return tuple(
        import_module(f"{__name__}.{kind}_{name}").COLLECTOR for name in names(kind)
    )
