"""Messages about incidents: in order, kept while away, nobody else waiting."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from exporter.demo.servers.process import free_port
from tests.integration.incidents_support import (
    Told,
    alert,
    answering,
    config,
    sidecar,
)
from tests.integration.web_support import until

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.config import Config


def receivers(**urls: str) -> list[dict[str, str]]:
    return [{"name": name, "url": url} for name, url in urls.items()]


def telling(folder: Path, **urls: str) -> Config:
    return config(folder / "i.db", evidence=False, receivers=receivers(**urls))


def numbers(told: Told) -> list[str]:
    return [i["labels"]["number"] for body in told.bodies for i in body["incidents"]]


async def test_a_message_says_what_began_and_the_likeliest_cause(
    tmp_path: Path,
) -> None:
    told = Told()
    async with answering(told) as url:
        given = config(
            tmp_path / "i.db",
            evidence=False,
            external_url="https://sidecar.example",
            receivers=receivers(pager=url),
        )
        async with sidecar(given) as running:
            await running.post(alert(1))
            await until(lambda: len(told.bodies) == 1)
            await running.post(alert(1, over=True))
            await until(lambda: len(told.bodies) == 2)
            (listed,) = await running.listed()
    began, over = told.bodies
    assert (began["text"], over["text"]) == ("Incident: 1 began", "Incident: 1 over")
    (one,) = began["incidents"]
    assert one["status"] == "opened"
    assert one["first_cause"] == "migration in shop: idle in transaction, blocks 3"
    assert one["url"] == f"https://sidecar.example/incidents/{listed['id']}"
    assert over["incidents"][0]["status"] == "closed"
    assert told.keys == ["pager-1", "pager-2"]


async def test_a_receiver_that_was_away_is_told_all_in_order(tmp_path: Path) -> None:
    told, port = Told(), free_port()
    given = telling(tmp_path, pager=f"http://127.0.0.1:{port}/")
    async with sidecar(given) as running:
        await running.post(alert(0))
        await until(lambda: waiting(tmp_path / "i.db") == ["pager"])
        await running.post(alert(1))
        await running.post(alert(2))
        async with answering(told, port):
            await until(lambda: len(numbers(told)) == 3)
    assert numbers(told) == ["0", "1", "2"]
    assert [body["opened"] for body in told.bodies] == [1, 2]


async def test_the_backlog_survives_a_restart(tmp_path: Path) -> None:
    told, port = Told(), free_port()
    given = telling(tmp_path, pager=f"http://127.0.0.1:{port}/")
    async with sidecar(given) as running:
        await running.post(alert(1))
        await until(lambda: waiting(tmp_path / "i.db") == ["pager"])
        await running.post(alert(2))
    async with answering(told, port), sidecar(given):
        await until(lambda: len(numbers(told)) == 2)
    assert numbers(told) == ["1", "2"]


def waiting(path: Path) -> list[str]:
    """Return the receivers that a message is being sent to."""
    with closing(sqlite3.connect(path)) as file:
        rows = file.execute("SELECT name FROM receivers WHERE message IS NOT NULL")
        return [name for (name,) in rows]


async def test_a_dead_receiver_keeps_nobody_waiting(tmp_path: Path) -> None:
    dead, alive = Told(), Told()
    dead.status, dead.delay = 500, 0.2
    async with answering(dead) as one, answering(alive) as other:
        given = telling(tmp_path, a=one, b=other)
        async with sidecar(given) as running:
            await running.post(alert(0))
            await until(lambda: numbers(alive) == ["0"])
            await running.post(alert(1))
            await until(lambda: numbers(alive) == ["0", "1"])
            metrics = await running.text("/metrics")
    assert (numbers(alive), numbers(dead)) == (["0", "1"], [])
    assert dead.tries >= 1
    assert 'kpi_sidecar_receiver_messages_total{receiver="b",result="sent"} 2.0' in (
        metrics
    )


async def test_what_a_receiver_refuses_for_good_does_not_block_what_follows(
    tmp_path: Path,
) -> None:
    told = Told()
    told.status = 400
    async with answering(told) as url:
        given = telling(tmp_path, a=url)
        async with sidecar(given) as running:
            await running.post(alert(1))
            await until(lambda: told.tries == 5)
            told.status = 200
            await running.post(alert(2))
            await until(lambda: len(told.bodies) == 1)
            metrics = await running.text("/metrics")
    assert numbers(told) == ["2"]
    assert 'messages_total{receiver="a",result="given_up"} 1.0' in metrics


async def test_slack_is_told_in_its_own_words(tmp_path: Path) -> None:
    told = Told()
    async with answering(told) as url:
        secret = tmp_path / "slack"
        secret.write_text(f"{url}/hooks/hush4711\n")
        wanted: dict[str, Any] = {
            "name": "chat",
            "url_file": str(secret),
            "format": "slack",
        }
        given = config(tmp_path / "i.db", evidence=False, receivers=[wanted])
        async with sidecar(given) as running:
            await running.post(alert(1, severity="warning"))
            await until(lambda: len(told.bodies) == 1)
    assert told.bodies[0].keys() == {"text"}
    first, second, third = told.bodies[0]["text"].splitlines()
    assert first == "*Incident: 1 began*"
    assert second.startswith(":large_yellow_circle: <http://127.0.0.1:10098/incidents/")
    assert third == "> likely: migration in shop: idle in transaction, blocks 3"


async def test_nobody_is_told_of_what_is_only_shown(tmp_path: Path) -> None:
    told = Told()
    async with answering(told) as url:
        given = telling(tmp_path, a=url)
        async with sidecar(given) as running:
            await running.post(alert(1, severity="info"))
            await running.post(alert(2))
            await until(lambda: bool(told.bodies))
            assert len(await running.listed()) == 2
    assert numbers(told) == ["2"]


async def test_a_new_receiver_is_told_nothing_of_the_past(tmp_path: Path) -> None:
    told = Told()
    path = tmp_path / "i.db"
    async with sidecar(config(path, evidence=False)) as running:
        await running.post(alert(1))
    async with answering(told) as url:
        given = config(path, evidence=False, receivers=receivers(a=url))
        async with sidecar(given) as running:
            await until(lambda: known(path) == ["a"])
            await running.post(alert(2))
            await until(lambda: bool(told.bodies))
    assert numbers(told) == ["2"]


def known(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as file:
        return [name for (name,) in file.execute("SELECT name FROM receivers")]
