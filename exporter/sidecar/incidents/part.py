"""Incidents as a part of the sidecar: calls are stored, all else comes after."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from exporter.check_http import Browser
from exporter.errors import ConfigError, KpiExporterError
from exporter.secret import remember
from exporter.sidecar.alertmanagers import PROBE
from exporter.sidecar.incidents import outbox
from exporter.sidecar.incidents.ask import Asker, Pace
from exporter.sidecar.incidents.fetch import Fetcher
from exporter.sidecar.incidents.freeze import Freezer
from exporter.sidecar.incidents.outbox import Patience
from exporter.sidecar.incidents.own import Counts
from exporter.sidecar.incidents.prune import Limits, prune
from exporter.sidecar.incidents.routes import Routes
from exporter.sidecar.incidents.store import Store, StoreError
from exporter.sidecar.incidents.take import take
from exporter.sidecar.incidents.tell import Address, Manner, Teller
from exporter.sidecar.incidents.worlds import Worlds
from exporter.sidecar.payload import WATCHDOG

if TYPE_CHECKING:
    from collections.abc import Callable
    from sqlite3 import Connection
    from typing import TypeVar

    from aiohttp import web

    from exporter.config_sidecar import Receiver, Sidecar
    from exporter.sidecar.incidents.worlds import Configured
    from exporter.sidecar.own import Own
    from exporter.sidecar.payload import Payload

    T = TypeVar("T")

_log = logging.getLogger(__name__)

_TIDY_EVERY = 10.0
_AGAIN = 5.0  # seconds before the store is tried again
_EVIDENCE_PATIENCE = 45.0  # seconds that a message waits for the likely cause
_MEGABYTE = 2**20
_PROOFS = (WATCHDOG, PROBE)  # alerts that prove the way and mean nothing


class Incidents:
    """Keeps alerts as incidents; all other work follows after they are acknowledged."""

    def __init__(
        self, followed: Configured, sidecar: Sidecar, own: Own, now: Callable[[], float]
    ) -> None:
        """Take what is configured now, our section at the start, and the clock.

        Raises ConfigError when the section has no incidents.
        """
        settings = sidecar.incidents
        if settings is None:
            raise ConfigError(["sidecar.incidents: is needed"])
        self._settings, self._now = settings, now
        self._store = Store(settings.path)
        self._counts = Counts(own.registry)
        self._worlds = Worlds(followed, sidecar)
        link = settings.external_url or f"http://{sidecar.web.listen}"
        self._routes = Routes(self._store, self._worlds.around, link)
        wait = settings.window + _EVIDENCE_PATIENCE
        manner = Manner(link, Patience(settings.window, wait))
        self._tellers = [
            Teller(_address(each), self._store, manner, self._counts)
            for each in settings.receivers
        ]
        self._freezer: Freezer | None = None
        self._problem: str | None = None

    async def run(self) -> None:
        """Look for evidence, tell receivers and forget what is old, until cancelled."""
        names = [teller.address.name for teller in self._tellers]
        await self._insist(partial(outbox.register, names=names))
        async with Browser() as browser, Asker(browser.get, Pace()) as asker:
            fetcher = Fetcher(self._worlds.now, asker)
            asked = fetcher if self._settings.evidence else None
            self._freezer = Freezer(self._store, asked, self._worlds.around)
            self._freezer.looked = self._news
            jobs = [self._freezer.run(), self._tidy()]
            jobs += [teller.run(self._now) for teller in self._tellers]
            async with asyncio.TaskGroup() as group:
                for job in jobs:
                    group.create_task(job)

    async def close(self) -> None:
        """Close the file."""
        await self._store.close()

    async def received(self, payload: Payload) -> None:
        """Store a call's alerts; raises StoreError when they are not on the disk."""
        if payload.truncated:
            fields = {"left_out": payload.truncated}
            said = "Alertmanager left alerts out of a call; set max_alerts to 0"
            _log.warning(said, extra={"fields": fields})
        alerts = [alert for alert in payload.alerts if alert.name not in _PROOFS]
        if not alerts:
            return
        taken = await self._write(partial(take, alerts=alerts, now=self._now()))
        self._counts.took(taken)
        if self._freezer and taken.opened:
            self._freezer.wake()
        if taken.opened or taken.closed:
            self._news()

    def routes(self) -> list[web.RouteDef]:
        """Return the incidents' pages."""
        return self._routes.all(self._now)

    def problems(self) -> list[str]:
        """Say whether the file can be written.

        A receiver that does not answer is none: Alertmanager is to go on calling us.
        """
        return [self._problem] if self._problem else []

    def _news(self) -> None:
        for teller in self._tellers:
            teller.news()

    async def _write(self, job: Callable[[Connection], T]) -> T:
        """Write to the store, and note whether that can be done."""
        try:
            found = await self._store.write(job)
        except StoreError as error:
            if self._problem is None:
                fields = {"why": str(error)}
                _log.error("incidents cannot be stored", extra={"fields": fields})
            self._problem = str(error)
            raise
        self._problem = None
        return found

    async def _insist(self, job: Callable[[Connection], None]) -> None:
        """Have something written, when it can be."""
        while True:
            with suppress(StoreError):
                return await self._write(job)
            await asyncio.sleep(_AGAIN)

    async def _tidy(self) -> None:
        limits = Limits(
            self._settings.retention, self._settings.most_megabytes * _MEGABYTE
        )
        while True:
            with suppress(StoreError):
                gone = await self._write(partial(prune, limits=limits, now=self._now()))
                self._counts.forgot(gone)
                await self._store.shrink()
                self._counts.waits(await self._store.read(outbox.backlog))
            await asyncio.sleep(_TIDY_EVERY)


def _address(receiver: Receiver) -> Address:
    def url() -> str:
        if receiver.url_file is None:
            found = receiver.url or ""
        else:
            try:
                found = receiver.url_file.read_text("utf-8").strip()
            except (OSError, ValueError) as error:
                said = f"{receiver.url_file} cannot be read"
                raise KpiExporterError(said) from error
        remember(found)
        return found

    return Address(receiver.name, receiver.format, url)
