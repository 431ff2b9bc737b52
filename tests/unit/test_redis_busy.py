"""The KPI `redis_busy`: what runs within scripts and transactions is no time twice."""

from __future__ import annotations

import pytest

from exporter.catalogue.loader import catalogue
from exporter.check_page import lines
from exporter.report.evaluate import Looks, evaluate
from exporter.report.pages import read

SPENT = "redis_commands_duration_seconds_total"
LABELS = 'job="j",instance="i",target="t"'


@pytest.mark.parametrize(
    ("spent", "busy"),
    [
        ({"get": 4, "keys": 2}, 0.6),
        ({"get": 1, "evalsha": 5, "lrange": 3}, 0.5),
        ({"get": 3, "eval_ro": 1, "lrange": 1, "exec": 1, "fcall": 0.5}, 0.4),
    ],
)
def test_what_a_script_or_transaction_runs_is_counted_once(
    spent: dict[str, float], busy: float
) -> None:
    texts = {f'{SPENT}{{{LABELS},cmd="{cmd}"}}': spent[cmd] for cmd in spent}
    now = "".join(f"{series} {value}\n" for series, value in texts.items())
    before = "".join(f"{series} 0\n" for series in texts)
    looks = Looks(read(lines(now)), read(lines(before)), {"t": 10.0})
    (kpi,) = (k for s in catalogue() for k in s.kpis if k.id == "redis_busy")
    ((_, value),) = evaluate(kpi.expr, looks)
    assert value == pytest.approx(busy)
