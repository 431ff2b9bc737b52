"""Whether a target's address can be used, by the rules of its driver."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.collector import SourceKind


def check(kind: SourceKind, address: str) -> None:
    """Refuse an address that its driver could not use; nothing is connected.

    Raises ValueError with what to mend, in words that hold no part of the address.
    """
    import_module(f"exporter.sources.{kind}_address").parse(address)
