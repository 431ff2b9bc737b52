"""The shop's background worker: takes queued tasks one after another."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from typing import NoReturn

    from exporter.demo.shop.database import Database
    from exporter.demo.shop.instruments import Instruments

_LOG = logging.getLogger("shop.worker")
_IDLE_SECONDS = 0.25
_WORK_SECONDS = 0.05


class Worker:
    """Works on tasks as long as there are any, then looks again a little later."""

    def __init__(self, database: Database, instruments: Instruments) -> None:
        """Use an open database."""
        self._database = database
        self._instruments = instruments

    async def run(self) -> NoReturn:
        """Work until cancelled; a database that refuses is asked again."""
        while True:
            try:
                found = await self._one()
            except psycopg.Error as error:
                _LOG.warning("a task waits: %s", error)
                found = False
            if not found:
                await asyncio.sleep(_IDLE_SECONDS)

    async def _one(self) -> bool:
        task = await self._database.claim_task()
        if task is None:
            return False
        await asyncio.sleep(_WORK_SECONDS)
        age = await self._database.finish_task(task["id"])
        self._instruments.task.labels(task["kind"]).observe(age)
        return True
