"""The demo: starts everything, shows a live table, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import shutil
import signal
import socket
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit

import psutil

from exporter.demo import faults
from exporter.demo.alerting.notice import style, text
from exporter.demo.alerting.servers import Scraped, start_alerting
from exporter.demo.cancelled import heed_cancellation
from exporter.demo.load import PER_SECOND, Load
from exporter.demo.parts import Site, make_folder, start_servers
from exporter.demo.programs import EXPORTER_FILE, start_application, start_exporter
from exporter.demo.servers.process import ServerError
from exporter.demo.show import Show
from exporter.demo.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import NoReturn

    from exporter.demo.alerting.notice import Notice
    from exporter.demo.places import Places
    from exporter.demo.servers.process import Process

PORT = 10099
_UNKNOWN_FAULT = 2
_HEALTHY_SECONDS = 10.0
_LOOK_AGAIN = 0.5


def main(
    fault: str | None, duration: float | None, stdout: TextIO, port: int = PORT
) -> int:
    """Run the demo until Ctrl-C, SIGTERM or `duration` seconds; return the exit status.

    The fault is injected after a healthy phase: ten seconds, or a third of `duration`
    if that is less. 0 is a good end, 1 a failure, 2 a fault that does not exist; errors
    are one message on stderr.
    """
    try:
        chosen = faults.load(fault) if fault else None
    except faults.FaultError as error:
        sys.stderr.write(f"kpi-exporter demo: {error}\n")
        return _UNKNOWN_FAULT
    # What drivers log when their server is ended under them is of no use to the reader.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        asyncio.run(_until_stopped(World(Show(stdout), port).run(chosen, duration)))
    except (ServerError, faults.FaultError) as error:
        sys.stderr.write(f"kpi-exporter demo: {error}\n")
        return 1
    return 0


async def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run the work; a signal to stop ends it in order, further ones change nothing."""
    running = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    stopped: list[int] = []

    def stop(number: int) -> None:
        if not stopped:
            running.cancel()
        stopped.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop, number)
    try:
        await running
    except asyncio.CancelledError:
        if not stopped:
            raise


class World:
    """Everything that runs, in the order in which it is started; stopped backwards."""

    def __init__(self, show: Show, port: int) -> None:
        """Serve the exporter on `port`; nothing is started yet."""
        self._show = show
        self._listen = f"127.0.0.1:{port}"
        self._port = port
        self._state = "no fault"

    async def run(self, fault: faults.Fault | None, duration: float | None) -> None:
        """Start, show, stop; raises ServerError or FaultError."""
        _require_free(self._port)
        async with AsyncExitStack() as stack:
            stack.callback(self._show.say, "stopped, nothing left behind")
            folder = make_folder()
            stack.push_async_callback(asyncio.to_thread, shutil.rmtree, folder)
            self._show.say(f"folder {folder}, passwords in {folder / 'secrets'}")
            stack.callback(self._show.say, "stopping")
            site = Site(folder, stack, self._show.say)
            places, watch = await start_servers(site, self._listen)
            if fault:
                faults.require(fault, places)
            programs = (
                await start_application(site, places),
                await start_exporter(site, watch),
                *await self._alerting(site, places),
            )
            self._show.say(f"load: {PER_SECOND} requests/s; Ctrl-C stops everything")
            if not fault:
                known = ", ".join(faults.names())
                self._show.say(f"to break something, start it with a fault: {known}")
            heed_cancellation()
            await self._live(places, fault, programs, duration)

    async def _alerting(self, site: Site, places: Places) -> tuple[Process, ...]:
        address = urlsplit(places.application).netloc
        scraped = Scraped(self._listen, address, site.folder / EXPORTER_FILE)
        try:
            return (await start_alerting(site, scraped, self._arrived)).programs
        except ServerError as error:
            self._show.say(f"left out: Prometheus and Alertmanager. {error}")
            return ()

    def _arrived(self, notice: Notice) -> None:
        self._show.say(text(notice), style(notice))

    async def _live(
        self,
        places: Places,
        fault: faults.Fault | None,
        programs: tuple[Process, ...],
        duration: float | None,
    ) -> None:
        """Keep load, fault and table going until cancelled or time is up."""
        load = Load(places)
        watcher = Watcher(f"http://{self._listen}", places.application)
        with self._show:
            work = [load.run(), _guard(programs), watcher.run(self._show, self._title)]
            if fault:
                healthy = min(_HEALTHY_SECONDS, (duration or math.inf) / 3)
                work.append(self._break(fault, places, healthy))
            tasks = [asyncio.create_task(part) for part in work]
            try:
                done, _ = await asyncio.wait(
                    tasks, timeout=duration, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    def _title(self) -> str:
        return self._state

    async def _break(
        self, fault: faults.Fault, places: Places, healthy: float
    ) -> NoReturn:
        """Inject the fault after the healthy phase; mend it when cancelled."""
        self._show.say(f"fault {fault.name} in {healthy:.0f} s: {fault.breaks}")
        self._state = f"{fault.name} soon"
        await asyncio.sleep(healthy)
        try:
            async with fault.broken(places):
                heed_cancellation()
                self._show.say(f"fault {fault.name} is in")
                self._state = f"FAULT {fault.name}"
                await asyncio.Event().wait()
        except Exception as error:
            raise faults.FaultError(
                f"the fault {fault.name} failed: {error}"
            ) from error
        raise faults.FaultError(f"the fault {fault.name} ended by itself")


async def _guard(programs: tuple[Process, ...]) -> NoReturn:
    """Raise ServerError when one of our own programs ends."""
    while True:
        for program in programs:
            if not program.alive:
                tail = program.log.read_text(errors="replace")[-2000:]
                raise ServerError(f"{program.log.stem} ended by itself:\n{tail}")
        await asyncio.sleep(_LOOK_AGAIN)


def _require_free(port: int) -> None:
    """Check that nobody listens on the exporter's port; raises ServerError."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return
    raise ServerError(
        f"port {port} of 127.0.0.1 is taken by {_holder(port)}; the demo's exporter"
        " needs it: end that program first"
    )


def _holder(port: int) -> str:
    """Name the process that listens on a port, as far as we may know it."""
    with contextlib.suppress(psutil.Error):
        for found in psutil.net_connections("tcp"):
            listens = found.status == psutil.CONN_LISTEN
            if listens and found.pid and found.laddr[1:] == (port,):
                return f"{psutil.Process(found.pid).name()} (pid {found.pid})"
    return "another program"
