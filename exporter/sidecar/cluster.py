"""One look at all Alertmanagers, for a run that ends: what is wrong, what is hidden."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from exporter.check_http import Browser
from exporter.errors import KpiExporterError
from exporter.promises import plan_of
from exporter.render.files import rule_groups
from exporter.sidecar import alertmanagers, silences
from exporter.sidecar.prometheus import Api

if TYPE_CHECKING:
    from exporter.config import Config
    from exporter.config_sidecar import Sidecar
    from exporter.sidecar.alertmanagers import Seen

_PATIENCE = 15.0  # seconds until a first Watchdog has reached each of them
_LOOK_EVERY = 1.0


class Looked(NamedTuple):
    """What is wrong with the Alertmanagers, and which critical alerts they hide."""

    wrong: list[str]
    hidden: list[str]


async def looked(config: Config, settings: Sidecar) -> Looked:
    """Look until nothing is wrong, or for as long as a new Watchdog may take."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE
    async with Browser() as browser:
        while True:
            seen, wrong = await _look(browser, settings)
            if not wrong or loop.time() >= deadline:
                break
            await asyncio.sleep(_LOOK_EVERY)
    alerts, known = alertmanagers.of_all(seen)
    critical = silences.critical(rule_groups(plan_of(config)))
    hidden = silences.hidden(alerts, known, critical)
    return Looked(wrong, [each.said for each in hidden])


async def _look(browser: Browser, settings: Sidecar) -> tuple[list[Seen], list[str]]:
    urls, prometheus = settings.alertmanagers, settings.prometheus
    wrong: list[str] = []
    if prometheus and prometheus.url:
        try:
            known = await Api(browser, prometheus.url).alertmanagers()
        except KpiExporterError as error:
            wrong.append(str(error))
        else:
            wrong += alertmanagers.unsent(known, len(urls))
    seen: list[Seen] = []
    for name, answer in (await alertmanagers.look_at_all(browser, urls)).items():
        if isinstance(answer, KpiExporterError):
            wrong.append(str(answer))
            continue
        seen.append(answer)
        faults = alertmanagers.faults(answer, len(urls))
        wrong += [f"{name}: {each}" for each in faults]
    return seen, wrong
