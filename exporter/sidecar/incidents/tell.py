"""Tells a receiver one message after the other, until each has arrived."""

from __future__ import annotations

import asyncio
import logging
import random
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import aiohttp

from exporter.errors import KpiExporterError
from exporter.sidecar.incidents import messages, outbox
from exporter.sidecar.incidents.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.sidecar.incidents.outbox import Batch, Message, Patience
    from exporter.sidecar.incidents.own import Counts
    from exporter.sidecar.incidents.store import Store

_log = logging.getLogger(__name__)

_ANSWER = 10.0  # seconds for one answer
_LOOK = 1.0  # seconds between two looks at news that wait for their window
_TAKEN = range(200, 300)
_REFUSED = (400, 413, 415, 422)  # this message will never be taken
_MOST_TRIES = 5  # of what is refused
_JITTER = random.SystemRandom()
_WRITERS = {"json": messages.as_json, "slack": messages.as_slack}


class Backoff(NamedTuple):
    """Seconds: the first pause after a failure, doubled up to the longest."""

    first: float = 1.0
    longest: float = 300.0

    def pause(self, tries: int, wanted: float = 0.0) -> float:
        """Return how long to wait after so many tries; `wanted` is the receiver's."""
        doubled = self.first * 2.0 ** min(tries - 1, 30)
        return max(min(self.longest, doubled), min(self.longest, wanted)) * (
            _JITTER.uniform(0.9, 1.1)
        )


class Address(NamedTuple):
    """A receiver: its name, how it wants to be told, and where, read at each try.

    `url` raises KpiExporterError when its file cannot be read.
    """

    name: str
    style: str
    url: Callable[[], str]


class Manner(NamedTuple):
    """How all receivers are told: `link` is where readers find the sidecar."""

    link: str
    patience: Patience
    backoff: Backoff = Backoff()


class RefusalError(KpiExporterError):
    """A receiver did not take a message; `status` is None when nobody answered."""

    def __init__(self, why: str, status: int | None = None, wait: float = 0.0) -> None:
        """Keep the reason, without the address, and the pause that was asked for."""
        super().__init__(why)
        self.status, self.wait = status, wait


class Teller:
    """One receiver's messages: the next is written when the last one has arrived.

    So a receiver that was away is told of everything in one message, in order, and the
    dead one keeps nobody else waiting.
    """

    def __init__(
        self, address: Address, store: Store, manner: Manner, counts: Counts
    ) -> None:
        """Take whom to tell and how, and who counts it."""
        self.address = address
        self._store, self._manner, self._counts = store, manner, counts
        self._failing_since: float | None = None
        self._news = asyncio.Event()
        self._news.set()
        counts.receiver(address.name)

    def news(self) -> None:
        """Say that there may be something to tell."""
        self._news.set()

    async def run(self, now: Callable[[], float]) -> None:
        """Tell until cancelled; `now` gives the Unix time."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER)
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=jar) as session:
            while True:
                try:
                    await self._one(session, now)
                except StoreError as error:
                    self._failed(str(error), now())
                    await asyncio.sleep(self._manner.backoff.pause(3))

    async def _one(
        self, session: aiohttp.ClientSession, now: Callable[[], float]
    ) -> None:
        """Bring the next message to its receiver, however long that takes."""
        message = await self._next(now)
        tries = 0
        while True:
            tries += 1
            try:
                await self._send(session, message)
            except KpiExporterError as error:
                self._failed(str(error), now())
                status = getattr(error, "status", None)
                if status in _REFUSED and tries >= _MOST_TRIES:
                    self._give_up(str(error))
                    break
                wait = getattr(error, "wait", 0.0)
                await asyncio.sleep(self._manner.backoff.pause(tries, wait))
            else:
                self._worked(now())
                break
        await self._store.write(partial(outbox.arrived, receiver=self.address.name))

    async def _next(self, now: Callable[[], float]) -> Message:
        """Wait for something to tell, and for the end of its window."""
        name = self.address.name
        while True:
            self._news.clear()
            found = await self._store.read(partial(outbox.message, receiver=name))
            if found:
                return found
            due = await self._store.read(
                partial(
                    outbox.due, receiver=name, patience=self._manner.patience, now=now()
                )
            )
            if due is None:
                await self._news.wait()
            elif due > now():
                await asyncio.sleep(min(_LOOK, due - now()))
            else:
                write = partial(outbox.compose, receiver=name, write=self._write)
                if made := await self._store.write(write):
                    return made

    def _write(self, batch: Batch) -> str:
        return _WRITERS[self.address.style](batch, self._manner.link)

    async def _send(self, session: aiohttp.ClientSession, message: Message) -> None:
        key = f"{self.address.name}-{message.number}"
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        url = self.address.url()
        try:
            async with session.post(
                url, data=message.body.encode(), headers=headers, allow_redirects=False
            ) as answer:
                if answer.status not in _TAKEN:
                    raise RefusalError(
                        f"it answered {answer.status}",
                        answer.status,
                        _seconds(answer.headers.get("Retry-After", "")),
                    )
        except TimeoutError as error:
            raise RefusalError(f"no answer within {_ANSWER:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise RefusalError(
                f"it cannot be reached: {type(error).__name__}"
            ) from error

    def _failed(self, why: str, now: float) -> None:
        self._counts.tried(self.address.name, "failed")
        if self._failing_since is None:
            self._failing_since = now
            self._log("a receiver does not take messages", why)

    def _worked(self, now: float) -> None:
        self._counts.tried(self.address.name, "sent")
        if self._failing_since is not None:
            away = f"after {now - self._failing_since:.0f} s"
            self._log("a receiver takes messages again", away)
            self._failing_since = None

    def _give_up(self, why: str) -> None:
        self._counts.tried(self.address.name, "given_up")
        self._log("a message is given up, which its receiver refuses", why)

    def _log(self, event: str, why: str) -> None:
        fields = {"receiver": self.address.name, "why": why}
        _log.warning(event, extra={"fields": fields})


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() else 0.0
