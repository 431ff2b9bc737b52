"""Brings dashboards into Grafana: into a provisioned folder, or through its API."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from exporter.check_http import Browser, RefusedError, shown
from exporter.errors import KpiExporterError
from exporter.secret import remember
from exporter.sidecar.folder import ours, put

if TYPE_CHECKING:
    from exporter.config_sidecar import Grafana

FOLDER = "kpi-exporter"
SUFFIX = ".json"
_TITLE = "KPI"
_THERE = (409, 412)  # a folder of that uid is there already
_MOST = "500"


class Boards:
    """The dashboards of one Grafana."""

    def __init__(self, settings: Grafana) -> None:
        """Take where they belong."""
        self._settings = settings
        self._given: dict[str, str] | None = None

    async def bring(self, made: dict[str, str], browser: Browser) -> list[str]:
        """Make Grafana have exactly these; returns what is not so.

        Through the API they are sent once, and again when one of them is gone. Raises
        KpiExporterError when folder or API cannot be used.
        """
        folder = self._settings.folder
        if folder is not None:
            await asyncio.to_thread(put, folder, made, SUFFIX)
            there = await asyncio.to_thread(ours, folder, SUFFIX)
            return [f"{folder / n} is not as written" for n in made if n not in there]
        api = _Api(browser, self._settings.url or "", await self._token())
        wanted = {json.loads(text)["uid"]: json.loads(text) for text in made.values()}
        there_now = await api.uids()
        if self._given != made or wanted.keys() - there_now:
            await api.put_folder()
            for board in wanted.values():
                await api.put(board)
            for uid in there_now - wanted.keys():
                await api.remove(uid)
            there_now = await api.uids()
            self._given = made
        gone = sorted(wanted.keys() - there_now)
        return [
            f"{shown(self._settings.url or '')}: {uid} is not there" for uid in gone
        ]

    async def _token(self) -> str:
        place = self._settings.token_file
        if place is None:
            return ""
        try:
            token = (await asyncio.to_thread(place.read_text, "utf-8")).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise KpiExporterError(f"{place}: cannot be read") from error
        remember(token)
        return token


class _Api:
    """The parts of Grafana's API that are asked."""

    def __init__(self, browser: Browser, url: str, token: str) -> None:
        self._browser, self._url, self._token = browser, f"{url}/api", token

    async def put_folder(self) -> None:
        try:
            await self._send("folders", {"uid": FOLDER, "title": _TITLE})
        except RefusedError as error:
            if error.status not in _THERE:
                raise

    async def put(self, board: dict[str, Any]) -> None:
        body = {"dashboard": board, "folderUid": FOLDER, "overwrite": True}
        await self._send("dashboards/db", body)

    async def remove(self, uid: str) -> None:
        await self._send(f"dashboards/uid/{quote(uid, safe='')}", None, "DELETE")

    async def uids(self) -> set[str]:
        """Return the uids of the dashboards in our folder, which holds ours alone."""
        path = f"search?type=dash-db&folderUIDs={FOLDER}&limit={_MOST}"
        answer = await self._send(path, None, "GET")
        try:
            return {str(found["uid"]) for found in json.loads(answer)}
        except (ValueError, KeyError, TypeError) as error:
            said = f"{shown(self._url)}: the answer is not that of a Grafana"
            raise KpiExporterError(said) from error

    async def _send(self, path: str, body: Any, method: str = "POST") -> str:
        url = f"{self._url}/{path}"
        return await self._browser.send(url, body, method=method, token=self._token)
