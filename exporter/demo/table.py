"""Makes the demo's table of targets and collectors out of two readings of the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from rich.table import Table
from rich.text import Text

from exporter.demo import headlines

if TYPE_CHECKING:
    from exporter.demo.page import Change

_SUCCESS = "kpi_exporter_collector_success"
_LAST = "kpi_exporter_collector_last_success_timestamp_seconds"
_FAILURES = "kpi_exporter_collector_failures_total"
_INFO = "kpi_exporter_target_info"
EXPORTER_NAMES = headlines.NAMES | {_SUCCESS, _LAST, _FAILURES, _INFO}

_ORDER = ("postgres", "neo4j", "redis", "host")
_REQUESTS = "http_requests_total"
_DURATION = "http_request_duration_seconds"
_HITS, _MISSES = "cache_hit_total", "cache_miss_total"
APPLICATION_NAMES = frozenset({_REQUESTS, f"{_DURATION}_bucket", _HITS, _MISSES})


class Row(NamedTuple):
    """One collector of one target; `age` in seconds, None before a success."""

    target: str
    collector: str
    state: str
    age: float | None
    text: str


def rows(page: Change, clock: float) -> list[Row]:
    """Return the exporter's collectors, `clock` being the time of day in seconds."""
    sources = {
        found.labels["target"]: found.labels["source"] for found in page.now.each(_INFO)
    }
    found_rows = []
    for found in page.now.each(_SUCCESS):
        target, collector = found.labels["target"], found.labels["collector"]
        last = page.now.total(_LAST, target=target, collector=collector)
        text = headlines.headline(sources.get(target, ""), collector, page, target)
        state = "ok" if found.value else _reason(page, target, collector)
        age = max(0.0, clock - last) if last else None
        found_rows.append(Row(target, collector, state, age, text))
    return sorted(
        found_rows, key=lambda row: (_place(sources.get(row.target)), *row[:2])
    )


def _place(source: str | None) -> int:
    return _ORDER.index(source) if source in _ORDER else len(_ORDER)


def _reason(page: Change, target: str, collector: str) -> str:
    """Return why a collector fails: the reason that was counted last."""
    counted = page.by(_FAILURES, "reason", target=target, collector=collector)
    ever = {
        found.labels["reason"]: found.value
        for found in page.now.each(_FAILURES, target=target, collector=collector)
        if found.value
    }
    known = counted or ever
    return max(known, key=lambda reason: known[reason]) if known else "waiting"


def application_row(page: Change) -> Row:
    """Return the sample application's rate, latency and errors."""
    every = page.of(_REQUESTS)
    errors = sum(
        growth
        for status, growth in page.by(_REQUESTS, "status").items()
        if status.startswith("5")
    )
    hits, misses = page.of(_HITS), page.of(_MISSES)
    found = None if hits is None or misses is None else hits + misses
    p95 = page.quantile(0.95, _DURATION)
    parts = [
        headlines.rate(page.per_second(_REQUESTS), "requests"),
        f"p95 within {headlines.milliseconds(p95)}",
        f"errors {headlines.percent(page.share(errors, every))}",
        f"cache hits {headlines.percent(page.share(hits, found))}",
    ]
    text = " · ".join(part for part in parts if part)
    return Row("application", "", "ok", None, text)


def table(title: str, found: list[Row]) -> Table:
    """Draw the rows for a terminal."""
    drawn = Table(title=title, title_justify="left", expand=True)
    for name in ("target", "collector", "state", "age"):
        justify: Literal["left", "right"] = "right" if name == "age" else "left"
        drawn.add_column(name, justify=justify, no_wrap=True)
    drawn.add_column("now", no_wrap=True, overflow="ellipsis", ratio=1)
    before = None
    for row in found:
        style = "green" if row.state == "ok" else "bold red"
        drawn.add_row(
            row.target if row.target != before else "",
            row.collector,
            Text(row.state, style),
            _age(row),
            Text(row.text),
        )
        before = row.target
    return drawn


def line(title: str, found: list[Row]) -> str:
    """Write the rows as one plain line: per target what fails, age, and values."""
    parts = [title]
    for target in dict.fromkeys(row.target for row in found):
        mine = [row for row in found if row.target == target]
        bad = [_failing(row) for row in mine if row.state != "ok"]
        ages = [row.age for row in mine if row.age is not None and row.state == "ok"]
        state = f"{len(mine)} ok" if len(mine) > 1 else "ok"
        state = ", ".join(bad) if bad else state
        age = f" ({min(ages):.0f} s ago)" if ages else ""
        texts = [row.text for row in mine if row.text]
        parts.append(" ".join([f"{target}: {state}{age}", *_dotted(texts)]))
    return " | ".join(parts)


def _dotted(texts: list[str]) -> list[str]:
    return ["·", " · ".join(texts)] if texts else []


def _failing(row: Row) -> str:
    age = f" since {_age(row)}" if row.age is not None else ""
    return f"{row.collector} {row.state}{age}".strip()


def _age(row: Row) -> str:
    return "" if row.age is None else f"{row.age:.0f} s"
