"""What receivers are sent: JSON for programs, or a text as Slack reads it; pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.sidecar.incidents.incident import Incident
    from exporter.sidecar.incidents.outbox import Batch, News

_LONGEST = 300  # characters of a line
_ICONS = {"critical": ":red_circle:", "warning": ":large_yellow_circle:"}


def as_json(batch: Batch, link: str) -> str:
    """Write a batch for programs; `link` is the sidecar's address for readers.

    Labels, the summary and the likeliest cause go out, nothing else: no table, no plot.
    """
    return json.dumps(
        {
            "version": 1,
            "number": batch.number,
            "text": headline(batch),
            "opened": batch.began,
            "closed": batch.ended,
            "incidents": [_plain(news, link) for news in batch.news],
            "left_out": batch.left_out,
            "url": f"{link}/incidents",
        },
        ensure_ascii=False,
    )


def as_slack(batch: Batch, link: str) -> str:
    """Write a batch as Slack and what is compatible with it read it."""
    lines = [f"*{headline(batch)}*"]
    for news in batch.news:
        lines += _slack(news, link)
    if batch.left_out:
        lines.append(f"and {batch.left_out:,} more: <{link}/incidents|all incidents>")
    return json.dumps({"text": "\n".join(lines)}, ensure_ascii=False)


def headline(batch: Batch) -> str:
    """Say in a line how much began and how much is over."""
    parts = [(batch.began, "began"), (batch.ended, "over")]
    said = [f"{count:,} {word}" for count, word in parts if count]
    total = batch.began + batch.ended
    return f"{'Incident' if total == 1 else 'Incidents'}: {', '.join(said)}"


def brief(incident: Incident, link: str) -> dict[str, Any]:
    """Return what lists and messages say of an incident."""
    cause = incident.first_cause
    return {
        "id": incident.id,
        "alert": incident.alert,
        "severity": incident.severity,
        "kpi": incident.kpi,
        "target": incident.who,
        "opened": written(incident.opened),
        "closed": written(incident.closed),
        "summary": incident.summary,
        "first_cause": cause.text if cause else None,
        "why": cause.why if cause else None,
        "labels": dict(incident.labels),
        "url": f"{link}/incidents/{incident.id}",
    }


def written(moment: float | None) -> str | None:
    """Write a Unix time as RFC 3339, to the second."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _plain(news: News, link: str) -> dict[str, Any]:
    return {"status": _status(news), **brief(news.incident, link)}


def _status(news: News) -> str:
    if news.began:
        return "opened and closed" if news.ended else "opened"
    return "closed"


def _slack(news: News, link: str) -> Iterator[str]:
    incident = news.incident
    url = f"{link}/incidents/{incident.id}"
    over = " (over again)" if news.ended else ""
    if not news.began:
        yield f":white_check_mark: over: <{url}|{_safe(_name(incident))}>"
        return
    icon = _ICONS.get(incident.severity, "")
    yield f"{icon} <{url}|{_safe(incident.summary)}>{over}".strip()
    if cause := incident.first_cause:
        yield f"> likely: {_safe(cause.text)}"


def _name(incident: Incident) -> str:
    return f"{incident.alert} on {incident.who}" if incident.who else incident.alert


def _safe(text: str) -> str:
    """Escape what Slack would read as a link or a mention, and keep to one line."""
    line = " ".join(text.split())[:_LONGEST]
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "¦")):
        line = line.replace(sign, name)
    return line
