"""A Prometheus that answers half, slowly or nonsense; a sidecar with incidents."""

from __future__ import annotations

import asyncio
import io
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from exporter.catalogue.loader import catalogue
from exporter.catalogue.plan import Plan
from exporter.errors import KpiExporterError
from exporter.report.command import Where, report
from exporter.report.pages import POLLED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

NOW = 1_800_000_000.0
MACHINE = {"job": "kpi", "instance": "i", "target": "machine"}
PLAN = Plan(catalogue())


def data(found: Any) -> web.Response:
    return web.json_response({"status": "success", "data": found})


def matrix(value: str) -> web.Response:
    """Answer with an hour of one value."""
    values = [[NOW - 15 * at, value] for at in reversed(range(240))]
    return data({"result": [{"metric": MACHINE, "values": values}]})


class Faulty:
    """Knows the time and no rules; `history` answers everything else."""

    def __init__(self, history: Callable[[str], Awaitable[web.Response]]) -> None:
        self._history = history

    async def query(self, request: web.Request) -> web.Response:
        if request.query["query"] == "time()":
            return data({"resultType": "scalar", "result": [NOW, str(NOW)]})
        return data({"result": []})

    async def query_range(self, request: web.Request) -> web.Response:
        return await self._history(request.query["query"])

    async def rules(self, _: web.Request) -> web.Response:
        return data({"groups": []})

    async def page(self, _: web.Request) -> web.Response:
        return web.Response(text=f"{POLLED} {NOW}\n")

    async def incidents(self, _: web.Request) -> web.Response:
        incident = {
            "id": "1",
            "alert": "CpuUsed",
            "target": "machine",
            "opened": "2027-01-15T07:50:00+00:00",
            "closed": None,
            "first_cause": "python uses 2 cores",
        }
        return web.json_response({"total": 1, "incidents": [incident]})


@asynccontextmanager
async def served(
    history: Callable[[str], Awaitable[web.Response]], *before: Any
) -> AsyncIterator[str]:
    faulty = Faulty(history)
    application = web.Application(middlewares=before)
    application.router.add_get("/api/v1/query", faulty.query)
    application.router.add_get("/api/v1/query_range", faulty.query_range)
    application.router.add_get("/api/v1/rules", faulty.rules)
    application.router.add_get("/incidents.json", faulty.incidents)
    application.router.add_get("/metrics", faulty.page)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def told(
    history: Callable[[str], Awaitable[web.Response]], sidecar: str = ""
) -> tuple[int, dict[str, Any]]:
    """Make a report from such a server; returns its status and what it says."""
    out = io.StringIO()
    async with served(history) as url:
        where = Where(url, "", f"{url}{sidecar}" if sidecar else None)
        status = await report(PLAN, where, 3600.0, ("json", out))
    found = json.loads(out.getvalue())
    return status, {**found, "kpis": {each["kpi"]: each for each in found["kpis"]}}


async def half(expression: str) -> web.Response:
    """Answer about the CPU alone."""
    if expression.startswith("(rate(node_capacity_cpu_seconds_total"):
        return matrix("0.2") if ") > " not in expression else data({"result": []})
    return web.Response(status=503, text="overloaded")


async def test_half_an_answer_is_judged_and_the_other_half_named() -> None:
    status, found = await told(half)

    assert status == 2
    assert found["kpis"]["cpu_used"]["verdict"] == "kept"
    memory = found["kpis"]["memory_used"]
    assert memory["verdict"] == "no data"
    assert memory["why"].endswith("the answer was 503 Service Unavailable")
    assert found["unanswered"] == [memory["why"]]


async def broken(expression: str) -> web.Response:
    """Answer about the CPU, which is beyond its limit, and nothing of the rest."""
    if expression.startswith("(rate(node_capacity_cpu_seconds_total"):
        return matrix("0.9")
    return data({"result": []})


async def test_what_is_broken_stays_so_whatever_else_is_missing() -> None:
    status, found = await told(broken)

    assert status == 1
    assert found["kpis"]["cpu_used"]["severity"] == "critical"


async def slow(expression: str) -> web.Response:
    if "node_capacity_memory_used_bytes" in expression:
        await asyncio.sleep(60)
    return matrix("0.1")


async def test_a_slow_answer_is_not_waited_for_for_ever() -> None:
    status, found = await told(slow)

    assert status in (1, 2)
    why = found["kpis"]["memory_used"]["why"]
    assert why.endswith("no whole answer within 10 s")


@pytest.mark.parametrize(
    "answer",
    [
        '{"status": "success", "data": {"result": [{"values": []}]}}',
        '{"status": "success", "data": {"result": [{"metric": {}, "values": [[1]]}]}}',
        '{"status": "success", "data": {"result": 5}}',
        '{"status": "success", "data": []}',
        "[]",
        "<html>",
    ],
)
async def test_nonsense_is_no_figure(answer: str) -> None:
    async def nonsense(_: str) -> web.Response:
        return web.Response(text=answer)

    status, found = await told(nonsense)

    assert status == 2
    assert {each["verdict"] for each in found["kpis"].values()} == {"no data"}
    assert len(found["unanswered"]) == 1


async def test_data_of_a_part_of_the_period_alone_is_said() -> None:
    async with served(broken) as url:
        out = io.StringIO()
        await report(PLAN, Where(url, ""), 86400.0, ("text", out))

    assert "note: there is data of the last 60 min alone" in out.getvalue()


async def test_without_a_page_of_rules_expressions_are_asked() -> None:
    async def no_rules(request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path == "/api/v1/rules":
            return web.Response(status=404)
        answer: web.StreamResponse = await handler(request)
        return answer

    async with served(broken, web.middleware(no_rules)) as url:
        out = io.StringIO()
        status = await report(PLAN, Where(url, ""), 3600.0, ("text", out))

    assert status == 1
    assert "note: its rules are not known" in out.getvalue()


async def test_causes_that_nobody_answers_for_are_a_missing_answer() -> None:
    async def busy(request: web.Request, handler: Any) -> web.StreamResponse:
        moment = request.path == "/api/v1/query"
        if moment and request.query["query"] != "time()":
            return web.Response(status=503)
        answer: web.StreamResponse = await handler(request)
        return answer

    async with served(kept, web.middleware(busy)) as url:
        out = io.StringIO()
        status = await report(PLAN, Where(url, ""), 3600.0, ("json", out))

    found = json.loads(out.getvalue())
    (why,) = found["unanswered"]
    assert status == 2
    assert why.endswith("the answer was 503 Service Unavailable")


async def test_no_number_is_no_figure() -> None:
    async def nothing(_: str) -> web.Response:
        return matrix("NaN")

    status, found = await told(nothing)

    assert status == 2
    assert {each["verdict"] for each in found["kpis"].values()} == {"no data"}


async def test_the_sidecars_incidents_are_named() -> None:
    _, found = await told(half, sidecar="/")

    incidents = found["sections"][-1]
    assert incidents["title"] == "Incidents"
    (told_,) = incidents["findings"]
    assert told_.endswith("CpuUsed on machine, still open: python uses 2 cores")


async def kept(expression: str) -> web.Response:
    """Answer about the CPU, which keeps its promise, and say nothing of the rest."""
    if expression.startswith("(rate(node_capacity_cpu_seconds_total"):
        return matrix("0.2") if ") > " not in expression else data({"result": []})
    return data({"result": []})


async def test_a_sidecar_that_does_not_answer_is_a_missing_answer() -> None:
    judged, _ = await told(kept, sidecar="/")
    status, found = await told(kept, sidecar="/nowhere")

    incidents = found["sections"][-1]
    assert incidents["findings"] == []
    assert "there is no such page (404)" in incidents["why"]
    assert found["unanswered"] == [incidents["why"]]
    assert (judged, status, found["status"]) == (0, 2, 2)


async def test_a_broken_promise_counts_more_than_a_sidecar_that_is_away() -> None:
    status, _ = await told(broken, sidecar="/nowhere")

    assert status == 1


async def test_a_sidecars_address_is_checked_before_anybody_is_asked() -> None:
    where = Where("http://127.0.0.1:1", "", "nonsense")
    with pytest.raises(KpiExporterError, match="nonsense"):
        await report(PLAN, where, 3600.0, ("text", io.StringIO()))


@pytest.mark.parametrize(("since", "times"), [(3600.0, 1), (None, 0)])
async def test_a_period_that_no_prometheus_can_tell_is_said(
    since: float | None, times: int
) -> None:
    out = io.StringIO()
    async with served(half) as url:
        await report(PLAN, Where(None, url), since, ("text", out))

    note = "note: --since needs a Prometheus: it is this moment that is judged"
    assert out.getvalue().splitlines().count(note) == times


async def test_a_day_is_judged_unless_somebody_asks_otherwise() -> None:
    out = io.StringIO()
    async with served(broken) as url:
        await report(PLAN, Where(url, ""), None, ("json", out))

    assert json.loads(out.getvalue())["source"]["seconds"] == 86400


async def test_what_is_no_prometheus_is_said_at_once() -> None:
    async with served(half) as url:
        where = Where(f"{url}/nowhere", "")
        with pytest.raises(KpiExporterError, match="no such page"):
            await report(PLAN, where, 3600.0, ("text", io.StringIO()))
