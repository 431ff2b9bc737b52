"""Asks the sidecar which incidents there were, and says each in a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from exporter.check_http import shown
from exporter.errors import KpiExporterError
from exporter.report.model import Refusal

if TYPE_CHECKING:
    from exporter.check_http import Browser

_MOST = "50"


async def incidents(
    browser: Browser, url: str, since: float
) -> tuple[str, ...] | Refusal:
    """Return the incidents since a moment (Unix time), each as a line.

    A sidecar that does not answer makes it a Refusal, as a server that fails does.
    """
    page = f"{url.rstrip('/')}/incidents.json"
    try:
        found = json.loads(await browser.get(page, since=f"{since:.0f}", limit=_MOST))
        return tuple(line(each) for each in found["incidents"])
    except KpiExporterError as error:
        return Refusal(str(error))
    except (ValueError, TypeError, KeyError, AttributeError):
        return Refusal(f"{shown(page)}: the answer is no list of incidents")


def line(incident: dict[str, Any]) -> str:
    """Write one incident: when, what, about whom, until when, its first cause."""
    opened, closed = incident["opened"], incident.get("closed")
    ended = f"until {closed}" if closed else "still open"
    cause = incident.get("first_cause") or "no cause found"
    who = incident.get("target") or "nobody named"
    return f"{opened} {incident['alert']} on {who}, {ended}: {cause}"
