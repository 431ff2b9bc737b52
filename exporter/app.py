"""The composition root: configuration → sources → collectors → schedule → web."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from typing import TYPE_CHECKING

from exporter import collectors
from exporter.errors import ConfigError
from exporter.memory import trim
from exporter.own import OwnMetrics
from exporter.schedule import Schedule
from exporter.snapshot import Snapshot
from exporter.sources import source_of
from exporter.target import Clock, TargetPoller
from exporter.threads import Threads
from exporter.web.app import build
from exporter.web.server import start
from exporter.web.service import CollectorStatus, TargetStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from exporter.config import Config, Target
    from exporter.evidence import Kept
    from exporter.exposition import Page
    from exporter.report.live import Live
    from exporter.review.desk import Desk
    from exporter.review.shape import Answer, Asked
    from exporter.web.service import Figures
    from exporter.web.web_config import WebConfig

_FIRST_ROUND = 2.0  # seconds that the first scrape may have to wait for first polls
_FIXED = ("web", "log")  # keys of the configuration that are read at the start alone

log = logging.getLogger(__name__)


class Service:
    """Everything that runs: targets with their polls, and what is known of them."""

    def __init__(self, config: Config, read: Callable[[], Config]) -> None:
        """Begin with a configuration; `read` loads it again for a reload."""
        self._read = read
        self.config = config
        self.targets: dict[str, TargetPoller] = {}
        self._own = OwnMetrics()
        self.snapshot = Snapshot(lambda: self._own.page().plain)
        self._own.reloaded(worked=True)
        self._clock = Clock()
        self._schedule = Schedule(self._clock, self._settle)
        self._reloading = asyncio.Lock()
        self._live: Live | None = None
        self._desk: Desk | None = None

    async def start(self) -> None:
        """Poll all targets, and give the quick ones time for a first answer."""
        for target in self.config.targets:
            self._open(target)
        self._schedule.start()
        first = [target.polled.wait() for target in self.targets.values()]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_ROUND):
                await asyncio.gather(*first)

    async def stop(self) -> None:
        """End all polls and close all connections."""
        self._schedule.stop()
        closing = [target.close() for target in self.targets.values()]
        await asyncio.gather(*closing, return_exceptions=True)

    def _settle(self) -> None:
        """Make ready for the next scrape what was said, and tidy up."""
        self._own.renew()
        self.snapshot.prepare()
        trim()

    async def reload(self) -> None:
        """Load the configuration again and take over what changed in it.

        Raises ConfigError and keeps everything as it is when it cannot be used.
        Targets that did not change keep their connections and their state.
        """
        async with self._reloading:
            try:
                new = self._read()
            except Exception as error:
                self._own.reloaded(worked=False)
                _tell(error)
                raise
            wanted = {target.name: target for target in new.targets}
            for key in _FIXED:
                if getattr(new, key) != getattr(self.config, key):
                    fields = {"key": key}
                    log.warning("changed, needs a restart", extra={"fields": fields})
            self.config = new
            known = self.targets.items()
            changed = [name for name, old in known if wanted.get(name) != old.config]
            for name, target in wanted.items():
                if name not in self.targets:
                    self._open(target)
            await asyncio.gather(*(self._replace(n, wanted.get(n)) for n in changed))
            self._own.reloaded(worked=True)
            log.info("configuration loaded", extra={"fields": {"targets": len(wanted)}})

    def ready(self) -> tuple[bool, str]:
        """Say whether every target was polled at least once."""
        targets = self.targets.items()
        waiting = [name for name, target in targets if not target.polled.is_set()]
        if waiting:
            return False, f"waiting for the first poll of {', '.join(waiting)}"
        return True, "ready"

    def runbook(self, name: str) -> str | None:
        """Return a KPI's page as it is promised here, the list of all for "".

        Its modules and the catalogue are loaded when somebody asks: 5 MiB.
        """
        from exporter.promises import plan_of
        from exporter.render import pages

        return pages.page(plan_of(self.config), name)

    async def review(self, asked: Asked) -> Answer:
        """Review a text without running it; raises ReviewError.

        Its modules are loaded when somebody asks; parsing has a process of its own.
        """
        from exporter.review.desk import Desk

        self._desk = self._desk or Desk()
        return await self._desk.review(asked, self.targets)

    def own_page(self) -> Page:
        """Return the metrics of our own process."""
        return self._own.page()

    def scraped(self, scope: str | None, remote: str | None) -> None:
        """Take note of a scrape, so that polls can be timed for the next one."""
        log.debug("scrape", extra={"fields": {"scope": scope, "remote": remote}})
        self._schedule.scraped(scope)

    def evidence(self, target: str, kpi: str | None) -> tuple[float, list[Kept]]:
        """Return the time now and what names causes at a target, newest first."""
        now, name = self._clock.wall(), self.targets[target].config.name
        return now, self.snapshot.evidence.of(name, now, kpi)

    def kpis(self) -> list[str]:
        """Return the ids of all KPIs; loads the catalogue as `runbook` does."""
        from exporter.promises import plan_of

        subjects = plan_of(self.config).subjects
        return sorted(kpi.id for subject in subjects for kpi in subject.kpis)

    async def performance(self) -> Figures:
        """Return this moment's figures for the platforms' API.

        Its modules and the catalogue are loaded when somebody asks, as for runbooks.
        """
        if self._live is None:
            from exporter.report.live import Live

            self._live = Live(lambda: self.snapshot.page().plain)
        return await self._live.made(self.config)

    def status(self) -> list[TargetStatus]:
        """Say how every target and collector fares, for people."""
        now = self._clock.wall()
        return [_status(target, now) for target in self.targets.values()]

    async def _replace(self, name: str, target: Target | None) -> None:
        """Close a target and open what stands in its place now, if anything does.

        That takes seconds where the server is frozen; no other target waits for it.
        """
        await self._schedule.remove(name)
        await self.targets.pop(name).close()
        if target:
            self._open(target)

    def _open(self, target: Target) -> None:
        source = source_of(target)
        found = collectors.load(target.kind)
        poller = TargetPoller(source, found, self.snapshot, self._clock)
        self.targets[target.name] = poller
        self._schedule.add(poller)


async def serve(config: Config, read: Callable[[], Config]) -> None:
    """Run until SIGINT or SIGTERM; raises ConfigError before anything starts."""
    service = Service(config, read)
    web = service.config.web
    guard = _guard(web.config_file) if web.config_file else None
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(Threads())
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    reloads: set[asyncio.Task[None]] = set()

    def hang_up() -> None:
        task = loop.create_task(_reload_and_log(service))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGHUP, hang_up)
    try:
        await service.start()
        server = await start(build(service, guard), web.listen, guard)
        for host, port, *_ in server.addresses:
            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            log.info("listening", extra={"fields": {"address": address}})
        await stop.wait()
        await server.cleanup()
    finally:
        await service.stop()


def _guard(file: Path) -> WebConfig:
    from exporter.web.web_config import WebConfig

    return WebConfig(file)


async def _reload_and_log(service: Service) -> None:
    try:
        await service.reload()
    except ConfigError:
        return  # it is told already
    except Exception:
        log.exception("configuration not loaded")


def _tell(error: Exception) -> None:
    for problem in error.problems if isinstance(error, ConfigError) else ():
        fields = {"problem": problem}
        log.warning("configuration refused, old kept", extra={"fields": fields})


def _status(target: TargetPoller, now: float) -> TargetStatus:
    watches = [
        CollectorStatus(
            name=watch.collector.name,
            ok=watch.ok,
            reason=watch.failure.reason if watch.failure else None,
            message=watch.failure.message if watch.failure else "",
            age_seconds=now - watch.last_success if watch.last_success else None,
            duration_seconds=watch.seconds,
            series=watch.series,
        )
        for watch in target.watches
    ]
    return TargetStatus(target.config.name, target.config.kind, target.up, watches)
