"""Asks each Alertmanager of a cluster how it is, and sends a probe through it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.check_http import Browser, shown
from exporter.errors import KpiExporterError
from exporter.sidecar.payload import WATCHDOG

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PROBE = "KpiSidecarProbe"
"""The alert that is sent through each Alertmanager, which `instance` names."""
_DISABLED = "disabled"
_SETTLING = "settling"


class Seen(NamedTuple):
    """What one Alertmanager says: its cluster, the Watchdog, what it hides.

    `peers` counts itself; it is None without a cluster.
    """

    state: str
    peers: int | None
    watchdog: list[dict[str, Any]]
    suppressed: list[dict[str, Any]]
    silences: list[dict[str, Any]]


async def look(browser: Browser, url: str) -> Seen:
    """Ask one; raises KpiExporterError."""
    status, watchdog, suppressed, silences = await asyncio.gather(
        _get(browser, f"{url}/api/v2/status"),
        _get(browser, f"{url}/api/v2/alerts", filter=f"alertname={WATCHDOG}"),
        _get(
            browser,
            f"{url}/api/v2/alerts",
            filter="severity=critical",
            active="false",
            unprocessed="false",
        ),
        _get(browser, f"{url}/api/v2/silences"),
    )
    try:
        cluster = status["cluster"]
        peers = cluster.get("peers")
        number = None if cluster["status"] == _DISABLED else len(peers or ())
        kpis = [alert for alert in suppressed if alert["labels"].get("kpi")]
        return Seen(cluster["status"], number, watchdog, kpis, silences)
    except (KeyError, TypeError, AttributeError) as error:
        said = f"{shown(url)}: the answer is not that of an Alertmanager"
        raise KpiExporterError(said) from error


async def look_at_all(
    browser: Browser, urls: Sequence[str]
) -> dict[str, Seen | KpiExporterError]:
    """Ask all of them; returns answers, or why there is none, by their shown URLs."""
    answers = await asyncio.gather(
        *(look(browser, url) for url in urls), return_exceptions=True
    )
    found: dict[str, Seen | KpiExporterError] = {}
    for url, answer in zip(urls, answers, strict=True):
        if isinstance(answer, BaseException) and not isinstance(
            answer, KpiExporterError
        ):
            raise answer
        found[shown(url)] = answer
    return found


def unsent(known: Sequence[str], configured: int) -> list[str]:
    """Say whether Prometheus sends to fewer Alertmanagers than there are; pure."""
    few = len(known) < configured
    return [f"Prometheus sends alerts to {len(known)} of {configured}"] if few else []


def faults(seen: Seen, configured: int) -> list[str]:
    """Say what is wrong with one of `configured` Alertmanagers; pure."""
    found = []
    if configured > 1 and seen.peers is None:
        found.append("has no cluster: what it is sent is told twice")
    elif seen.peers is not None and seen.peers < configured:
        found.append(f"sees {seen.peers} of {configured} members of its cluster")
    elif seen.peers is not None and seen.peers > configured:
        found.append(
            f"has {seen.peers} members in its cluster; only {configured} known"
        )
    if seen.state == _SETTLING:
        found.append("is still joining its cluster")
    if not seen.watchdog:
        found.append(f"has no {WATCHDOG}: what Prometheus sends does not reach it")
    hidden = [alert for alert in seen.watchdog if alert["status"]["silencedBy"]]
    if hidden:
        found.append(f"{WATCHDOG} is silenced, so it proves nothing")
    return found


async def probe(browser: Browser, url: str, now: float, seconds: float) -> None:
    """Have one Alertmanager tell us of itself until `seconds` from now (Unix).

    Alertmanagers do not share alerts, so what comes back came through this one. Raises
    KpiExporterError.
    """
    alert = {
        "labels": {"alertname": PROBE, "severity": "none", "instance": shown(url)},
        "annotations": {"summary": "The sidecar looks whether alerts are forwarded"},
        "startsAt": _written(now),
        "endsAt": _written(now + seconds),
    }
    await browser.send(f"{url}/api/v2/alerts", [alert])


def of_all(seen: Iterable[Seen]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the suppressed alerts and the silences of all, each once."""
    alerts: dict[str, dict[str, Any]] = {}
    silences: dict[str, dict[str, Any]] = {}
    for each in seen:
        alerts |= {alert["fingerprint"]: alert for alert in each.suppressed}
        silences |= {silence["id"]: silence for silence in each.silences}
    return list(alerts.values()), list(silences.values())


async def _get(browser: Browser, url: str, **parameters: str) -> Any:
    answer = await browser.get(url, **parameters)
    try:
        return json.loads(answer)
    except ValueError as error:
        said = f"{shown(url)}: the answer is not that of an Alertmanager"
        raise KpiExporterError(said) from error


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
