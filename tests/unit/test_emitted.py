"""A catalogue that reads what nobody gives is refused, with file, line and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.emitted import check, check_shipped
from exporter.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
subject: shop
title: Shop
kpis:
- id: keys
  title: Keys
  question: How many keys are there?
  unit: count
  better: lower
  expr: sum by (job, instance, target) (redis_db_keys{target!=""})
  guard: redis_up{target!=""} > 0
  alerts:
  - {severity: warning, limit: 30, for: 5m}
  burn:
    bad: sum by (job, instance) (rate($requests{$app, $status="500"}[$window]))
    total: sum by (job, instance) (rate($requests{$app}[$window]))
    budget: 1%
    inputs: [{series: '$requests{$labels}', rate: 'v'}]
  evidence:
    title: Databases
    expr: topk by (target) (3, redis_db_keys{target!=""})
    line: '{{ .Labels.db }} has {{ .Value | humanize }}'
    expected: ['db0 has {v}']
  why: They fill it.
  runbook: Delete some.
  panel: {row: "Is there room?"}
  inputs:
  - {series: 'redis_db_keys{target="t", db="db0"}', value: 'v'}
"""


def refused(folder: Path, old: str, new: str) -> list[str]:
    assert GOOD.count(old) == 1
    path = folder / "shop.yaml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        check([path])
    return [problem.removeprefix(f"{path}:") for problem in caught.value.problems]


def test_the_shipped_catalogue_reads_what_is_given() -> None:
    check_shipped()


def test_a_good_file_passes(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(GOOD)

    check([path])


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "(redis_db_keys{",
            "(redis_db_key{",
            (
                "9: kpis.0.expr: nobody gives redis_db_key; there are redis_db_keys, "
                "redis_member_keys, redis_db_keys_cached"
            ),
        ),
        (
            "redis_up{",
            "qqq{",
            "10: kpis.0.guard: nobody gives qqq",
        ),
        (
            "by (job, instance, target) (redis_db",
            "by (job, instance, target, database) (redis_db",
            (
                "9: kpis.0.expr: redis_db_keys has no label database; there are db, "
                "instance, job, target"
            ),
        ),
        (
            "3, redis_db_keys{",
            "3, zzz_keys{",
            "20: kpis.0.evidence.expr: nobody gives zzz_keys",
        ),
        (
            '$status="500"',
            'code="500"',
            (
                "14: kpis.0.burn.bad: http_requests_total has no label code; there are "
                "instance, job, path, status"
            ),
        ),
    ],
)
def test_what_nobody_gives_is_said_with_what_there_is(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert refused(tmp_path, old, new) == [problem]
