"""The demo's own programs: sample application and exporter, each a child process."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
from typing import TYPE_CHECKING
from urllib.error import URLError

from exporter.demo.children import in_thread
from exporter.demo.servers.process import Process
from exporter.demo.settings import render

if TYPE_CHECKING:
    from exporter.demo.parts import Site
    from exporter.demo.places import Places
    from exporter.demo.settings import Watch

EXPORTER_FILE = "exporter.yaml"
_START_PATIENCE = 60.0
_ANSWER_PATIENCE = 2.0


async def start_application(site: Site, places: Places) -> Process:
    """Start the shop and wait until it serves; raises ServerError."""
    site.say("starting the sample application")
    file = _write(site, "application.json", json.dumps(places.as_dict()))
    command = ["exporter.demo.shop.application", file]
    child = await _start(site, command, places.application)
    site.say(f"sample application on {places.application}, pid {child.pid}")
    return child


async def start_exporter(site: Site, watch: Watch) -> Process:
    """Start the exporter and wait until it serves; raises ServerError."""
    site.say("starting the exporter")
    file = _write(site, EXPORTER_FILE, render(watch))
    command = ["exporter", "serve", "--config", file]
    child = await _start(site, command, f"http://{watch.listen}")
    site.say(f"exporter on http://{watch.listen}/metrics, pid {child.pid}, {file}")
    return child


def _write(site: Site, name: str, text: str) -> str:
    file = site.folder / name
    file.touch(0o600)
    file.write_text(text, "utf-8")
    return str(file)


async def _start(site: Site, module: list[str], address: str) -> Process:
    folder = site.folder / "programs"
    folder.mkdir(exist_ok=True)
    log = folder / f"{module[0].rpartition('.')[2]}.log"
    child = Process([sys.executable, "-m", *module], log, as_ourselves=True)
    site.stack.push_async_callback(asyncio.to_thread, child.stop)
    url = f"{address}/metrics"
    await in_thread(lambda: child.wait_until(lambda: _serves(url), _START_PATIENCE))
    return child


def _serves(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_PATIENCE):  # noqa: S310 - our own loopback address
            return True
    except (URLError, OSError):
        return False
