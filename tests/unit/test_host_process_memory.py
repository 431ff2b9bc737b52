"""Memory of process groups, with what is shared divided among those who share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.host_process_memory import Shares, samples
from exporter.config_host import HostSettings
from exporter.sources.host_processes import ProcessTable
from exporter.sources.host_shares import Share, shares
from tests.unit.host_tree import Fake, ProcTree
from tests.unit.sampled import values

if TYPE_CHECKING:
    from pathlib import Path

ROLLUP = """\
5581a3f1e000-7ffd5a1d9000 ---p 00000000 00:00 0                          [rollup]
Rss:               13256 kB
Pss:                4870 kB
Pss_Dirty:          2640 kB
SwapPss:              12 kB
"""


@pytest.fixture
def tree(tmp_path: Path) -> ProcTree:
    return ProcTree(tmp_path)


def read(tree: ProcTree, seconds: float) -> list[Share]:
    table = ProcessTable(str(tree.folder), HostSettings().process_groups)
    return shares(str(tree.folder), table.read().found, seconds)


def test_shares_are_bytes_of_memory_and_of_swap(tree: ProcTree) -> None:
    tree.put(7, Fake("python"))
    (tree.folder / "7" / "smaps_rollup").write_text(ROLLUP)
    assert read(tree, 10) == [Share("python", 4870 * 1024, 12 * 1024)]


def test_a_process_that_ended_takes_nothing(tree: ProcTree) -> None:
    tree.put(7, Fake("python"))
    found = ProcessTable(str(tree.folder), HostSettings().process_groups).read().found
    tree.end(7)
    assert shares(str(tree.folder), found, 10) == [Share("python", 0, 0)]


def test_a_kernel_that_does_not_divide_memory_up_says_nothing_of_it(
    tree: ProcTree,
) -> None:
    tree.put(7, Fake("python"))
    assert read(tree, 10) == [Share("python", None, None)]


def test_when_the_time_is_over_no_process_is_read(tree: ProcTree) -> None:
    tree.put(7, Fake("python"))
    (tree.folder / "7" / "smaps_rollup").write_text(ROLLUP)
    assert read(tree, 0) == [Share("python", None, None)]


def test_a_group_has_the_sum_or_nothing() -> None:
    found = [
        *(Share("python", 1000, 1), Share("python", 500, 2)),
        *(Share("java", 1000, 1), Share("java", None, None)),
    ]
    rows = Shares(("python", "java", "redis"), found)
    assert values(samples(rows, None)) == {
        "node_process_group_proportional_memory_bytes": {
            ("python",): 1500,
            ("redis",): 0,
        },
        "node_process_group_proportional_swap_bytes": {("python",): 3, ("redis",): 0},
    }
