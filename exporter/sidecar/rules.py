"""Brings rules into Prometheus' folder and has them loaded, or puts the old back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

from exporter.errors import KpiExporterError
from exporter.sidecar.folder import elsewhere, ours, put
from exporter.sidecar.prometheus import Loaded
from exporter.sidecar.validate import faults
from exporter.sidecar.verify import differences

if TYPE_CHECKING:
    from exporter.config_sidecar import Prometheus
    from exporter.render.installed import Installed
    from exporter.sidecar.own import Own
    from exporter.sidecar.problems import Problems
    from exporter.sidecar.prometheus import Api

_SIGNAL_PATIENCE = 10.0  # until a signalled Prometheus has loaded
_LOOK_EVERY = 0.2
_LONGEST_PAUSE = 300.0

_NONE = Loaded([], 0.0)

SUFFIX = ".yaml"

_log = logging.getLogger(__name__)


class Rules:
    """The rules of one Prometheus; it is never left with any that were not verified."""

    def __init__(
        self, prometheus: Prometheus, interval: float, problems: Problems, own: Own
    ) -> None:
        """Take where they belong, and who is told of what is wrong.

        What was refused is tried again after `interval` seconds, then ever less often.
        """
        self._settings, self._problems = prometheus, problems
        self._first_pause = interval
        self._refused: Installed | None = None
        self._again = self._pause = 0.0
        self._changes = Counter(
            "kpi_sidecar_rule_changes_total",
            "Changed rules by what became of them: loaded, refused before they entered "
            "the folder, rolled back because Prometheus did not load them, or written "
            "where no Prometheus is given.",
            ["result"],
            registry=own.registry,
        )
        self._number = Gauge(
            "kpi_sidecar_rules_loaded",
            "Rules of ours that Prometheus had loaded when they were last verified.",
            registry=own.registry,
        )
        for result in ("loaded", "refused", "rolled_back", "written"):
            self._changes.labels(result)

    async def bring(self, made: Installed, api: Api | None) -> Loaded | None:
        """Make folder and Prometheus have exactly these; returns our groups when so.

        Without a Prometheus there are none. None when it is not so; the problem is
        noted then. Raises KpiExporterError when folder or Prometheus cannot be used,
        and then the folder is as it was.
        """
        now = asyncio.get_running_loop().time()
        if self._refused is made and now < self._again:
            return None
        there = await asyncio.to_thread(ours, self._settings.rules, SUFFIX)
        if there != made.rules:
            loaded = await self._change(made, there, api)
        elif api is None:
            loaded = _NONE
        else:
            loaded = await self._keep(made, api)
        if loaded is None:
            first = self._refused is not made
            self._pause = self._first_pause if first else self._pause * 2
            self._again = now + min(_LONGEST_PAUSE, self._pause)
            self._refused = made
            return None
        self._refused = None
        self._problems.set("rules", [])
        self._problems.set("loaded", [])
        names = {group["name"] for file in made.groups.values() for group in file}
        mine = [group for group in loaded.groups if group["name"] in names]
        self._number.set(sum(len(group["rules"]) for group in mine))
        return Loaded(mine, loaded.now)

    async def _keep(self, made: Installed, api: Api) -> Loaded | None:
        """Have what is in the folder loaded, unless it is."""
        loaded = await api.loaded()
        if not await self._differences(made, loaded):
            return loaded
        loaded, wrong = await self._load(made, api)
        self._problems.set("loaded", wrong)
        return None if wrong else loaded

    async def _change(
        self, made: Installed, there: dict[str, str], api: Api | None
    ) -> Loaded | None:
        if api is not None:
            await api.loaded()  # one that does not answer gets nothing new
        wrong = await faults(made, api)
        self._problems.set("rules", wrong)
        if wrong:
            self._changes.labels("refused").inc()
            return None
        folder = self._settings.rules
        changed = await asyncio.to_thread(put, folder, made.rules, SUFFIX)
        fields = {"folder": folder, "files": ", ".join(changed)}
        _log.info("rules written", extra={"fields": fields})
        if api is None:
            self._changes.labels("written").inc()
            return _NONE
        loaded, wrong = await self._load(made, api)
        if not wrong:
            self._changes.labels("loaded").inc()
            return loaded
        await asyncio.to_thread(put, folder, there, SUFFIX)
        with contextlib.suppress(KpiExporterError):
            await api.reload(self._settings.reload)
        self._changes.labels("rolled_back").inc()
        self._problems.set("loaded", [*wrong, "the rules before were put back"])
        return None

    async def _differences(self, made: Installed, loaded: Loaded) -> list[str]:
        files = {str(group["file"]) for group in loaded.groups}
        others = await asyncio.to_thread(elsewhere, self._settings.rules, files)
        return differences(made.groups, loaded.groups, others)

    async def _load(self, made: Installed, api: Api) -> tuple[Loaded, list[str]]:
        """Reload; returns what is loaded then, and what is wrong with it."""
        how = self._settings.reload
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (_SIGNAL_PATIENCE if how else 0.0)
        try:
            await api.reload(how)
            while True:
                loaded = await api.loaded()
                wrong = await self._differences(made, loaded)
                if not wrong or loop.time() >= deadline:
                    return loaded, wrong
                await asyncio.sleep(_LOOK_EVERY)
        except KpiExporterError as error:
            return _NONE, [str(error)]
