"""Settings in base units, under the names that the peer gives them."""

from __future__ import annotations

import pytest

from exporter.collectors.postgres_settings import COLLECTOR, Setting, samples
from tests.source import ROOT
from tests.unit.sampled import values


def shown(*rows: Setting) -> dict[str, float]:
    return {name: family[()] for name, family in values(samples([*rows], None)).items()}


@pytest.mark.parametrize(
    ("setting", "name", "value"),
    [
        (Setting("max_connections", None, "100"), "max_connections", 100),
        (Setting("fsync", None, "on"), "fsync", 1),
        (Setting("jit", None, "off"), "jit", 0),
        (Setting("random_page_cost", None, "1.1"), "random_page_cost", 1.1),
        (Setting("shared_buffers", "8kB", "16384"), "shared_buffers_bytes", 2**27),
        (Setting("max_wal_size", "MB", "1024"), "max_wal_size_bytes", 2**30),
        (Setting("wal_segment_size", "B", "16777216"), "wal_segment_size_bytes", 2**24),
        (Setting("lock_timeout", "ms", "1500"), "lock_timeout_seconds", 1.5),
        (Setting("autovacuum_naptime", "s", "60"), "autovacuum_naptime_seconds", 60),
        (
            Setting("old_snapshot_threshold", "min", "5"),
            "old_snapshot_threshold_seconds",
            300,
        ),
        (Setting("log_temp_files", "kB", "-1"), "log_temp_files_bytes", -1),
        (
            Setting("pg_stat_statements.max", None, "5000"),
            "pg_stat_statements_max",
            5000,
        ),
    ],
)
def test_a_setting_is_shown_in_base_units(
    setting: Setting, name: str, value: float
) -> None:
    assert shown(setting) == {f"pg_settings_{name}": value}


def test_a_setting_that_lost_its_unit_is_left_out() -> None:
    assert shown(
        Setting("shared_buffers", None, "128"), Setting("jit", None, "on")
    ) == {"pg_settings_jit": 1}


def test_every_setting_that_the_peers_mixin_needs_is_declared() -> None:
    needs = (ROOT / "tests/data/peer-needs.tsv").read_text().split()
    wanted = {name for name in needs if name.startswith("pg_settings_")}
    assert wanted - {metric.name for metric in COLLECTOR.metrics} == set()
