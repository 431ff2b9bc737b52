"""A source without a server, whose answers a test writes down beforehand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from exporter.collector import Collector, Cost, SourceKind, stateless
from exporter.config import PostgresTarget
from exporter.errors import Reason, SourceError
from exporter.metrics import gauge
from exporter.snapshot import Snapshot
from exporter.sources.base import Source
from exporter.target import Clock, TargetPoller

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from exporter.collector import AnyCollector
    from exporter.metrics import Sample
    from exporter.sources.base import ResultT

VALUE = gauge("pg_value", "A value.", "collector")


class Time:
    """Both clocks of a test, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now + 1_700_000_000


class Scripted(Source[PostgresTarget]):
    """Reaches its server unless `unreachable` says why not; counts what it does."""

    def __init__(self, config: PostgresTarget) -> None:
        super().__init__(config)
        self.unreachable: SourceError | None = None
        self.connects = 0
        self.open = False
        self.frozen = False
        self.server: str | SourceError | None = None

    async def identity(self) -> str | None:
        if isinstance(self.server, SourceError):
            raise self.server
        return self.server

    @property
    def connections(self) -> int:
        return int(self.open)

    async def _connect(self) -> None:
        if self.open:
            return
        self.connects += 1
        self.opened += 1
        if self.frozen:
            await asyncio.Event().wait()
        if self.unreachable:
            raise self.unreachable
        self.open = True

    async def _read(self, read: Callable[[Self], Awaitable[ResultT]]) -> ResultT:
        self.queries += 1
        if self.frozen:
            await asyncio.Event().wait()
        return await read(self)

    def _classify(self, error: Exception) -> SourceError:
        return SourceError(Reason.INTERNAL, str(error), answered=True)

    def discard(self) -> None:
        self.open = False

    async def close(self) -> None:
        self.open = False


def target(**settings: Any) -> PostgresTarget:
    config = PostgresTarget.model_validate({"dsn": "host=nowhere", **settings})
    config.name_it("orders")
    return config


class Subject:
    """A collector whose next answers are given as a list; then it repeats the last."""

    def __init__(self, name: str, *answers: float | Exception) -> None:
        self.name = name
        self.answers = list(answers)
        self.runs = 0

    async def read(self, _source: Scripted) -> float:
        self.runs += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def samples(self, value: float, _state: None) -> Iterator[Sample]:
        yield VALUE(value, self.name)

    def collector(
        self, *, interval: float | None = None, cost: Cost = Cost.CHEAP
    ) -> Collector[Scripted, float, None]:
        return Collector(
            name=self.name,
            source=SourceKind.POSTGRES,
            metrics=(VALUE,),
            read=self.read,
            samples=self.samples,
            state=stateless,
            privilege="none",
            interval=interval,
            cost=cost,
        )


class World:
    """One target over a scripted source, with time that stands still."""

    def __init__(self, *collectors: AnyCollector, **settings: object) -> None:
        self.time = Time()
        self.snapshot = Snapshot()
        self.source = Scripted(target(**settings))
        clock = Clock(self.time.monotonic, self.time.wall)
        self.poller = TargetPoller(self.source, collectors, self.snapshot, clock)

    async def round(self, after: float = 15.0) -> str:
        self.time.now += after
        await self.poller.round()
        return self.page()

    def page(self) -> str:
        return self.snapshot.page("orders").plain.decode()
