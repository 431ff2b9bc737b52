"""The parts of Prometheus' API that the sidecar asks, and how it is made to reload."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from exporter.check_http import Browser, RefusedError, shown
from exporter.errors import KpiExporterError
from exporter.units import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.config_sidecar import Reload

_AT_ONCE = 4
_BAD = 400
_NOT_FOUND = 404
_PARSERS = (
    "parse_query",
    "format_query",
)  # before Prometheus 3 there is but the second
_FORBIDDEN = 403
_NAME = "prometheus"

ResultT = TypeVar("ResultT")


class Loaded(NamedTuple):
    """Rule groups that are loaded, and the Unix time by Prometheus' clock before."""

    groups: list[dict[str, Any]]
    now: float


class Api:
    """One Prometheus, asked through a browser."""

    def __init__(self, browser: Browser, url: str) -> None:
        """Take the URL below which `/api/v1` lies."""
        self._browser, self._url = browser, url

    async def loaded(self) -> Loaded:
        """Return all rule groups that are loaded, without the alerts that fire.

        The time is asked first: so no group looks late because we were slow.
        """
        now = await self._ask("query", _scalar, query="time()")
        return Loaded(await self._ask("rules", _groups, exclude_alerts="true"), now)

    async def alertmanagers(self) -> list[str]:
        """Return `host:port` of those that it sends alerts to."""
        return await self._ask("alertmanagers", _active)

    async def resend_delay(self) -> float:
        """Return the seconds after which it sends an alert that still fires again."""
        return await self._ask("status/flags", _resend_delay)

    async def refusals(self, expressions: Iterable[str]) -> list[str]:
        """Return what it says against expressions that it cannot parse."""
        turn = asyncio.Semaphore(_AT_ONCE)
        parser = await self._parser()

        async def refusal(expression: str) -> str | None:
            async with turn:
                try:
                    await self._ask(parser, repr, query=expression)
                except RefusedError as error:
                    if error.status != _BAD:
                        raise
                    return f"{expression}: {error.said}"
            return None

        found = await asyncio.gather(*map(refusal, dict.fromkeys(expressions)))
        return [each for each in found if each]

    async def reload(self, how: Reload | None) -> None:
        """Make it load its configuration again; raises KpiExporterError with why not.

        Over HTTP it has loaded when this returns; a signal it carries out later.
        """
        if how is not None:
            _hang_up(_pid(how))
            return
        try:
            await self._browser.send(f"{self._url}/-/reload")
        except RefusedError as error:
            if error.status == _FORBIDDEN:
                said = "start it with --web.enable-lifecycle, or give reload a pid"
                raise KpiExporterError(f"{shown(self._url)}: {said}") from error
            said = f"{shown(self._url)}: does not load; its log says why: {error.said}"
            raise KpiExporterError(said) from error

    async def _parser(self) -> str:
        for name in _PARSERS:
            try:
                await self._ask(name, repr, query="1")
            except RefusedError as error:
                if error.status != _NOT_FOUND:
                    raise
            else:
                return name
        said = f"{shown(self._url)}: cannot check expressions; put promtool in PATH"
        raise KpiExporterError(said)

    async def _ask(
        self, path: str, take: Callable[[Any], ResultT], **parameters: str
    ) -> ResultT:
        """Return what `take` makes of the answer's data."""
        url = f"{self._url}/api/v1/{path}"
        answer = await self._browser.get(url, **parameters)
        try:
            return take(json.loads(answer)["data"])
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            said = f"{shown(url)}: the answer is not that of a Prometheus"
            raise KpiExporterError(said) from error


def _groups(data: Any) -> list[dict[str, Any]]:
    """Return groups that have what is read of them."""
    for group in data["groups"]:
        _ = [group[key] for key in ("name", "file", "interval", "evaluationTime")]
        _ = [(rule["name"], rule["query"], rule["health"]) for rule in group["rules"]]
    return list(data["groups"])


def _scalar(data: Any) -> float:
    return float(data["result"][1])


def _resend_delay(data: Any) -> float:
    return seconds(data["rules.alert.resend-delay"])


def _active(data: Any) -> list[str]:
    return [urlsplit(each["url"]).netloc for each in data["activeAlertmanagers"]]


def _pid(how: Reload) -> int:
    if how.pid_file is None:
        return how.pid or 0
    try:
        return int(how.pid_file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise KpiExporterError(f"{how.pid_file}: holds no process id") from error


def _hang_up(pid: int) -> None:
    """Send SIGHUP, but only to a Prometheus: another process would end by it."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text("utf-8").strip()
        if name != _NAME:
            raise KpiExporterError(f"process {pid} is {name}, not a Prometheus")
        os.kill(pid, signal.SIGHUP)
    except OSError as error:
        said = f"process {pid} cannot be told to reload: {error.strerror}"
        raise KpiExporterError(said) from error
