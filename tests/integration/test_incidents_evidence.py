"""Evidence from Prometheus and exporter: asked with patience; what lacks is named."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from exporter.check_http import Browser
from exporter.collector import SourceKind
from exporter.sidecar.incidents.ask import Asker, Pace
from exporter.sidecar.incidents.candidates import Surroundings
from exporter.sidecar.incidents.fetch import Fetcher, World
from exporter.sidecar.incidents.kept import About
from exporter.sidecar.incidents.worlds import Worlds
from tests.integration.incidents_support import (
    BEGAN,
    Asked,
    Fixed,
    answering,
    config,
)
from tests.integration.web_support import until

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.config import Config
    from exporter.sidecar.incidents.incident import Evidence

LOCK = About("target", "shop", "pg_lock_waiters")
QUICK = Pace(fresh=30.0, pauses=(0.01, 0.01))


async def fetched(url: str, deadline: float = 20.0, pace: Pace = QUICK) -> Evidence:
    kinds = {"shop": SourceKind.POSTGRES, "local": SourceKind.HOST}
    world = World(url, url, {}, kinds, Surroundings({}, {}, ["local"]))
    async with Browser() as browser, Asker(browser.get, pace) as asker:
        fetcher = Fetcher(lambda: world, asker, deadline)
        return await fetcher.fetch(LOCK, "critical", BEGAN)


async def test_what_answers_at_last_is_asked_again_until_then() -> None:
    asked = Asked()
    asked.status = 503
    async with answering(asked) as url:
        kinds = {"shop": SourceKind.POSTGRES}
        world = World(url, None, {}, kinds, Surroundings({}))
        pace = Pace(pauses=(0.2,) * 100)
        async with Browser() as browser, Asker(browser.get, pace) as asker:
            fetching = Fetcher(lambda: world, asker).fetch(LOCK, "critical", BEGAN)

            async def mend() -> bool:
                asked.status = 200 if len(asked.queries) >= 3 else 503
                return asked.status == 200

            found, _ = await asyncio.gather(fetching, until(mend))
    assert found.missing == []
    assert found.tables == {"shop": []}


async def test_who_does_not_answer_is_named_after_the_deadline() -> None:
    asked = Asked()
    asked.delay = 3600.0
    async with answering(asked) as url:
        found = await fetched(url, deadline=0.5)
    assert "tables of shop: no answer within 0.5 s" in found.missing
    assert len(found.missing) == 4
    assert found.tables == {"shop": [], "local": []}


async def test_who_is_not_there_is_named_with_the_reason_and_without_a_password() -> (
    None
):
    found = await fetched("http://me:hush4711@127.0.0.1:1")
    assert found.missing
    assert all("cannot be reached" in text for text in found.missing)
    assert "hush4711" not in str(found.missing)


async def test_what_answers_something_else_is_named() -> None:
    asked = Asked()
    asked.tables = [{"no": "table"}]
    async with answering(asked) as url:
        found = await fetched(url)
    assert found.missing == [
        "tables of shop: the answer is no evidence",
        "tables of local: the answer is no evidence",
    ]


async def test_a_prometheus_that_answers_oddly_is_named() -> None:
    asked = Asked()
    asked.result = [0, "1"]
    async with answering(asked) as url:
        found = await fetched(url)
    assert found.missing == [
        "Statements by the time they take on shop: the answer is not as expected",
        (
            "Process groups by their processor time on local: "
            "the answer is not as expected"
        ),
    ]


async def test_a_table_is_cut_to_what_is_shown() -> None:
    asked = Asked()
    row = {"text": "x" * 10_000, "number": 1, "nested": {"a": 1}}
    table = {"title": "t", "kpis": ["a"], "seen": "2025-10-09", "current": True}
    asked.tables = [{**table, "rows": [row] * 500}]
    async with answering(asked) as url:
        found = await fetched(url)
    rows = found.tables["shop"][0]["rows"]
    assert len(rows) == 20
    assert rows[0] == {"text": "x" * 500, "number": 1}


def test_targets_are_those_of_the_configuration_in_force(tmp_path: Path) -> None:
    given = config(tmp_path / "i.db")
    assert given.sidecar is not None
    changing = [Fixed(given)]

    class Followed:
        @property
        def config(self) -> Config:
            return changing[-1].config

    worlds = Worlds(Followed(), given.sidecar)
    assert worlds.around().targets("application", "web") == ["shop", "local"]
    changing.append(Fixed(given.model_copy(update={"host": {}})))
    assert worlds.around().targets("application", "web") == ["shop"]
    assert worlds.now() is worlds.now()
