"""The machine itself as a source, or a tree that looks like it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from exporter import collectors
from exporter.collector import SourceKind
from exporter.config import HostTarget
from exporter.sources.host import HostSource
from tests.unit.host_tree import ProcTree
from tests.unit.sampled import values

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

COLLECTORS = {found.name: found for found in collectors.load(SourceKind.HOST)}


@contextlib.asynccontextmanager
async def reading(**settings: object) -> AsyncIterator[HostSource]:
    """Open a source and surely close it."""
    source = HostSource(HostTarget.model_validate(settings))
    try:
        yield source
    finally:
        await source.close()


async def poll(source: HostSource, name: str, state: Any) -> dict[str, Any]:
    """Run a collector once and return its values by name and labels."""
    collector = COLLECTORS[name]
    await source.connect(5)
    rows = await source.run(collector.read, 5)
    return values(collector.samples(rows, state))


@pytest.fixture
def proc_tree(tmp_path: Path) -> ProcTree:
    (tmp_path / "proc").mkdir()
    return ProcTree(tmp_path / "proc")


def at(source: HostSource, tree: ProcTree) -> HostSource:
    """Let a source read a tree instead of the machine."""
    source.proc = str(tree.folder)
    source.root = str(tree.folder.parent)
    source.sys = f"{source.root}/sys"
    return source
