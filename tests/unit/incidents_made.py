"""Incidents and evidence made up for tests."""

from __future__ import annotations

from exporter.sidecar.incidents.candidates import Surroundings
from exporter.sidecar.incidents.incident import (
    Change,
    Comparison,
    Evidence,
    Incident,
    Series,
)

OPENED = 1_760_000_000.0
AROUND = Surroundings(
    {
        "api_latency_p95": "api",
        "error_rate": "api",
        "db_query_p95": "postgres",
        "pg_lock_waiters": "postgres",
        "cpu_used": "host",
        "target_down": "exporter",
    },
    {"web": ["shop"]},
    ["local"],
)


def incident(
    kpi: str, who: str = "shop", *, after: float = 0.0, cause: str = ""
) -> Incident:
    """Make an incident that began so many seconds after the others."""
    scope = "application" if who == "web" else "target"
    name = "".join(part.capitalize() for part in kpi.split("_"))
    return Incident(
        id=f"{kpi}{who}".encode().hex()[:16],
        labels={"alertname": name, "kpi": kpi, "severity": "critical", scope: who},
        annotations={"summary": f"{name} is broken on {who}", "evidence": cause},
        opened=OPENED + after,
        closed=None,
    )


def lock_table(**changes: object) -> dict[str, object]:
    """Make the exporter's table of who waits for whom."""
    return {
        "title": "Who waits for whom",
        "kpis": ["pg_lock_waiters"],
        "seen": "2025-10-09T08:53:00+00:00",
        "current": True,
        "rows": [
            {"pid": 7, "application": "migration", "user": "ada", "depth": 0},
            {"pid": 8, "application": "web", "user": "bob", "depth": 1},
        ],
        **changes,
    }


def statements(now: float, before: float | None) -> Comparison:
    """Make a comparison with one statement that changed and one that did not."""
    changes = [
        Change({"target": "shop", "queryid": "SELECT slow"}, now, before),
        Change({"target": "shop", "queryid": "SELECT same"}, 0.1, 0.1),
    ]
    return Comparison("statement", "Statements by the time they take", "s/s", changes)


def evidence(**parts: object) -> Evidence:
    """Make evidence with an hour of values, unless parts say otherwise."""
    points = [(OPENED - 3600 + 30 * i, i / 120) for i in range(121)]
    made = Evidence(OPENED, "ratio", 0.8, [Series({"target": "shop"}, points)])
    return made._replace(**parts)  # type: ignore[arg-type] # a test names its own parts
