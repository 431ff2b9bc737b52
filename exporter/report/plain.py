"""A report as JSON has it; pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exporter.report.model import Line, Report, Row


_MOST_ROWS = 50


def plain(report: Report) -> dict[str, Any]:
    """Return a report for programs: values in base units, times in seconds."""
    source = report.source
    return {
        "profile": report.profile,
        "status": report.status,
        "source": {
            "name": source.name,
            "end": _moment(source.end),
            "seconds": source.seconds,
            "step": source.step,
            "remarks": list(source.remarks),
        },
        "kpis": [line_of(line) for line in report.lines],
        "sections": [
            {"title": s.title, "findings": list(s.findings), "why": s.why or None}
            for s in report.sections
        ],
        "advice": [
            {"title": a.title, "who": a.who, "evidence": list(a.evidence), "how": a.how}
            for a in report.advice
        ],
        "unanswered": list(report.unanswered),
    }


def line_of(line: Line) -> dict[str, Any]:
    """Return a KPI with its rows."""
    return {
        "kpi": line.kpi.id,
        "title": line.kpi.title,
        "subject": line.subject,
        "unit": str(line.kpi.unit),
        "verdict": str(line.verdict),
        "severity": line.severity and str(line.severity),
        "promises": list(line.promises),
        "why": line.why or None,
        "series": len(line.rows),
        "rows": [_row(row) for row in line.rows[:_MOST_ROWS]],
        "causes": list(line.causes),
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "labels": {name: value for name, value in row.labels.items() if value},
        "value": row.value,
        "worst": row.worst,
        "verdict": str(row.verdict),
        "severity": row.severity and str(row.severity),
        "limit": row.limit,
        "beyond_seconds": row.beyond,
        "until": None if row.until is None else _moment(row.until),
        "current": row.current,
        "gone": None if row.gone is None else _moment(row.gone),
        "quantiles": dict(row.quantiles),
        "budget_left": row.budget,
        "change": row.trend.change,
        "reaches_limit_in_seconds": row.trend.reaches,
    }


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
