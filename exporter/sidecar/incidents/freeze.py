"""Gives incidents their evidence and causes, after they were acknowledged."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from exporter.sidecar.incidents import kept
from exporter.sidecar.incidents.candidates import causes
from exporter.sidecar.incidents.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from sqlite3 import Connection

    from exporter.sidecar.incidents.candidates import Surroundings
    from exporter.sidecar.incidents.fetch import Fetcher
    from exporter.sidecar.incidents.incident import Cause, Evidence, Incident
    from exporter.sidecar.incidents.kept import About, Waiting
    from exporter.sidecar.incidents.store import Store

_log = logging.getLogger(__name__)

_WINDOW = 30.0  # seconds for which incidents about the same share evidence
_AT_ONCE = 2  # promises whose evidence is fetched
_CHUNK = 200  # incidents that are ranked between two looks at the event loop
_AGAIN = 50  # incidents that are ranked again when others began near them
_BREATH = 1.0  # seconds between two rounds: what comes meanwhile is one round
_PAUSE = 5.0  # seconds before the store is tried again


class _Frozen(NamedTuple):
    """Evidence, and where the store has it; None where it has not yet, or never."""

    number: int | None
    evidence: Evidence | None


class Freezer:
    """Works through what waits for evidence; the store is its list of work.

    `fetcher` is None where evidence is switched off: then causes come from the alerts.
    `looked` is called when incidents have got their causes.
    """

    def __init__(
        self, store: Store, fetcher: Fetcher | None, around: Callable[[], Surroundings]
    ) -> None:
        """Begin with nothing to do until `wake`."""
        self._store, self._fetcher, self._around = store, fetcher, around
        self._wake = asyncio.Event()
        self._wake.set()
        self.looked: Callable[[], None] = lambda: None

    def wake(self) -> None:
        """Say that there may be something to do."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._work()
            except* StoreError as group:
                fields = {"why": str(group.exceptions[0])}
                _log.warning("evidence waits", extra={"fields": fields})
                await asyncio.sleep(_PAUSE)
                self._wake.set()
            await asyncio.sleep(_BREATH)

    async def _work(self) -> None:
        while found := await self._store.read(partial(kept.waiting, limit=_AT_ONCE)):
            async with asyncio.TaskGroup() as group:
                for each in found:
                    group.create_task(self._freeze(each))
            self.looked()
        await self._again()
        self.looked()

    async def _freeze(self, waiting: Waiting) -> None:
        """Fetch what incidents of one promise share, and rank it for each of them."""
        about, since = waiting.about, waiting.received
        frozen = await self._evidence(waiting)
        until = since + _WINDOW
        near = await self._near(about, waiting.opened)
        some = partial(kept.unfrozen, about=about, until=until, limit=_CHUNK)
        while incidents := await self._store.read(some):
            found = self._ranked(incidents, frozen.evidence, near)
            put = partial(_put, about=about, frozen=frozen, found=found)
            frozen = await self._store.write(put)
            await asyncio.sleep(0)

    async def _evidence(self, waiting: Waiting) -> _Frozen:
        """Return the evidence of the moment: kept by a sibling lately, or fetched."""
        about, moment = waiting.about, waiting.received
        if self._fetcher is None:
            return _Frozen(None, None)
        look = partial(kept.recent, about=about, moment=moment, window=_WINDOW)
        number = await self._store.read(look)
        if number is not None:
            known = await self._store.read(partial(kept.evidence_of, number=number))
            return _Frozen(number, known)
        fetched = await self._fetcher.fetch(about, waiting.severity, moment)
        return _Frozen(None, fetched)

    async def _near(self, about: About, moment: float) -> list[Incident]:
        names = [*self._around().targets(about.scope, about.who), about.who]
        return await self._store.read(partial(kept.near, names=names, moment=moment))

    def _ranked(
        self,
        incidents: Sequence[Incident],
        evidence: Evidence | None,
        near: Sequence[Incident],
    ) -> dict[str, list[Cause]]:
        return {each.id: self._causes(each, evidence, near) for each in incidents}

    def _causes(
        self, incident: Incident, evidence: Evidence | None, near: Sequence[Incident]
    ) -> list[Cause]:
        try:
            return causes(incident, evidence, near, self._around())
        except Exception:  # noqa: BLE001 - one odd incident must not stop all the others
            _log.exception("no cause", extra={"fields": {"incident": incident.id}})
            return []

    async def _again(self) -> None:
        """Rank the latest anew: what broke them may have been alerted after them."""
        latest = await self._store.read(partial(kept.latest, limit=_AGAIN))
        known: dict[int | None, Evidence | None] = {}
        for each in latest:
            about = kept.About(each.scope, each.who, each.kpi)
            near = await self._near(about, each.opened)
            number = each.evidence
            if number not in known:
                look = partial(kept.evidence_of, number=number)
                known[number] = await self._store.read(look)
            found = self._ranked([each], known[number], near)
            if found[each.id] != list(each.causes):
                await self._store.write(partial(kept.rerank, causes=found))


def _put(
    connection: Connection, about: About, frozen: _Frozen, found: dict[str, list[Cause]]
) -> _Frozen:
    """Keep evidence, unless it is kept already, and the causes found by it."""
    if frozen.number is None and frozen.evidence is not None:
        number = kept.keep(connection, about, frozen.evidence)
        frozen = frozen._replace(number=number)
    kept.freeze(connection, found, frozen.number)
    return frozen
