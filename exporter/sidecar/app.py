"""The sidecar's composition root: configuration → parts → web; closes all of it."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING, TextIO

from exporter.errors import ConfigError
from exporter.sidecar.own import Own
from exporter.sidecar.pages import Pages, build
from exporter.threads import Threads
from exporter.web.server import start
from exporter.web.web_config import WebConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.config import Config
    from exporter.config_sidecar import Sidecar
    from exporter.sidecar.part import Part

_log = logging.getLogger(__name__)


def section(config: Config) -> Sidecar:
    """Return the sidecar's section; raises ConfigError when there is none."""
    if config.sidecar is None:
        raise ConfigError(["sidecar: is needed; the README has an example"])
    return config.sidecar


def parts_of(config: Config, read: Callable[[], Config], own: Own) -> list[Part]:
    """Make the parts that are configured; `read` loads the configuration again."""
    del config, read, own
    return []


async def serve(config: Config, read: Callable[[], Config]) -> None:
    """Run until SIGINT or SIGTERM; raises ConfigError before anything starts."""
    web = section(config).web
    guard = WebConfig(web.config_file) if web.config_file else None
    own = Own()
    parts = parts_of(config, read, own)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(Threads())
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
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


async def once(config: Config, out: TextIO) -> int:
    """Bring everything in step and verify it, once; returns 0 when all is well."""
    section(config)
    out.write("nothing to bring in step\n")
    return 0


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
