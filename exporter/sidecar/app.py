"""The sidecar's composition root: configuration → parts → web; closes all of it."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from typing import TYPE_CHECKING, TextIO

from exporter.errors import ConfigError
from exporter.sidecar import cluster
from exporter.sidecar.delivery import Delivery
from exporter.sidecar.followed import Followed
from exporter.sidecar.incidents.part import Incidents
from exporter.sidecar.own import Own
from exporter.sidecar.pages import Pages, build
from exporter.sidecar.sync import Sync
from exporter.threads import Threads
from exporter.web.server import start
from exporter.web.web_config import WebConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from exporter.config import Config
    from exporter.config_sidecar import Sidecar
    from exporter.sidecar.part import Part

_LOOK_EVERY = 1.0  # seconds between looks at rules that are not evaluated yet

_log = logging.getLogger(__name__)


def section(config: Config) -> Sidecar:
    """Return the sidecar's section; raises ConfigError when there is none."""
    found: Sidecar | None = config.sidecar
    if found is None:
        raise ConfigError(["sidecar: is needed; the README has an example"])
    return found


def parts_of(settings: Sidecar, followed: Followed, own: Own) -> list[Part]:
    """Make the parts that are configured."""
    parts: list[Part] = []
    if settings.prometheus or settings.grafana:
        parts.append(Sync(followed, settings, own, time.time))
    if settings.incidents:
        parts.append(Incidents(followed, settings, own, time.time))
    if settings.watchdog or settings.alertmanagers:
        parts.append(Delivery(followed, settings, own, time.time))
    return parts


async def serve(file: Path, read: Callable[[], Config]) -> None:
    """Run until SIGINT or SIGTERM; raises ConfigError before anything starts."""
    own = Own()
    followed = Followed(file, read, own)
    settings = section(followed.config)
    web = settings.web
    guard = WebConfig(web.config_file) if web.config_file else None
    parts = parts_of(settings, followed, own)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(Threads())
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, followed.again)
    server = await start(build(Pages(parts, own), guard), web.listen, guard)
    try:
        for host, port, *_ in server.addresses:
            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            _log.info("listening", extra={"fields": {"address": address}})
        await _run(parts, stop)
    finally:
        await server.cleanup()
        for part in parts:
            await part.close()


async def once(file: Path, read: Callable[[], Config], out: TextIO) -> int:
    """Bring rules and dashboards in step and verify them; returns 0 when all is well.

    What is not well is written to `out`, one problem per line, and returns 1. Where a
    Prometheus is asked, so are its Alertmanagers; what they hide is written as well.
    """
    own = Own()
    followed = Followed(file, read, own)
    settings = section(followed.config)
    sync = Sync(followed, settings, own, time.time)
    await sync.step()
    while sync.waiting:
        await asyncio.sleep(_LOOK_EVERY)
        await sync.step()
    problems = sync.problems()
    before_it_starts = settings.prometheus and not settings.prometheus.url
    if settings.alertmanagers and not before_it_starts:
        looked = await cluster.looked(followed.config, settings)
        problems += [f"alertmanagers: {each}" for each in looked.wrong]
        out.writelines(f"hidden: {each}\n" for each in looked.hidden)
    out.writelines(f"{problem}\n" for problem in problems)
    if not problems:
        verified = f"verified after {sync.took:.1f} s" if sync.took else "not verified"
        out.write(f"in step, {verified}\n")
    return int(bool(problems))


async def _run(parts: Sequence[Part], stop: asyncio.Event) -> None:
    """Run all parts until `stop`; what one of them raises ends the process."""
    tasks = [asyncio.create_task(part.run()) for part in parts]
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in (stopped, *tasks):
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended
