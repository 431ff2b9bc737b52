"""The second way: a URL or a command that is told when alerts do not arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from exporter.check_http import Browser, shown
from exporter.errors import KpiExporterError
from exporter.programs import run

if TYPE_CHECKING:
    from exporter.config_sidecar import DeadMan
    from exporter.sidecar.watch import Status

_PATIENCE = 30.0
_MOST_BYTES = 4096


async def call(settings: DeadMan, status: Status, summary: str) -> None:
    """Tell it, in at most 30 s; raises KpiExporterError, without the path of a URL.

    A URL gets a POST of `{"source", "status", "summary"}` and must answer with success,
    a command gets status and summary as its last arguments and must end with 0.
    """
    if settings.url is not None:
        body = {"source": "kpi-sidecar", "status": status, "summary": summary}
        try:
            async with Browser() as browser:
                await browser.send(settings.url, body)
        except KpiExporterError as error:
            why = str(error).removeprefix(f"{shown(settings.url)}: ")
            host = urlsplit(settings.url).hostname
            raise KpiExporterError(f"the dead man's URL at {host}: {why}") from error
        return
    command = settings.command or ()
    try:
        ended = await run([*command, status, summary], _PATIENCE, _MOST_BYTES)
    except (OSError, ValueError, TimeoutError) as error:
        said = f"not done within {_PATIENCE:g} s"
        why = said if isinstance(error, TimeoutError) else f"cannot be run: {error}"
        raise KpiExporterError(f"the dead man's command {command[0]}: {why}") from error
    if ended.status != 0:
        said = f"the dead man's command {command[0]}: ended with {ended.status}"
        raise KpiExporterError(said)
