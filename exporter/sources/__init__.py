"""One module per kind of system, and the only place where a driver is imported."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exporter.config import Target
    from exporter.sources.base import Source


def source_of(target: Target) -> Source[Any]:
    """Make the source of a target; its driver is imported now, not earlier."""
    module = import_module(f"exporter.sources.{target.kind}")
    source: Source[Any] = module.SOURCE(target)
    return source
