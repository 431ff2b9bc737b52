"""Reports from a real Prometheus with a day of history that was written for it."""

from __future__ import annotations

import json
import re
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.exporter_process import TOKEN, open_folder, run
from tests.integration.test_e2e_prometheus import Prometheus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DAY = 1440  # minutes
BUSY = range(600, 620)  # minutes in which the CPU is at 90 %
HOSTILE = '</title><script>alert(1)</script>|`*_[x](javascript:y)\\"'
MACHINE = 'job="kpi",instance="i",target="machine"'
ORDERS = f'job="kpi",instance="i",target="orders",datname="{HOSTILE}"'
SHOP = 'job="shop",instance="s"'
Series = dict[str, "Callable[[int], float]"]


def counter(each_second: Callable[[int], float]) -> Callable[[int], float]:
    """Add up what happens each second, minute by minute."""
    sums = [0.0]
    for minute in range(DAY + 1):
        sums.append(sums[-1] + 60 * each_second(minute))
    return lambda minute: sums[minute]


def buckets(name: str, labels: str, *shares: tuple[str, float]) -> Series:
    """Make a histogram's buckets, by their share of ten events a second."""
    return {
        f'{name}_bucket{{{labels},le="{bound}"}}': counter(steady(10 * share))
        for bound, share in shares
    }


def steady(value: float) -> Callable[[int], float]:
    return lambda _: value


def history() -> Series:
    """Return the value of each series by the minute."""
    return {
        f"node_capacity_memory_used_bytes{{{MACHINE}}}": lambda m: 400 + 300 * m / DAY,
        f"node_capacity_memory_bytes{{{MACHINE}}}": lambda _: 1000,
        f"node_capacity_cpus{{{MACHINE}}}": lambda _: 2,
        f"node_capacity_cpu_seconds_total{{{MACHINE}}}": counter(
            lambda m: 1.8 if m in BUSY else 0.4
        ),
        f'node_process_group_cpu_seconds_total{{{MACHINE},group="python"}}': counter(
            lambda m: 1.5 if m in BUSY else 0.1
        ),
        f'http_requests_total{{{SHOP},status="200"}}': counter(steady(99.95)),
        f'http_requests_total{{{SHOP},status="500"}}': counter(steady(0.05)),
        f"http_request_duration_seconds_count{{{SHOP}}}": counter(steady(10)),
        **buckets(
            "http_request_duration_seconds",
            SHOP,
            *(("0.1", 0.5), ("0.2", 0.98), ("+Inf", 1.0)),
        ),
        **statements(),
    }


def statements() -> Series:
    """Make an estimate beyond its limit, of which nothing is certain."""
    slower = "pg_statements_slower_total"
    return {
        f"pg_statement_duration_seconds_count{{{ORDERS}}}": counter(steady(10)),
        **buckets(
            "pg_statement_duration_seconds",
            ORDERS,
            *(("0.05", 0.5), ("0.1", 0.9), ("0.5", 1.0), ("+Inf", 1.0)),
        ),
        f'{slower}{{{ORDERS},threshold="0.1",bound="least"}}': counter(steady(0)),
        f'{slower}{{{ORDERS},threshold="0.1",bound="most"}}': counter(steady(3)),
    }


def written(folder: Path) -> None:
    """Write the history into a folder for a Prometheus."""
    begin = int(time.time()) - 60 * DAY
    lines = [
        f"{name} {value(minute)} {begin + 60 * minute}"
        for name, value in history().items()
        for minute in range(DAY + 1)
    ]
    source = folder / "history.om"
    source.write_text("\n".join([*lines, "# EOF", ""]))
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", source, "data"],
        cwd=folder,
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    with open_folder() as folder:
        server = Prometheus(folder / "prometheus", {"job_name": "nothing"})
        written(server.folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def report(prometheus: Prometheus, *more: str) -> subprocess.CompletedProcess[str]:
    url = f"http://anna:{TOKEN}@127.0.0.1:{prometheus.port}"
    return run("report", "--prometheus", url, *more)


@pytest.fixture(scope="module")
def found(prometheus: Prometheus) -> dict[str, Any]:
    done = report(prometheus, "--format", "json")
    assert done.returncode == 1, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return {**told, "kpis": {each["kpi"]: each for each in told["kpis"]}}


def row_of(found: dict[str, Any], kpi: str) -> dict[str, Any]:
    (row,) = found["kpis"][kpi]["rows"]
    told: dict[str, Any] = row
    return told


def test_what_was_beyond_its_limit_in_the_night_is_broken_and_over(
    found: dict[str, Any],
) -> None:
    cpu, row = found["kpis"]["cpu_used"], row_of(found, "cpu_used")

    assert (cpu["verdict"], cpu["severity"]) == ("broken", "warning")
    assert not row["current"]
    assert 10 <= row["beyond_seconds"] / 60 <= 24
    assert row["worst"] == pytest.approx(0.9, abs=0.01)
    assert row["value"] == pytest.approx(0.2, abs=0.01)


def test_a_cause_is_that_of_the_time_when_it_was_broken(found: dict[str, Any]) -> None:
    assert found["kpis"]["cpu_used"]["causes"] == [
        "python uses 1.5 cores",
        "everything else uses 300m cores",
    ]


def test_a_rise_has_its_trend_and_the_time_until_its_limit(
    found: dict[str, Any],
) -> None:
    row = row_of(found, "memory_used")

    assert row["verdict"] == "kept"
    assert row["change"] == pytest.approx(0.3, abs=0.01)
    assert row["reaches_limit_in_seconds"] == pytest.approx(8 * 3600, rel=0.05)


def test_a_latency_has_the_percentiles_of_the_period(found: dict[str, Any]) -> None:
    quantiles = row_of(found, "api_latency_p95")["quantiles"]

    assert quantiles == pytest.approx(
        {"p50": 0.1, "p95": 0.1 + 0.1 * 45 / 48, "p99": 0.2}, rel=0.01
    )


def test_half_of_the_errors_that_a_month_allows_leave_half(
    found: dict[str, Any],
) -> None:
    row = row_of(found, "error_rate")

    assert row["verdict"] == "kept"
    assert row["budget_left"] == pytest.approx(0.5, abs=0.02)


def test_an_estimate_that_is_not_certain_is_undecidable(found: dict[str, Any]) -> None:
    assert found["kpis"]["db_query_p95"]["verdict"] == "undecidable"


def test_what_nobody_measures_has_no_data_and_says_why(found: dict[str, Any]) -> None:
    redis = found["kpis"]["redis_memory_used"]

    assert redis["verdict"] == "no data"
    assert redis["why"] == "no target is a redis"
    assert redis["rows"] == []


@pytest.mark.parametrize("format_", ["text", "md", "html"])
def test_every_format_names_what_is_broken(
    format_: str, prometheus: Prometheus
) -> None:
    done = report(prometheus, "--format", format_)

    assert done.returncode == 1
    assert "1 promise is broken" in done.stdout
    assert "CPU in use" in done.stdout


def test_a_hostile_label_is_no_markup(prometheus: Prometheus) -> None:
    html, markdown = (
        report(prometheus, "--format", name).stdout for name in ("html", "md")
    )

    assert "&lt;script&gt;alert(1)" in html
    assert "<script" not in html
    assert html.count("</title>") == 1
    assert "\\<script\\>alert\\(1\\)" in markdown
    assert not re.search(r"(?<!\\)[<`*]script|\]\(javascript", markdown)


def test_a_shorter_period_does_not_know_the_night(prometheus: Prometheus) -> None:
    done = report(prometheus, "--since", "2h")

    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("No promise is broken")


def test_another_profile_has_other_promises(
    prometheus: Prometheus, tmp_path: Path
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("profile: mcp-v2\n")

    done = report(prometheus, "--config", str(file), "--since", "2h")

    assert done.returncode == 1
    assert "API latency, 95th percentile" in done.stdout.partition("UNDECIDABLE")[0]
