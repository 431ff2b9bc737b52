"""The sidecar's HTTP over real sockets: probes, metrics, how calls are answered."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from exporter.sidecar.own import Own
from exporter.sidecar.pages import Pages, build
from exporter.web.server import start
from tests.integration.exporter_process import Page
from tests.unit.test_sidecar_payload import CALL, FIRING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from exporter.sidecar.payload import Payload


class Keeper:
    """A part that keeps what it is handed, until its disk is full."""

    def __init__(self) -> None:
        self.kept: list[Payload] = []
        self.full = False
        self.wrong: list[str] = []

    async def run(self) -> None:
        """Have nothing to do."""

    async def close(self) -> None:
        """Have nothing open."""

    async def received(self, payload: Payload) -> None:
        if self.full:
            raise OSError("no space left on device")
        self.kept.append(payload)

    def routes(self) -> list[web.RouteDef]:
        async def kept(_: web.Request) -> web.Response:
            return web.Response(text=str(len(self.kept)))

        async def broken(_: web.Request) -> web.Response:
            raise LookupError("inside")

        return [web.get("/kept", kept), web.get("/broken/{id}", broken)]

    def problems(self) -> list[str]:
        return self.wrong


@asynccontextmanager
async def sidecar(keeper: Keeper) -> AsyncIterator[aiohttp.ClientSession]:
    server = await start(build(Pages([keeper], Own()), None), "127.0.0.1:0", None)
    host, port = server.addresses[0]
    async with aiohttp.ClientSession(f"http://{host}:{port}") as client:
        try:
            yield client
        finally:
            await server.cleanup()


async def post(client: aiohttp.ClientSession, body: Any) -> int:
    async with client.post("/alertmanager", json=body) as answer:
        return answer.status


async def get(client: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with client.get(path) as answer:
        return answer.status, await answer.text()


async def test_a_call_is_acknowledged_only_when_every_part_has_taken_it() -> None:
    keeper = Keeper()
    async with sidecar(keeper) as client:
        assert await post(client, CALL) == 200
        keeper.full = True
        assert await post(client, CALL) == 503
        assert await post(client, {"alerts": 1}) == 400
        async with client.post("/alertmanager", data=b"{") as answer:
            assert answer.status == 400
        page = Page((await get(client, "/metrics"))[1])
        assert await get(client, "/kept") == (200, "1")
    calls = "kpi_sidecar_webhook_calls_total"
    assert [page.value(calls, answer=a) for a in ("stored", "failed", "refused")] == [
        *(1, 1, 2)
    ]
    assert page.value("kpi_sidecar_webhook_alerts_total") == 2


async def test_alerts_that_cannot_be_read_are_counted_and_the_others_are_stored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    keeper = Keeper()
    odd = {**FIRING, "status": "weird"}
    async with sidecar(keeper) as client:
        call = {**CALL, "alerts": [odd, FIRING, 5]}
        async with client.post("/alertmanager", json=call) as answer:
            said = (answer.status, await answer.text())
        page = Page((await get(client, "/metrics"))[1])
    why = "its status is neither firing nor resolved"
    assert said == (200, f"stored but for 2: {why}\n")
    assert len(keeper.kept[0].alerts) == 1
    assert page.value("kpi_sidecar_webhook_unread_alerts_total") == 2
    assert page.value("kpi_sidecar_webhook_alerts_total") == 1
    (record,) = (each for each in caplog.records if "cannot be read" in each.message)
    assert record.__dict__["fields"] == {"alerts": 2, "why": why}


async def test_ready_says_what_is_wrong_and_so_does_a_metric() -> None:
    keeper = Keeper()
    async with sidecar(keeper) as client:
        assert await get(client, "/-/ready") == (200, "ready\n")
        keeper.wrong = ["the rules are old", "nothing arrives"]
        assert await get(client, "/-/ready") == (
            503,
            "the rules are old\nnothing arrives\n",
        )
        page = Page((await get(client, "/metrics"))[1])
        assert page.value("kpi_sidecar_ready") == 0
        assert page.value("kpi_exporter_build_info") is None
        assert (await get(client, "/-/healthy"))[0] == 200
        status, paths = await get(client, "/nowhere")
        assert (status, "/alertmanager" in paths, "/kept" in paths) == (404, True, True)


async def test_the_first_page_links_the_others() -> None:
    async with sidecar(Keeper()) as client:
        status, page = await get(client, "/")
    paths = ["metrics", "-/healthy", "-/ready", "kept"]
    assert (status, re.findall('<a href="([^"]*)"', page)) == (200, paths)


async def test_an_error_that_nobody_expected_is_in_the_sidecars_log() -> None:
    async with sidecar(Keeper()) as client:
        said = await get(client, "/broken/1")
    assert said == (500, "internal error; the sidecar's log says more\n")
