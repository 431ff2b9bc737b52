"""Incidents over HTTP: each once, closed by its end, as pages and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession

from exporter.config import ExporterWeb
from exporter.sidecar.alertmanagers import PROBE
from exporter.web.web_config import WebConfig
from tests.integration.incidents_support import (
    Asked,
    alert,
    answering,
    config,
    sidecar,
)
from tests.integration.test_web_auth import hashed, users
from tests.integration.web_support import until

if TYPE_CHECKING:
    from pathlib import Path

LOCK: dict[str, Any] = {
    "title": "Who waits for whom",
    "kpis": ["pg_lock_waiters"],
    "seen": "2025-10-09T08:53:19+00:00",
    "current": True,
    "rows": [
        {"pid": 7, "application": "<migration>", "user": "ada", "depth": 0},
        {"pid": 8, "application": "web", "user": "shop", "depth": 1},
    ],
}


async def test_an_alert_that_is_sent_again_is_one_incident(tmp_path: Path) -> None:
    async with sidecar(config(tmp_path / "i.db")) as running:
        assert await running.post(alert(1), alert(2)) == 200
        assert await running.post(alert(1)) == 200
        assert {i["labels"]["number"] for i in await running.listed()} == {"1", "2"}
        metrics = await running.text("/metrics")
    assert 'kpi_sidecar_incidents_total{event="opened"} 2.0' in metrics
    assert 'kpi_sidecar_incidents_total{event="known"} 1.0' in metrics


async def test_the_end_of_an_alert_closes_its_incident(tmp_path: Path) -> None:
    async with sidecar(config(tmp_path / "i.db")) as running:
        await running.post(alert(1))
        await running.post(alert(1, over=True))
        await running.post(alert(1))
        (one,) = await running.listed()
    assert one["opened"] == "2025-10-09T08:53:20+00:00"
    assert one["closed"] == "2025-10-09T08:58:20+00:00"


async def test_what_is_alerted_anew_ends_an_incident_whose_end_was_lost(
    tmp_path: Path,
) -> None:
    later = {**alert(1), "startsAt": "2025-10-09T09:00:00Z"}
    async with sidecar(config(tmp_path / "i.db")) as running:
        await running.post(alert(1))
        await running.post(later)
        newest, oldest = await running.listed()
    assert (newest["closed"], oldest["closed"]) == (None, "2025-10-09T09:00:00+00:00")


@pytest.mark.parametrize("name", ["Watchdog", PROBE])
async def test_what_proves_the_way_is_no_incident(name: str, tmp_path: Path) -> None:
    async with sidecar(config(tmp_path / "i.db", evidence=False)) as running:
        assert await running.post(alert(1, alertname=name)) == 200
        assert await running.listed() == []


async def test_incidents_are_there_after_a_restart(tmp_path: Path) -> None:
    async with sidecar(config(tmp_path / "i.db")) as running:
        await running.post(alert(1))
        before = await running.listed()
    async with sidecar(config(tmp_path / "i.db")) as running:
        assert [i["id"] for i in await running.listed()] == [i["id"] for i in before]


async def test_the_exporters_evidence_is_frozen(tmp_path: Path) -> None:
    asked = Asked()
    asked.tables = [LOCK]
    async with (
        answering(asked) as url,
        sidecar(config(tmp_path / "i.db", exporter=url)) as running,
    ):
        await running.post(alert(1))
        await until(running.frozen)
        asked.tables = []
        (listed,) = await running.listed()
        page = await running.text(f"/incidents/{listed['id']}")
        data = await running.json(f"/incidents/{listed['id']}.json")
    assert "&lt;migration&gt;" in page
    assert "<migration>" not in page
    assert "ada" in page
    assert data["evidence"]["tables"]["shop"][0]["rows"] == LOCK["rows"]
    first, second = data["causes"][:2]
    assert first["text"] == "migration in shop: idle in transaction, blocks 3"
    assert first["why"] == "the alert itself names it"
    assert second["text"] == "Who waits for whom: pid 7, <migration>"
    assert listed["first_cause"] == first["text"]


async def test_evidence_that_nobody_understands_stops_nobody(tmp_path: Path) -> None:
    asked = Asked()
    asked.tables = [{**LOCK, "rows": [{"pid": 7, "depth": "odd"}]}]
    async with (
        answering(asked) as url,
        sidecar(config(tmp_path / "i.db", exporter=url)) as running,
    ):
        await running.post(alert(1))
        await until(running.frozen)
        (one,) = await running.listed()
        data = await running.json(f"/incidents/{one['id']}.json")
        page = await running.text(f"/incidents/{one['id']}")
    assert data["frozen"]
    assert "migration in shop" in page
    assert "tables of shop: the answer is no evidence" in page


async def test_without_evidence_nobody_is_asked(tmp_path: Path) -> None:
    asked = Asked()
    async with (
        answering(asked) as url,
        sidecar(config(tmp_path / "i.db", exporter=url, evidence=False)) as running,
    ):
        await running.post(alert(1))
        await until(running.frozen)
        (listed,) = await running.listed()
        data = await running.json(f"/incidents/{listed['id']}.json")
    assert (data["evidence"], asked.queries) == (None, [])


async def test_evidence_that_the_exporter_does_not_show_is_not_asked_for(
    tmp_path: Path,
) -> None:
    asked = Asked()
    async with answering(asked) as url:
        given = config(tmp_path / "i.db", exporter=url, prometheus=url).model_copy(
            update={"web": ExporterWeb(evidence=False)}
        )
        async with sidecar(given) as running:
            await running.post(alert(1))
            await until(running.frozen)
            (listed,) = await running.listed()
            data = await running.json(f"/incidents/{listed['id']}.json")
    said = "tables: the exporter's evidence is switched off (web.evidence)"
    assert said in data["evidence"]["missing"]
    assert asked.queries
    assert not [query for query in asked.queries if "/api/evidence" in query]


async def test_a_silent_exporter_delays_no_acknowledgement(tmp_path: Path) -> None:
    asked = Asked()
    asked.delay = 3600.0
    async with (
        answering(asked) as url,
        sidecar(config(tmp_path / "i.db", exporter=url)) as running,
    ):
        assert await running.post(alert(1)) == 200
        await until(lambda: bool(asked.queries))
        assert await running.post(alert(2)) == 200
        listed = await running.listed()
        page = await running.text(f"/incidents/{listed[0]['id']}")
    assert "being looked for" in page


async def test_a_list_is_paged_and_says_what_it_cannot_read(tmp_path: Path) -> None:
    async with sidecar(config(tmp_path / "i.db")) as running:
        await running.post(*(alert(number) for number in range(5)))
        first = await running.json("/incidents.json?limit=2")
        last = await running.json("/incidents.json?limit=2&offset=4")
        html = await running.text("/incidents?limit=2&offset=2")
        wrong = (
            *("limit=-1", "limit=0", "limit=9999", "offset=x"),
            *("since=yesterday", "since=nan", "bogus=1"),
        )
        statuses = {await running.status(f"/incidents.json?{one}") for one in wrong}
        late = await running.listed("since=2025-10-10T00:00:00Z")
        await running.post(*(alert(number, over=True) for number in range(5)))
        none = await running.listed("since=2025-10-10T00:00:00Z")
    assert (first["total"], len(first["incidents"]), len(last["incidents"])) == (
        5,
        2,
        1,
    )
    assert html.count("<article") == 2
    assert "newer" in html
    assert "older" in html
    assert statuses == {400}
    assert (len(late), none) == (5, [])


async def test_a_file_that_cannot_be_opened_is_said_on_every_page(
    tmp_path: Path,
) -> None:
    path = tmp_path / "nowhere" / "i.db"
    paths = ("incidents", "incidents.json", "incidents/0123456789abcdef")
    async with sidecar(config(path)) as running, ClientSession() as client:
        for page in paths:
            async with client.get(f"{running.url}/{page}") as answer:
                assert answer.status == 503
                said = await answer.text()
            assert said.startswith(f"the incidents' file {path} cannot be used")


async def test_an_unknown_incident_is_not_found(tmp_path: Path) -> None:
    async with sidecar(config(tmp_path / "i.db")) as running:
        assert await running.status("/incidents/0123456789abcdef") == 404
        assert await running.status("/incidents/0123456789abcdef.json") == 404
        assert await running.status("/incidents/..%2Fetc") == 404


async def test_half_a_character_or_a_control_in_a_label_does_no_harm(
    tmp_path: Path,
) -> None:
    given = config(tmp_path / "i.db", evidence=False)
    async with sidecar(given) as running:
        target = "shop\ud800<b>\x00\x1b[31m\x9b"
        assert await running.post(alert(1, target=target)) == 200
        await until(running.frozen)
        (one,) = await running.listed()
        assert "shop?&lt;b&gt;??[31m?" in await running.text(f"/incidents/{one['id']}")
        assert "shop?&lt;b&gt;??[31m?" in await running.text("/incidents")


async def test_a_status_that_nobody_knows_closes_nothing(tmp_path: Path) -> None:
    given = config(tmp_path / "i.db", evidence=False)
    async with sidecar(given) as running:
        await running.post(alert(1))
        odd = {**alert(1, over=True), "status": "weird"}
        assert await running.post(odd) == 400
        assert await running.post(odd, alert(2)) == 200
        found = await running.listed()
    assert [each["closed"] for each in found] == [None, None]


@pytest.mark.parametrize(
    "starts", ["9999-12-31T00:00:00Z", "0001-01-01T00:00:00+01:00"]
)
async def test_a_start_that_cannot_be_counts_as_now(
    starts: str, tmp_path: Path
) -> None:
    odd = {**alert(1), "startsAt": starts}
    given = config(tmp_path / "i.db", evidence=False)
    async with sidecar(given) as running:
        await running.post(odd)
        await running.post(odd)
        (one,) = await running.listed()
        assert one["opened"][:4] not in (starts[:4], "0000")
        await running.post({**odd, "status": "resolved", "endsAt": starts})
        (one,) = await running.listed()
        assert await running.status("/incidents") == 200
    assert one["closed"] >= one["opened"]
    assert one["closed"][:4] != "9999"


async def test_an_alert_without_labels_is_called_something(tmp_path: Path) -> None:
    given = config(tmp_path / "i.db", evidence=False)
    async with sidecar(given) as running:
        odd = {**alert(1), "labels": {}, "annotations": {"summary": " "}}
        assert await running.post(odd) == 200
        (one,) = await running.listed()
        page = await running.text(f"/incidents/{one['id']}")
        assert ">an alert without a name</a></h2>" in await running.text("/incidents")
    assert "<h1>an alert without a name</h1>" in page


async def test_an_alert_that_says_too_much_is_kept_with_what_fits(
    tmp_path: Path,
) -> None:
    given = config(tmp_path / "i.db", evidence=False)
    much = {f"a{number:03}": "x" * 5000 for number in range(100)}
    said = alert(1)
    said = {**said, "labels": much | said["labels"], "annotations": much}
    async with sidecar(given) as running:
        assert await running.post(said) == 200
        (one,) = await running.listed()
        whole = await running.text(f"/incidents/{one['id']}.json")
    assert one["labels"]["a000"] == "x" * 4000
    assert {**one["labels"], **alert(1)["labels"]} == one["labels"]
    assert len(whole) < 70_000


@pytest.mark.parametrize("path", ["", ".json", "/0123456789abcdef"])
async def test_nothing_is_shown_without_a_password(tmp_path: Path, path: str) -> None:
    guarded = WebConfig(users(tmp_path, ops=hashed("right")))
    given = config(tmp_path / "i.db", evidence=False)
    async with sidecar(given, guarded) as running:
        assert await running.status(f"/incidents{path}") == 401
        assert await running.post(alert(1)) == 401
