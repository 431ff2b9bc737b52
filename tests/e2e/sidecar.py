"""The sidecar's incidents beside the demo's world."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from exporter.config_sidecar import Sidecar
from exporter.sidecar.incidents.part import Incidents
from exporter.sidecar.own import Own
from exporter.sidecar.pages import Pages, build
from exporter.web.server import start

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from exporter.config import Config


class Fixed(NamedTuple):
    """A configuration that stays in force."""

    config: Config


@asynccontextmanager
async def keeping(
    config: Config, folder: Path, addresses: tuple[str, str]
) -> AsyncIterator[str]:
    """Keep incidents; `addresses` are where to listen, and Prometheus' URL.

    Gives the URL of their list.
    """
    listen, prometheus = addresses
    settings = Sidecar.model_validate(
        {
            "exporter": f"http://{config.web.listen}",
            "prometheus": {"url": prometheus, "rules": str(folder)},
            "incidents": {"path": str(folder / "incidents.db")},
        }
    )
    own = Own()
    part = Incidents(Fixed(config), settings, own, time.time)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(part.close)
        server = await start(build(Pages([part], own), None), listen, None)
        stack.push_async_callback(server.cleanup)
        running = asyncio.create_task(part.run())
        stack.push_async_callback(_end, running)
        yield f"http://{listen}/incidents.json?limit=1000"


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
