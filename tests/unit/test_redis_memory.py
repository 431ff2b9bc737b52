"""The collector `memory`: what uses it, and what limits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.redis_memory import Rows, samples
from exporter.sources.redis_cgroup import memory_limit
from tests.unit.sampled import values

if TYPE_CHECKING:
    from pathlib import Path

STATS = {
    "peak.allocated": 1085320,
    "total.allocated": 1_000_000,
    "startup.allocated": 876_064,
    "clients.normal": 10_000,
    "aof.buffer": 0,
    "db.0": [b"overhead.hashtable.main", 72, b"overhead.hashtable.expires", 8],
    "db.3": [b"overhead.hashtable.main", 20],
    "db.dict.rehashing.count": 0,
    "keys.bytes-per-key": 500,
    "dataset.bytes": 113_836,
}
LIMIT = "redis_memory_limit_bytes"


def test_the_areas_are_all_that_is_allocated() -> None:
    found = values(samples(Rows({}, STATS, None), None))
    areas = found["redis_memory_area_bytes"]
    assert areas[("dataset",)] == 113_836
    assert areas[("key_tables",)] == 100
    assert areas[("other",)] == 0
    assert sum(areas.values()) == STATS["total.allocated"]
    assert found["redis_db_overhead_bytes"] == {("db0",): 80, ("db3",): 20}
    assert found["redis_key_mean_bytes"] == {(): 500}


@pytest.mark.parametrize(
    ("name", "area"),
    [
        ("replica.fullsync.buffer", "replication_buffer"),
        ("script.VMs", "script_engines"),
        ("cluster.slot_import", "cluster_slot_import"),
        ("of.a.version.to.come", "other"),
    ],
)
def test_what_later_versions_count_apart_is_in_no_other_area(
    name: str, area: str
) -> None:
    """Redis 8 and Valkey 9: their overhead has these parts, so the total is larger."""
    stats = STATS | {name: 7000, "total.allocated": 1_007_000}
    areas = values(samples(Rows({}, stats, None), None))["redis_memory_area_bytes"]
    assert areas[(area,)] == 7000
    assert sum(areas.values()) == 1_007_000


@pytest.mark.parametrize(
    ("maxmemory", "host", "cgroup", "expected"),
    [
        ("1000", "8000", 4000, {("maxmemory",): 1000}),
        ("0", "8000", 4000, {("cgroup",): 4000}),
        ("0", "8000", None, {("host",): 8000}),
        ("0", "8000", 9000, {("host",): 8000}),
        (None, "8000", None, {("host",): 8000}),
    ],
)
def test_there_is_always_one_limit(
    maxmemory: str | None,
    host: str,
    cgroup: int | None,
    expected: dict[tuple[str], int],
) -> None:
    fields = {"maxmemory": maxmemory, "total_system_memory": host}
    known = {name: text for name, text in fields.items() if text is not None}
    assert values(samples(Rows(known, {}, cgroup), None))[LIMIT] == expected


def test_no_limit_that_is_known_is_no_limit_of_zero() -> None:
    fields = {"maxmemory": "0", "total_system_memory": "0"}
    assert values(samples(Rows(fields, {}, None), None)) == {}


def process(root: Path, name: str, groups: str) -> None:
    folder = root / "proc/42"
    folder.mkdir(parents=True)
    (folder / "comm").write_text(f"{name}\n")
    (folder / "cgroup").write_text(groups)


def limit(root: Path, file: str, text: str) -> None:
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(text)


def test_the_least_limit_of_a_group_and_those_above_it_counts(tmp_path: Path) -> None:
    process(tmp_path, "redis-server", "0::/pods/cache\n")
    limit(tmp_path, "sys/fs/cgroup/pods/cache/memory.max", "max\n")
    assert memory_limit("42", tmp_path) is None
    limit(tmp_path, "sys/fs/cgroup/pods/memory.max", "4096\n")
    assert memory_limit("42", tmp_path) == 4096
    limit(tmp_path, "sys/fs/cgroup/pods/cache/memory.max", "1024\n")
    assert memory_limit("42", tmp_path) == 1024


def test_a_limit_of_the_first_version_is_read(tmp_path: Path) -> None:
    process(tmp_path, "valkey-server", "4:memory:/cache\n0::/\n")
    file = "sys/fs/cgroup/memory/cache/memory.limit_in_bytes"
    limit(tmp_path, file, "9223372036854771712\n")
    assert memory_limit("42", tmp_path) is None
    limit(tmp_path, file, "2048\n")
    assert memory_limit("42", tmp_path) == 2048


@pytest.mark.parametrize(
    ("group", "file"),
    [
        ("0::/", "memory.max"),
        ("0::/", "unified/memory.max"),
        ("0::/pods/cache", "memory.max"),
        ("3:cpu,memory:/pods/cache", "memory/memory.limit_in_bytes"),
    ],
)
def test_a_limit_at_the_top_counts(tmp_path: Path, group: str, file: str) -> None:
    process(tmp_path, "redis-server", f"{group}\n")
    limit(tmp_path, f"sys/fs/cgroup/{file}", "4096\n")
    assert memory_limit("42", tmp_path) == 4096


def test_another_process_of_that_id_is_not_the_server(tmp_path: Path) -> None:
    process(tmp_path, "bash", "0::/\n")
    limit(tmp_path, "sys/fs/cgroup/memory.max", "1024\n")
    assert memory_limit("42", tmp_path) is None
    assert memory_limit("43", tmp_path) is None
