"""Prometheus with the rendered rules and Alertmanager, each a child process."""

from __future__ import annotations

import asyncio
import shutil
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from urllib.error import URLError

from exporter.config_load import load
from exporter.demo.alerting import settings
from exporter.demo.alerting.receiver import Receiver
from exporter.demo.children import in_thread
from exporter.demo.servers.process import Process, ServerError, free_port, hand_over
from exporter.promises import plan_of
from exporter.render.files import Format, files
from exporter.render.write import write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from exporter.demo.alerting.notice import Notice
    from exporter.demo.parts import Site

PROMETHEUS, ALERTMANAGER = "prometheus", "alertmanager"
_COMMANDS = {
    PROMETHEUS: ("prometheus",),
    ALERTMANAGER: ("alertmanager", "prometheus-alertmanager"),
}
_FLAGS = {
    # Prometheus drops what fires before it has found Alertmanager, and sends it again.
    PROMETHEUS: ("--storage.tsdb.path=data", "--rules.alert.resend-delay=5s"),
    ALERTMANAGER: ("--storage.path=data", "--cluster.listen-address="),
}
_START_PATIENCE = 60.0
_ANSWER_PATIENCE = 2.0


class Scraped(NamedTuple):
    """What Prometheus is to scrape (`host:port`), and the exporter's configuration."""

    exporter: str
    application: str
    configuration: Path


class Alerting(NamedTuple):
    """Both servers as they run, and Prometheus' address."""

    prometheus: str
    programs: tuple[Process, Process]


async def start_alerting(
    site: Site,
    scraped: Scraped,
    arrived: Callable[[Notice], None],
    others: Sequence[str] = (),
) -> Alerting:
    """Start both, with rules that are quick; raises ServerError.

    `arrived` is told of every alert that Alertmanager sends, and so are the webhooks
    whose URLs are `others`.
    """
    commands = {name: installed(name) for name in _COMMANDS}
    site.say("starting Prometheus and Alertmanager")
    receiver = await site.stack.enter_async_context(Receiver(arrived))
    sender = _Server(site, ALERTMANAGER, commands[ALERTMANAGER])
    await sender.start(settings.alertmanager(receiver.url, *others))
    judge = _Server(site, PROMETHEUS, commands[PROMETHEUS])
    plan = replace(plan_of(load(scraped.configuration)), speed=settings.SPEED)
    write(files(plan, Format.PROMETHEUS, {}), judge.folder)
    await judge.start(
        settings.prometheus(
            exporter=scraped.exporter,
            application=scraped.application,
            alertmanager=sender.address,
        )
    )
    return Alerting(f"http://{judge.address}", (judge.process, sender.process))


class _Server:
    """One of the two: its folder, address and process."""

    def __init__(self, site: Site, name: str, command: str) -> None:
        self.folder = site.folder / name
        self.address = f"127.0.0.1:{free_port()}"
        self._site, self._name, self._command = site, name, command

    async def start(self, text: str) -> None:
        """Start it with this configuration and wait until it is ready."""
        hand_over(self.folder)
        file = f"{self._name}.yml"
        (self.folder / file).write_text(text, "utf-8")
        self.process = Process(
            [
                self._command,
                f"--config.file={file}",
                f"--web.listen-address={self.address}",
                "--log.level=warn",
                *_FLAGS[self._name],
            ],
            self.folder / f"{self._name}.log",
        )
        stack, say = self._site.stack, self._site.say
        stack.push_async_callback(asyncio.to_thread, self.process.stop)
        await in_thread(
            lambda: self.process.wait_until(self._is_ready, _START_PATIENCE)
        )
        say(f"{self._name} on http://{self.address}, pid {self.process.pid}")

    def _is_ready(self) -> bool:
        url = f"http://{self.address}/-/ready"
        try:
            with urllib.request.urlopen(url, timeout=_ANSWER_PATIENCE):
                return True
        except (URLError, OSError):
            return False


def installed(name: str) -> str:
    """Return the path of a program, one of the two; raises ServerError."""
    found = next(filter(None, map(shutil.which, _COMMANDS[name])), None)
    if found is None:
        raise ServerError(
            f"no {name} is installed, so nobody is alerted;"
            " Debian: apt install prometheus prometheus-alertmanager"
        )
    return found
