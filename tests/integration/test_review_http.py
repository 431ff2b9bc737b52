"""POST /api/mcp/performance/analyze: what is asked, refused, guarded and answered."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import aiohttp
import bcrypt
import pytest

from exporter.review.openapi import PATHS
from exporter.review.shape import MOST_BYTES, PATH, Dialect, Refusal, ReviewError
from exporter.review.shape import Asked as ToReview
from exporter.web.web_config import WebConfig
from tests.integration.exporter_process import ExporterProcess
from tests.integration.postgres_fixtures import database, owner
from tests.integration.web_support import Asked, FixedService, ask, refusal, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.demo.servers.postgres import PostgresServer
    from tests.integration.web_support import Answer

JSON = {"Content-Type": "application/json"}


async def post(url: str, body: object, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await ask(f"{url}{PATH}", Asked("POST", {**JSON, **headers}, None, content))


async def test_what_is_asked_reaches_the_service() -> None:
    service = FixedService()
    async with serving(service) as url:
        plain = await post(url, {"statement": "select 1"})
        full = {"statement": "é", "target": "orders", "dialect": "mysql"}
        await post(url, {**full, "literals": True})
    assert (plain.status, json.loads(plain.body)) == (200, {"executed": False})
    assert service.reviews == [
        ToReview("select 1"),
        ToReview("é", Dialect.MYSQL, "orders", literals=True),
    ]


BODIES: dict[str, tuple[object, int]] = {
    "no JSON": (b"select 1", 400),
    "half": (b'{"statement": "select', 400),
    "not UTF-8": (b'{"statement": "\xff"}', 400),
    "deep": (b"[" * 100_000, 400),
    "a list": ([], 400),
    "nothing": ({}, 400),
    "no text": ({"statement": 1}, 400),
    "empty": ({"statement": " "}, 400),
    "binary": ({"statement": "select \x00"}, 400),
    "half a character": (b'{"statement": "\\ud800"}', 400),
    "an unknown key": ({"statement": "select 1", "execute": True}, 400),
    "a key twice": (b'{"statement": "select 1", "statement": "select 2"}', 400),
    "an unknown dialect": ({"statement": "select 1", "dialect": "oracle"}, 400),
    "a target of no name": ({"statement": "select 1", "target": ["a"]}, 400),
    "a long text": ({"statement": "x" * (MOST_BYTES + 1)}, 413),
    "a megabyte": ({"statement": "select 1 " * 130_000}, 413),
    "a long body": (b" " * 8 * MOST_BYTES + b"{}", 413),
}


@pytest.mark.parametrize("name", BODIES)
async def test_what_cannot_be_used_is_refused_in_json(name: str) -> None:
    body, status = BODIES[name]
    service = FixedService()
    async with serving(service) as url:
        answer = await post(url, body)
    assert (answer.status, service.reviews) == (status, [])
    assert refusal(answer)["message"]


async def test_a_form_of_another_site_is_refused() -> None:
    async with serving(FixedService()) as url:
        headers = {"Content-Type": "text/plain"}
        body = json.dumps({"statement": "select 1"})
        answer = await post(url, body.encode(), **headers)
    assert answer.status == 400
    assert "Content-Type" in refusal(answer)["message"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Refusal.MALFORMED, 400),
        (Refusal.TOO_LARGE, 413),
        (Refusal.UNREADABLE, 422),
        (Refusal.NO_QUERY, 422),
        (Refusal.TOO_COSTLY, 422),
        (Refusal.UNKNOWN_TARGET, 422),
        (Refusal.BUSY, 503),
    ],
)
async def test_each_refusal_has_its_status_and_is_described(
    kind: Refusal, status: int
) -> None:
    service = FixedService()
    service.refusal = ReviewError(kind, "it is so", line=2, column=3)
    async with serving(service) as url:
        answer = await post(url, {"statement": "select 1"})
    assert answer.status == status
    expected = {"code": str(kind), "message": "it is so", "line": 2, "column": 3}
    assert refusal(answer) == expected
    assert ("Retry-After" in answer.headers) is (kind is Refusal.BUSY)
    assert str(status) in PATHS[PATH]["post"]["responses"]


async def test_a_parameter_in_the_address_is_refused_for_it_would_have_no_effect() -> (
    None
):
    service = FixedService()
    async with serving(service) as url:
        body = json.dumps({"statement": "select 1"}).encode()
        asked = Asked("POST", JSON, None, body)
        answer = await ask(f"{url}{PATH}?target=orders", asked)
    assert (answer.status, service.reviews) == (400, [])
    assert "'target'" in refusal(answer)["message"]


async def test_other_methods_are_not_possible() -> None:
    async with serving(FixedService()) as url:
        assert (await ask(f"{url}{PATH}")).status == 405


async def test_it_stands_behind_the_same_users_as_metrics(tmp_path: Path) -> None:
    known = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
    file = tmp_path / "web.yaml"
    file.write_text(f"basic_auth_users: {{reader: '{known}'}}\n")
    service = FixedService()
    async with serving(service, WebConfig(file)) as url:
        body = {"statement": "select 1"}
        assert (await post(url, body)).status == 401
        assert service.reviews == []
        login = aiohttp.encode_basic_auth("reader", "right")
        assert (await post(url, body, Authorization=login)).status == 200


@pytest.fixture
def running(postgres: PostgresServer, tmp_path: Path) -> Iterator[ExporterProcess]:
    """Run an exporter with a target to plan at, one that is closed and one away."""
    with (
        database(postgres, "asked") as dsn,
        owner(postgres, "asked") as session,
    ):
        session.execute("create table orders as select generate_series(1, 9) as id")
        config = {
            "interval": "1s",
            "postgres": {
                "orders": {"dsn": dsn, "plans": {"enabled": True}},
                "closed": {"dsn": dsn},
                "away": {"dsn": "postgresql://monitor@127.0.0.1:1/x"},
            },
        }
        with ExporterProcess(tmp_path, config) as exporter:
            exporter.wait_for(lambda page: page.up("orders") == 1, 20)
            exporter.wait_for(lambda page: page.up("closed") == 1, 20)
            yield exporter


TEXT = {"statement": "select * from orders where id = 4711"}


async def test_a_running_exporter_plans_where_it_may(running: ExporterProcess) -> None:
    url = f"http://127.0.0.1:{running.port}"
    plans = {}
    for name in ("orders", "closed", "away"):
        answer = await post(url, {**TEXT, "target": name})
        assert answer.status == 200, answer.text
        assert "4711" not in answer.text
        (statement,) = json.loads(answer.body)["statements"]
        assert statement["findings"][0]["rule"] == "select_star"
        plans[name] = statement["plan"]
    unknown = await post(url, {**TEXT, "target": "elsewhere"})
    assert plans["orders"]["dearest"] == "Seq Scan on orders"
    assert "plans: {enabled: true}" in plans["closed"]["refused"]
    assert plans["away"] == {"refused": "the target is not up: connect"}
    assert unknown.status == 422
    assert "orders, closed, away" in refusal(unknown)["message"]


async def test_reviews_at_once_neither_stop_nor_fatten_the_exporter(
    running: ExporterProcess,
) -> None:
    url = f"http://127.0.0.1:{running.port}"
    assert (await post(url, TEXT)).status == 200
    before = running.rss
    long = {"statement": "select " + ",".join("a" for _ in range(25_000))}
    several = asyncio.gather(*(post(url, long) for _ in range(4)))
    for _ in range(5):
        assert running.get("/metrics").status == 200
    statuses = [answer.status for answer in await several]
    assert statuses.count(503) == 3
    assert (await post(url, TEXT)).status == 200
    assert running.rss - before < 16 * 1024 * 1024
    assert "Traceback" not in running.log
