"""The part that keeps rules and dashboards in step with the configuration file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from prometheus_client import Gauge

from exporter.check_http import Browser
from exporter.check_live import ask_prometheus
from exporter.check_series import Giver
from exporter.errors import KpiExporterError
from exporter.promises import plan_of
from exporter.render.installed import Installed, installed
from exporter.sidecar import verify
from exporter.sidecar.boards import Boards
from exporter.sidecar.folder import PREFIX
from exporter.sidecar.problems import Problems
from exporter.sidecar.prometheus import Api
from exporter.sidecar.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from aiohttp import web

    from exporter.config_sidecar import Sidecar
    from exporter.sidecar.followed import Followed
    from exporter.sidecar.own import Own
    from exporter.sidecar.payload import Payload

_LOOK_EVERY = 1.0  # seconds between looks at the file, and at rules not evaluated yet
_STEP = 120.0  # seconds that one look at everything may take
_WELL, _MISSING = 20, 2  # intervals until series are asked for again
_SOON = 5.0  # seconds until then while they may still be scraped for the first time


class Sync:
    """Rules and dashboards of one configuration."""

    def __init__(
        self, followed: Followed, settings: Sidecar, own: Own, wall: Callable[[], float]
    ) -> None:
        """Take the configuration, and where time comes from (Unix)."""
        self._followed, self._settings, self._wall = followed, settings, wall
        prometheus, grafana = settings.prometheus, settings.grafana
        checks = ["config"]
        checks += ["rules", "loaded"] if prometheus else []
        checks += ["evaluated", "series"] if prometheus and prometheus.url else []
        checks += ["dashboards"] if grafana else []
        self.found = Problems(own, checks)
        self._rules = prometheus and Rules(
            prometheus, settings.interval, self.found, own
        )
        self._boards = grafana and Boards(grafana)
        self._made: Installed | None = None
        self._grace = verify.Grace()
        self._since = self._series_at = 0.0
        self._verified = Gauge(
            "kpi_sidecar_last_verified_timestamp_seconds",
            "Unix time at which rules and dashboards were last seen to be in step.",
            registry=own.registry,
        )
        self._seconds = Gauge(
            "kpi_sidecar_sync_seconds",
            "Seconds from when the latest change was seen, or from the start, until "
            "its rules were loaded and each was evaluated.",
            registry=own.registry,
        )
        self._lacking: list[str] = []
        self.waiting = False
        """Whether new rules may still be evaluated, and series still be scraped."""
        self.took: float | None = None
        """Seconds that the latest change took; None until it is evaluated."""

    async def run(self) -> None:
        """Bring everything in step at each change, and look again each interval."""
        loop = asyncio.get_running_loop()
        due = 0.0
        while True:
            if self._followed.changed or loop.time() >= due:
                await self.step()
                pause = _LOOK_EVERY if self.waiting else self._settings.interval
                due = loop.time() + pause
            await asyncio.sleep(min(_LOOK_EVERY, self._settings.interval))

    async def close(self) -> None:
        """Have nothing open."""

    async def received(self, payload: Payload) -> None:
        """Have nothing to do with alerts."""

    def routes(self) -> Sequence[web.RouteDef]:
        """Have no page."""
        return ()

    def problems(self) -> list[str]:
        """Say what is not in step."""
        return self.found.all()

    async def step(self) -> None:
        """Look at everything once, and bring in step what is not; in bounded time."""
        if self._followed.changed and await asyncio.to_thread(self._followed.refresh):
            self._made = None
        self.found.set("config", self._followed.problems)
        if self._made is None:
            self._made = await asyncio.to_thread(self._render)
            self._grace = verify.Grace()
            self._since = asyncio.get_running_loop().time()
            self._series_at, self.took = 0.0, None
        self.waiting = False
        async with Browser() as browser:
            if self._rules:
                await self._guarded(
                    "rules", self._step_rules(self._rules, self._made, browser)
                )
            if self._boards:
                await self._guarded(
                    "dashboards", self._step_boards(self._boards, self._made, browser)
                )
        if not self.found.all():
            self._verified.set(self._wall())

    def _render(self) -> Installed:
        return installed(plan_of(self._followed.config), PREFIX)

    async def _guarded(self, check: str, work: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(_STEP):
                await work
        except KpiExporterError as error:
            self.found.set(check, [str(error)])
        except TimeoutError:
            self.found.set(check, [f"not done within {_STEP:g} s"])
        except Exception as error:  # noqa: BLE001 - an odd answer must not end the sidecar
            self.found.set(check, [f"internal error: {error!r}"])

    async def _step_boards(
        self, boards: Boards, made: Installed, browser: Browser
    ) -> None:
        self.found.set("dashboards", await boards.bring(made.boards, browser))

    async def _step_rules(
        self, rules: Rules, made: Installed, browser: Browser
    ) -> None:
        url = self._settings.prometheus.url if self._settings.prometheus else None
        api = Api(browser, url) if url else None
        grace, self._grace = self._grace, verify.Grace()
        loaded = await rules.bring(made, api)
        if loaded is None or url is None:
            return
        self._grace = grace
        loop = asyncio.get_running_loop()
        wrong, evaluated = verify.unwell(*loaded)
        late = grace.over(loaded.groups, loop.time(), evaluated=evaluated)
        if not evaluated and late:
            wrong.append("not all rules were evaluated, although there was time")
        elif not evaluated:
            self.waiting = True
            self.found.wait("evaluated")
            return
        self.found.set("evaluated", wrong)
        if self.took is None:
            self.took = loop.time() - self._since
            self._seconds.set(self.took)
        if loop.time() >= self._series_at:
            self._lacking = await self._missing(browser, url)
            again = (_MISSING if self._lacking else _WELL) * self._settings.interval
            self._series_at = loop.time() + (again if late else min(again, _SOON))
        self.waiting = bool(self._lacking) and not late
        if not self.waiting:
            self.found.set("series", self._lacking)

    async def _missing(self, browser: Browser, url: str) -> list[str]:
        """Say which series promises lack; applications count when there are any."""
        config = self._followed.config
        found = await ask_prometheus(plan_of(config), browser, url)
        return [
            f"{each.wanted.name} {each.why} (for {', '.join(each.wanted.kpis)})"
            for each in found
            if each.broken
            and (config.applications or each.wanted.giver is not Giver.APPLICATION)
        ]
