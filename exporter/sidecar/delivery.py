"""The part that proves that alerts arrive, and calls another way when they do not."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from exporter.check_http import Browser, shown
from exporter.errors import KpiExporterError
from exporter.promises import plan_of
from exporter.render.files import rule_groups
from exporter.sidecar import alertmanagers, dead_man, delivery_page, silences
from exporter.sidecar.delivery_metrics import DeliveryMetrics
from exporter.sidecar.payload import WATCHDOG
from exporter.sidecar.problems import Problems
from exporter.sidecar.prometheus import Api
from exporter.sidecar.watch import RESEND, Awaited, Firsts, Switch, patience

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.config import Config
    from exporter.config_sidecar import DeadMan, Sidecar, Watchdog
    from exporter.sidecar.alertmanagers import Seen
    from exporter.sidecar.followed import Followed
    from exporter.sidecar.own import Own
    from exporter.sidecar.payload import Alert, Payload
    from exporter.sidecar.silences import Hidden
    from exporter.sidecar.watch import Status

_LOOK_EVERY = 1.0
_PROBES = 3  # in an interval, so that one that is lost proves nothing
_STEP = 60.0

_log = logging.getLogger(__name__)


class Delivery:
    """The way from Prometheus through each Alertmanager to us."""

    def __init__(
        self, followed: Followed, settings: Sidecar, own: Own, wall: Callable[[], float]
    ) -> None:
        """Take whom to look after, and where time comes from (Unix)."""
        self._followed, self._settings, self._wall = followed, settings, wall
        self._metrics = DeliveryMetrics(own)
        checks = ["watchdog"] if settings.watchdog else []
        checks += ["alertmanagers"] if settings.alertmanagers else []
        self.found = Problems(own, checks)
        self._firsts = Firsts(wall())
        now = asyncio.get_running_loop().time()
        interval = settings.watchdog.interval if settings.watchdog else 0.0
        wait = patience(interval, RESEND)
        self._watchdog = Awaited(wait, now)
        self._probes = {
            shown(url): Awaited(wait, now) for url in settings.alertmanagers
        }
        self._hasty: list[str] = []
        self._evaluated = float("-inf")
        self._switch = Switch()
        self._few = False
        self._critical: list[dict[str, str]] = []
        self._judged: Config | None = None
        self._hidden: list[Hidden] = []

    async def run(self) -> None:
        """Look each second who is lost, and each interval at the Alertmanagers."""
        async with asyncio.TaskGroup() as group:
            if self._settings.alertmanagers:
                group.create_task(self._look())
            if self._settings.watchdog:
                group.create_task(self._mind(self._settings.watchdog))
                group.create_task(self._suit(self._settings.watchdog.interval))
                if self._settings.alertmanagers:
                    group.create_task(self._probe(self._settings.watchdog.interval))
            await asyncio.Event().wait()  # without settings there is nothing to mind

    async def close(self) -> None:
        """Have nothing open."""

    async def received(self, payload: Payload) -> None:
        """Take note of what arrived, and how long it took."""
        for alert in payload.alerts:
            if not alert.firing:
                continue
            if alert.name == alertmanagers.PROBE:
                self._came_back(alert)
                continue
            if alert.name == WATCHDOG:
                self._arrived(alert)
            delay = self._firsts.delay(alert.fingerprint, alert.starts, self._wall())
            if delay is not None:
                self._metrics.delay.observe(delay)

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the page about it."""
        return (web.get("/delivery", self._page),)

    def problems(self) -> list[str]:
        """Say which way is not proved."""
        return self.found.all()

    def _came_back(self, alert: Alert) -> None:
        probe = self._probes.get(alert.labels.get("instance", ""))
        if probe is not None:
            probe.came(asyncio.get_running_loop().time())

    def _arrived(self, alert: Alert) -> None:
        """Count a Watchdog, unless it speaks of an evaluation that is known already.

        Alertmanager repeats an alert for minutes after Prometheus has died.
        """
        now = self._wall()
        try:
            evaluated = float(alert.annotations["evaluated_at"])
        except (KeyError, ValueError):  # another's Watchdog; it proves the way as well
            evaluated = None
        if evaluated is not None:
            if evaluated <= self._evaluated:
                return
            self._evaluated = evaluated
            self._metrics.age.set(max(0.0, now - evaluated))
        self._watchdog.came(asyncio.get_running_loop().time())
        self._metrics.watchdog.set(now)

    async def _mind(self, watchdog: Watchdog) -> None:
        loop = asyncio.get_running_loop()
        while True:
            away = f"has not arrived for more than {self._watchdog.interval:g} s"
            said = f"{WATCHDOG} {away}"
            lost = self._watchdog.lost(loop.time())
            if lost or self._hasty or self._watchdog.last is not None:
                self.found.set("watchdog", [*self._hasty, *([said] if lost else [])])
            status = self._switch.due(loop.time(), lost=lost)
            if watchdog.dead_man and status:
                summary = f"no alert arrives: {said}" if lost else "alerts arrive again"
                worked = await self._tell(watchdog.dead_man, status, summary)
                self._switch.called(status, loop.time(), worked=worked)
            await asyncio.sleep(min(_LOOK_EVERY, watchdog.interval / _PROBES))

    async def _suit(self, interval: float) -> None:
        """Wait no shorter than Prometheus takes to send again, by what it says now."""
        prometheus = self._settings.prometheus
        resend, known = RESEND, "as far as is known "
        while True:
            if prometheus and prometheus.url:
                with contextlib.suppress(KpiExporterError):
                    async with Browser() as browser:
                        resend = await Api(browser, prometheus.url).resend_delay()
                    known = ""
            wait = patience(interval, resend)
            said = (
                f"watchdog.interval ({interval:g} s) is shorter than Prometheus sends "
                f"alerts again (--rules.alert.resend-delay is {known}{resend:g} s); "
                f"losses would be false, so {wait:g} s are waited"
            )
            self._hasty = [said] if wait != interval else []
            for way in (self._watchdog, *self._probes.values()):
                way.interval = wait
            await asyncio.sleep(self._settings.interval)

    async def _tell(self, dead: DeadMan, status: Status, summary: str) -> bool:
        """Call the second way; returns whether that worked."""
        try:
            await dead_man.call(dead, status, summary)
        except KpiExporterError as error:
            fields = {"status": status, "error": str(error)}
            _log.warning("nobody could be told", extra={"fields": fields})
            self._metrics.calls.labels(status, "failed").inc()
            return False
        _log.warning("the second way was told", extra={"fields": {"status": status}})
        self._metrics.calls.labels(status, "worked").inc()
        return True

    async def _probe(self, interval: float) -> None:
        """Send a probe through each; those that are down are told of by `_look`."""
        while True:
            async with Browser() as browser:
                sent = [
                    alertmanagers.probe(browser, url, self._wall(), interval)
                    for url in self._settings.alertmanagers
                ]
                await asyncio.gather(*sent, return_exceptions=True)
            await asyncio.sleep(interval / _PROBES)

    async def _look(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_STEP), Browser() as browser:
                    await self._look_at_all(browser)
            except TimeoutError:
                self.found.set("alertmanagers", [f"not done within {_STEP:g} s"])
            except Exception as error:  # noqa: BLE001 - an odd answer must not end the sidecar
                self.found.set("alertmanagers", [f"internal error: {error!r}"])
            await asyncio.sleep(self._settings.interval)

    async def _look_at_all(self, browser: Browser) -> None:
        urls = self._settings.alertmanagers
        answers = await alertmanagers.look_at_all(browser, urls)
        found: list[str] = await self._known(browser)
        seen: list[Seen] = []
        for name, answer in answers.items():
            up = not isinstance(answer, KpiExporterError)
            self._metrics.up.labels(name).set(int(up))
            if isinstance(answer, KpiExporterError):
                found.append(str(answer))
            else:
                seen.append(answer)
                self._metrics.peers.labels(name).set(answer.peers or 1)
                wrong = alertmanagers.faults(answer, len(urls))
                found += [f"{name}: {each}" for each in wrong]
            found += self._forwarding(name)
        self.found.set("alertmanagers", found)
        await self._hide(seen)

    def _forwarding(self, name: str) -> list[str]:
        """Say whether probes through one Alertmanager do not come back."""
        probe = self._probes[name]
        if not self._settings.watchdog:
            return []
        lost = probe.lost(asyncio.get_running_loop().time())
        proved = not lost and probe.last is not None
        self._metrics.forwards.labels(name).set(int(proved))
        said = f"{name}: the alert {alertmanagers.PROBE} that it was sent is not back"
        return [said] if lost else []

    async def _known(self, browser: Browser) -> list[str]:
        """Say whether Prometheus sends to fewer Alertmanagers than there are."""
        prometheus = self._settings.prometheus
        if prometheus is None or prometheus.url is None:
            return []
        before = self._few
        try:
            known = await Api(browser, prometheus.url).alertmanagers()
        except KpiExporterError:
            return []  # which the rules' check says
        unsent = alertmanagers.unsent(known, len(self._settings.alertmanagers))
        self._few = bool(unsent)
        return unsent if before else []  # after a reload it looks anew, for 5 s

    async def _hide(self, seen: Sequence[Seen]) -> None:
        alerts, known = alertmanagers.of_all(seen)
        config = self._followed.config
        if known and self._judged is not config:
            self._critical = await asyncio.to_thread(_critical, config)
            self._judged = config
        hidden = silences.hidden(alerts, known, self._critical)
        for each in hidden:
            if each not in self._hidden:
                fields = {"what": each.what, "by": each.by, "firing": each.firing}
                _log.warning("a critical alert is hidden", extra={"fields": fields})
        self._hidden = hidden
        self._metrics.hide(hidden)

    async def _page(self, _: web.Request) -> web.Response:
        text = delivery_page.render(self.problems(), self._silent(), self._hidden)
        headers = {"Content-Security-Policy": delivery_page.POLICY}
        return web.Response(text=text, content_type="text/html", headers=headers)

    def _silent(self) -> dict[str, float | None]:
        """Return since when each way has been silent; None: nothing came yet."""
        now = asyncio.get_running_loop().time()
        ways = {WATCHDOG: self._watchdog} if self._settings.watchdog else {}
        ways |= self._probes if self._settings.watchdog else {}
        return {
            name: None if way.last is None else way.silent(now)
            for name, way in ways.items()
        }


def _critical(config: Config) -> list[dict[str, str]]:
    return silences.critical(rule_groups(plan_of(config)))
