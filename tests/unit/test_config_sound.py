"""Mistakes of every kind in one file are said in one run, and none follows another."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from exporter.cli import main
from tests.unit.test_config_load import problems

if TYPE_CHECKING:
    from pathlib import Path

ALL_KINDS = """\
interval: 20s
interval: 30s
postgres:
  orders:
    dsn: "postgresql://m@127.0.0.1:99999/orders"
    password_fil: /x
    queries:
      - name: jobs
        sql: "select 1; select 2"
        metrics: {waiting_ms: {help: Jobs.}}
        labels: [job]
redis:
  cache: {url: !env CACHE}
  "bad name": {url: "redis://x", collectors: {nope: {}}, timeout: 31s}
links: {external_url: "kpi.example"}
applications:
  shop: {selector: 'job="shop"', targets: [nowhere]}
kpis:
  cpu_use: {warning: 75%}
  cpu_used: {warning: 99%, critical: 80%}
  db_query_p95: {warning: 1.5, targets: {elsewhere: {warning: 1s}}}
"""
PLACES = [
    "2: interval: given twice",
    "5: postgres.orders.dsn: the port",
    "6: postgres.orders.password_fil: unknown key",
    "9: postgres.orders.queries.0.sql: give one query",
    "10: postgres.orders.queries.0.metrics.waiting_ms: ",
    "11: postgres.orders.queries.0.labels: 'job' cannot be a label",
    "13: redis.cache.url: not a plain value: 'CACHE'",
    "14: redis.bad name.collectors.nope: unknown collector",
    "14: redis.bad name.timeout: must not be longer",
    "14: redis.bad name: a target's name is",
    "15: links.external_url: a URL is",
    "17: applications.shop.targets.0: no target 'nowhere'",
    "19: kpis.cpu_use: no KPI 'cpu_use'; did you mean cpu_used?",
    "20: kpis.cpu_used: critical (0.8) is milder than warning (0.99)",
    "21: kpis.db_query_p95.targets.elsewhere: nothing is named so",
    "21: kpis.db_query_p95.warning: 1.5 is no limit in seconds",
]


@pytest.mark.parametrize("words", [["serve"], ["check"], ["render", "--out", "out"]])
def test_mistakes_of_every_kind_are_said_in_one_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(ALL_KINDS)

    status = main([*words, "--config", str(file)], io.StringIO())

    lines = capsys.readouterr().err.splitlines()
    expected = [f"{file}:{place}" for place in PLACES]
    cut = [line[: len(text)] for line, text in zip(lines, expected, strict=True)]
    assert (cut, status) == (expected, 2)


@pytest.mark.parametrize(
    ("text", "only"),
    [
        ("redis: {a: {}}\nkpis: {redis_busy: {targets: {a: {warning: 5%}}}}", "1: re"),
        ("profile: x\nkpis: {cpu_used: {warning: 99%}}", "1: profile"),
        ("kpis: {cpu_used: {fatal: 1%}}", "1: kpis.cpu_used.fatal: unknown key"),
        ("kpis: {cpu_used: 5%}", "1: kpis.cpu_used: "),
        ("kpis: [cpu_used]", "1: kpis: "),
        (
            (
                "applications: {shop: {targets: []}}\n"
                "kpis: {error_rate: {targets: {shop: {warning: 2%}}}}"
            ),
            "1: applications.shop.selector: is needed",
        ),
        ("redis: {a: {url: 'redis://x', timeout: !x 5s}}", "1: redis.a.timeout: not a"),
        ("kpis: {cpu_used: {warning: !x 75%}}", "1: kpis.cpu_used.warning: not a"),
    ],
)
def test_what_only_follows_from_a_mistake_is_not_said(
    tmp_path: Path, text: str, only: str
) -> None:
    (found,) = problems(tmp_path, text)

    assert found.startswith(only)


def test_an_unknown_kpi_is_named_although_its_limits_are_none(tmp_path: Path) -> None:
    found = problems(tmp_path, "kpis:\n  nope: 5\n  nap:\n    fatal: 1\n")

    assert [line.partition("; ")[0] for line in found] == [
        "2: kpis.nope: keys and values are wanted",
        "2: kpis.nope: no KPI 'nope'",
        "3: kpis.nap: no KPI 'nap'",
        "4: kpis.nap.fatal: unknown key",
    ]


def test_a_target_whose_own_limits_are_in_disorder_is_named(tmp_path: Path) -> None:
    text = "kpis:\n  cpu_used:\n    targets:\n      local: {critical: 50%}\n"

    assert problems(tmp_path, f"host: {{local: }}\n{text}") == [
        "5: kpis.cpu_used.targets.local: critical (0.5) is milder than warning (0.7)"
    ]
