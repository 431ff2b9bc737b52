"""The incidents' SQLite file: what it forgets, what it groups, what it waits for."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from exporter.sidecar.incidents import kept, outbox
from exporter.sidecar.incidents.freeze import Freezer
from exporter.sidecar.incidents.incident import Cause
from exporter.sidecar.incidents.messages import as_json
from exporter.sidecar.incidents.outbox import Patience
from exporter.sidecar.incidents.prune import Limits, prune
from exporter.sidecar.incidents.store import Store, StoreError
from exporter.sidecar.incidents.take import Taken, take
from exporter.sidecar.payload import parse
from tests.integration.incidents_support import alert, call
from tests.integration.web_support import until
from tests.unit.incidents_made import AROUND, evidence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path
    from sqlite3 import Connection
    from typing import Any, TypeVar

    T = TypeVar("T")

NOW = 1_760_100_000.0
DAY = 86400.0
PATIENCE = Patience(window=10.0, evidence=60.0)
ABOUT = kept.About("target", "shop", "pg_lock_waiters")


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = Store(tmp_path / "i.db")
    yield made
    await made.close()


async def took(store: Store, *alerts: dict[str, Any], now: float = NOW) -> Taken:
    payload = parse(call(*alerts))
    return await store.write(partial(take, alerts=payload.alerts, now=now))


async def listed(store: Store) -> list[str]:
    found = await store.read(partial(kept.listed, since=0, limit=10**6, offset=0))
    return [each.labels["number"] for each in found.incidents]


async def test_what_is_over_is_forgotten_by_its_age_and_what_is_open_is_not(
    store: Store,
) -> None:
    await took(store, alert(1), alert(2), alert(2, over=True))
    ended = 1_760_000_300.0
    old = Limits(DAY, 10**9)
    assert await store.write(partial(prune, limits=old, now=ended + DAY - 1)) == 0
    assert await store.write(partial(prune, limits=old, now=ended + DAY + 1)) == 1
    assert await listed(store) == ["1"]


async def test_too_large_a_file_forgets_what_is_over_first_and_gets_smaller(
    store: Store,
) -> None:
    await took(store, *(alert(n, text="x" * 4000) for n in range(1000)))
    await took(store, *(alert(n, over=True) for n in range(0, 1000, 2)))
    before = await pages(store)
    assert await store.write(partial(prune, limits=Limits(1e9, 2**21), now=NOW)) > 500
    left = await listed(store)
    assert left
    assert all(int(number) % 2 for number in left)
    assert left[0] == "999"
    await store.shrink()
    assert await pages(store) < before / 2


async def pages(store: Store) -> int:
    """Return how many pages the file has, free ones included."""
    row = await store.read(lambda c: c.execute("PRAGMA page_count").fetchone())
    return int(row[0])


async def test_evidence_goes_with_its_last_incident(store: Store) -> None:
    await took(store, alert(1))

    made = evidence(missing=["x"], comparisons=[])

    def freeze(connection: Connection) -> None:
        number = kept.keep(connection, ABOUT, made)
        (one,) = kept.unfrozen(connection, ABOUT, NOW, 10)
        kept.freeze(connection, {one.id: [Cause("a", "b", "own", 1.0)]}, number)

    await store.write(freeze)
    assert await store.read(partial(kept.evidence_of, number=1)) == made
    await took(store, alert(1, over=True))
    await store.write(partial(prune, limits=Limits(1.0, 10**9), now=NOW))
    assert await store.read(partial(kept.evidence_of, number=1)) is None


async def test_a_job_that_fails_fails_alone(store: Store) -> None:
    def bad(connection: Connection) -> None:
        connection.execute("INSERT INTO receivers (name, told) VALUES ('lost', 0)")
        raise ValueError("no")

    good = [took(store, alert(number)) for number in range(20)]
    results = await asyncio.gather(*good, store.write(bad), return_exceptions=True)
    assert [type(each) for each in results] == [Taken] * 20 + [ValueError]
    assert len(await listed(store)) == 20
    assert await store.read(outbox.backlog) == {}


async def test_a_folder_that_is_missing_is_said_and_found_once_it_is_there(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "sub" / "i.db")
    with pytest.raises(StoreError, match=r"sub/i\.db cannot be used.*folder exists"):
        await took(store, alert(1))
    (tmp_path / "sub").mkdir()
    assert await took(store, alert(1)) == Taken(opened=1)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "sub").iterdir()}
    await store.close()
    assert modes == {0o600}


async def test_a_message_waits_for_its_window_and_for_evidence(store: Store) -> None:
    await store.write(partial(outbox.register, names=["a"]))
    due = partial(outbox.due, receiver="a", patience=PATIENCE)
    assert await store.read(partial(due, now=NOW)) is None
    await took(store, alert(1), now=NOW)
    assert await store.read(partial(due, now=NOW)) == NOW + 10
    assert await store.read(partial(due, now=NOW + 30)) == NOW + 31
    assert await store.read(partial(due, now=NOW + 60)) == NOW + 10
    (one,) = await store.read(partial(kept.unfrozen, about=ABOUT, until=NOW, limit=1))
    await store.write(partial(kept.freeze, causes={one.id: []}, number=None))
    assert await store.read(partial(due, now=NOW + 30)) == NOW + 10


async def test_a_message_is_the_same_until_it_arrived(store: Store) -> None:
    await store.write(partial(outbox.register, names=["a"]))
    await took(store, *(alert(number) for number in range(30)))
    made = await store.write(
        partial(outbox.compose, receiver="a", write=lambda b: as_json(b, "http://s"))
    )
    await took(store, alert(99))
    again = await store.read(partial(outbox.message, receiver="a"))
    assert made == again
    assert made is not None
    assert made.number == 30
    assert '"opened": 30' in made.body
    assert '"left_out": 10' in made.body
    assert await store.read(outbox.backlog) == {"a": 31}
    await store.write(partial(outbox.arrived, receiver="a"))
    assert await store.read(outbox.backlog) == {"a": 1}


async def test_critical_incidents_get_their_evidence_first(store: Store) -> None:
    await took(
        store,
        alert(1, severity="warning", kpi="cpu_used"),
        alert(2, severity="critical"),
    )
    waiting = await store.read(partial(kept.waiting, limit=2))
    assert [each.about.kpi for each in waiting] == ["pg_lock_waiters", "cpu_used"]


class FullOnce(Store):
    """Refuses the first job that it is to write, as a full disk does."""

    full = True

    async def write(self, job: Callable[[Connection], T]) -> T:
        if self.full:
            self.full = False
            raise StoreError("no room")
        return await super().write(job)


async def test_causes_are_kept_once_there_is_room_again(tmp_path: Path) -> None:
    store = FullOnce(tmp_path / "i.db")
    store.full = False
    await took(store, alert(1))
    store.full = True
    running = asyncio.create_task(Freezer(store, None, lambda: AROUND).run())
    look = partial(kept.waiting, limit=9)

    async def frozen() -> bool:
        return not running.done() and not await store.read(look)

    await until(frozen)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await store.close()
    assert not store.full


async def test_an_alert_of_the_past_does_not_open_again(store: Store) -> None:
    newer = {**alert(1), "startsAt": "2025-10-09T09:00:00Z"}
    assert await took(store, newer) == Taken(opened=1)
    assert await took(store, alert(1)) == Taken(opened=1, closed=1)
    found = await store.read(partial(kept.listed, since=0, limit=9, offset=0))
    assert [each.closed is None for each in found.incidents] == [True, False]
