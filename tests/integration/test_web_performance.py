"""The platforms' API over HTTP: pages, filters, errors in one shape, the guard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import bcrypt
import pytest

from exporter.web.service import BASE, Item
from exporter.web.web_config import WebConfig
from tests.integration.web_support import (
    Asked,
    FixedFigures,
    FixedService,
    ask,
    refusal,
    serving,
)

if TYPE_CHECKING:
    from pathlib import Path


def service() -> FixedService:
    made = FixedService()
    items = [
        Item(
            {"kpi": f"k{n}", "target": "cache" if n % 2 else "orders"},
            json.dumps({"kpi": f"k{n}"}),
            n / 100,
        )
        for n in range(250)
    ]
    kinds = ("kpis", "metrics", "statements", "caches")
    made.figures = FixedFigures(items=dict.fromkeys(kinds, items))
    return made


async def told(path: str) -> tuple[int, dict[str, Any]]:
    async with serving(service()) as url:
        answer = await ask(f"{url}{BASE}{path}")
    assert answer.headers["Content-Type"].startswith("application/json")
    found: dict[str, Any] = json.loads(answer.body)
    if answer.status != 200:
        refusal(answer)
    return answer.status, found


def names(found: dict[str, Any]) -> list[str]:
    return [each["kpi"] for each in found["items"]]


async def test_pages_follow_each_other_to_the_end() -> None:
    seen, offset = [], 0
    while offset is not None:
        _, found = await told(f"/metrics?limit=99&offset={offset}")
        assert found["total"] == 250
        seen += names(found)
        offset = found["next"]

    assert seen == [f"k{n}" for n in range(250)]


async def test_a_page_has_a_hundred_items_unless_asked_otherwise() -> None:
    status, found = await told("/cache-stats")

    assert (status, len(found["items"]), found["next"]) == (200, 100, 100)


async def test_beyond_the_end_is_an_empty_page() -> None:
    _, found = await told("/metrics?offset=1000000")

    assert (found["items"], found["total"], found["next"]) == ([], 250, None)


async def test_a_page_that_ends_with_the_last_item_has_no_next() -> None:
    _, found = await told("/metrics?limit=50&offset=200")

    assert (len(found["items"]), found["next"]) == (50, None)


async def test_filters_choose_before_pages_are_cut() -> None:
    _, found = await told("/metrics?target=cache&limit=2")

    assert (names(found), found["total"]) == (["k1", "k3"], 125)


async def test_statements_are_chosen_by_their_mean() -> None:
    _, found = await told("/slow-queries?above=2.48")

    assert names(found) == ["k248", "k249"]


async def test_a_report_has_its_head_beside_its_items() -> None:
    _, found = await told("/report?limit=1&kpi=k7")

    assert (found["profile"], names(found)) == ("mcp-v2", ["k7"])


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=501", "limit=x", "limit=-1", "limit=1e3", "limit="),
        *("limit=99999999999999999999", "limit=\u0661", "offset=-1", "offset=1000001"),
        *("cursor=1", "above=1", "limit=1&limit=2", "kpi=k1&kpi=k1", "verdict=brokn"),
        *("verdict=", "verdict=Broken", "source=redis"),
    ],
)
async def test_a_parameter_that_cannot_be_used_is_a_bad_request(query: str) -> None:
    status, found = await told(f"/metrics?{query}")

    assert (status, found["error"]["code"]) == (400, "bad_request")
    assert query.partition("=")[0] in found["error"]["message"]


@pytest.mark.parametrize("above", ["-1", "nan", "inf", "soon"])
async def test_a_mean_is_in_seconds(above: str) -> None:
    status, _ = await told(f"/slow-queries?above={above}")

    assert status == 400


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/report?verdict=xx", "broken, undecidable, no data, kept, shown"),
        ("/cache-stats?source=nope", "redis, postgres"),
    ],
)
async def test_what_is_of_a_closed_set_is_refused_with_what_there_is(
    path: str, there: str
) -> None:
    status, found = await told(path)

    assert status == 400
    assert found["error"]["message"].endswith(f"there are {there}")


@pytest.mark.parametrize(
    "query", ["/metrics?verdict=no%20data", "/cache-stats?source=postgres"]
)
async def test_what_is_of_the_set_and_not_there_is_an_empty_page(query: str) -> None:
    status, found = await told(query)

    assert (status, found["total"]) == (200, 0)


async def test_a_kpi_of_the_catalogue_without_a_value_is_an_empty_page() -> None:
    status, found = await told("/metrics?kpi=pg_lock_waiters")

    assert (status, found["total"]) == (200, 0)


async def test_a_database_may_have_any_name() -> None:
    status, found = await told("/slow-queries?datname=nope")

    assert (status, found["total"]) == (200, 0)


NOT_THERE = {
    "/metrics?target=nobody": "orders",
    "/metrics?kpi=nope": "pg_index_invalid, pg_lock_waiters",
    "/report?kpi=": "pg_index_invalid, pg_lock_waiters",
    "/nothing": f"{BASE}/slow-queries",
    "/report/x": f"{BASE}/analyze",
    "/{rest}": f"{BASE}/openapi.json",
    "/": f"{BASE}/metrics",
    "": f"{BASE}/report",
}


@pytest.mark.parametrize("path", NOT_THERE)
async def test_what_is_not_there_is_not_found_and_what_is_there_is_named(
    path: str,
) -> None:
    status, found = await told(path)

    assert (status, found["error"]["code"]) == (404, "not_found")
    assert NOT_THERE[path] in found["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/analyze", "POST"),
        ("DELETE", "/analyze", "POST"),
        ("POST", "/metrics", "GET, HEAD"),
        ("DELETE", "/openapi.json", "GET, HEAD"),
    ],
)
async def test_another_method_is_told_which_one_is_possible(
    method: str, path: str, allowed: str
) -> None:
    async with serving(service()) as url:
        answer = await ask(f"{url}{BASE}{path}", Asked(method))

    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    assert refusal(answer) == {
        "code": "method_not_allowed",
        "message": f"{method} is not possible here; use {allowed}",
    }


async def test_another_method_finds_no_more_paths_than_get_does() -> None:
    async with serving(service()) as url:
        answer = await ask(f"{url}{BASE}/nothing", Asked("POST"))

    assert (answer.status, refusal(answer)["code"]) == (404, "not_found")


async def test_a_fault_of_ours_has_the_same_shape() -> None:
    made = service()
    made.figures = FixedFigures()  # without the lists
    async with serving(made) as url:
        answer = await ask(f"{url}{BASE}/metrics")

    assert (answer.status, refusal(answer)["code"]) == (500, "internal_server_error")


async def test_it_stands_behind_the_same_users_as_the_metrics(tmp_path: Path) -> None:
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    file = tmp_path / "web.yaml"
    file.write_text(f"basic_auth_users: {{anna: '{hashed}'}}\n")

    async with serving(service(), WebConfig(file)) as url:
        paths = (
            "/metrics",
            "/report",
            "/slow-queries",
            "/cache-stats",
            "/openapi.json",
        )
        answers = [await ask(f"{url}{BASE}{path}") for path in paths]

    assert {answer.status for answer in answers} == {401}
    assert {refusal(answer)["code"] for answer in answers} == {"unauthorized"}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Basic"}


async def test_too_many_requests_are_told_so_in_json(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text("rate_limit: {interval: 1h, burst: 1}\n")

    async with serving(service(), WebConfig(file)) as url:
        answers = [await ask(f"{url}{BASE}/metrics") for _ in range(2)]
        other = await ask(f"{url}/metrics")

    assert [answer.status for answer in answers] == [200, 429]
    assert refusal(answers[1])["code"] == "too_many_requests"
    assert other.text == "too many requests\n"
