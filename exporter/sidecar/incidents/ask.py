"""Asks Prometheus and the exporter, each question once in a while, with patience."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from exporter.errors import KpiExporterError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from types import TracebackType

_AT_ONCE = 2  # questions, so that a storm of alerts is none of questions
_MOST_KEPT = 500  # answers


class Pace(NamedTuple):
    """Seconds: how long an answer serves, and the pauses before asking again."""

    fresh: float = 30.0
    pauses: Sequence[float] = (1.0, 3.0)


class Asker:
    """Keeps answers, failures included, so that a thousand alerts ask once.

    `get` returns the text behind a URL, or raises KpiExporterError.
    """

    def __init__(self, get: Callable[..., Awaitable[str]], pace: Pace) -> None:
        """Begin without answers."""
        self._get, self._pace = get, pace
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._known: dict[tuple[str, ...], tuple[float, asyncio.Task[Any]]] = {}

    async def json(self, url: str, **parameters: str) -> Any:
        """Return what a URL says; raises KpiExporterError when it says nothing."""
        key = (url, *(part for pair in sorted(parameters.items()) for part in pair))
        now = asyncio.get_running_loop().time()
        known = self._known.get(key)
        if known is None or now - known[0] > self._pace.fresh:
            task = asyncio.create_task(self._ask(url, parameters))
            task.add_done_callback(_seen)
            self._known.pop(key, None)
            self._known[key] = (now, task)
            self._forget()
        return await asyncio.shield(self._known[key][1])

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ask no more."""
        tasks = [task for _, task in self._known.values() if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self) -> None:
        while len(self._known) > _MOST_KEPT:
            _, task = self._known.pop(next(iter(self._known)))
            task.cancel()

    async def _ask(self, url: str, parameters: Mapping[str, str]) -> Any:
        for pause in (*self._pace.pauses, None):
            try:
                async with self._turns:
                    return json.loads(await self._get(url, **parameters))
            except KpiExporterError:
                if pause is None:
                    raise
                await asyncio.sleep(pause)
            except ValueError as error:
                raise KpiExporterError("what answers there says no JSON") from error
        raise AssertionError


def _seen(task: asyncio.Task[Any]) -> None:
    """Look at what failed, which nobody may be waiting for any more."""
    if not task.cancelled():
        task.exception()
