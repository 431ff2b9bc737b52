"""Evidence over HTTP: a page, the same as data, nothing where it is switched off."""

from __future__ import annotations

import json

import pytest

from exporter.config import ExporterWeb
from exporter.evidence import Evidence, Kept
from exporter.web.service import TargetStatus
from tests.integration.web_support import FixedService, ask, serving

NAMES = "the targets are:\norders\ngraph\ncache\nlocal\n"


async def test_evidence_is_a_page_and_data(url: str, service: FixedService) -> None:
    tree = Evidence(("pg_lock_waiters",), "Who waits", ("pid",), ((7,), (8,)), (0, 1))
    other = Evidence(("pg_index_invalid",), "Invalid", ("index",), (("<i>",),))
    service.causes["orders"] = [Kept(one, 90, current=True) for one in (tree, other)]
    page = await ask(f"{url}/evidence/orders")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert ("└─ 8" in page.text, "&lt;i&gt;" in page.text) == (True, True)
    one = await ask(f"{url}/evidence/orders?kpi=pg_index_invalid")
    assert ("└─ 8" in one.text, "&lt;i&gt;" in one.text) == (False, True)
    data = await ask(f"{url}/api/evidence?target=orders&kpi=pg_lock_waiters")
    assert json.loads(data.body) == {
        "target": "orders",
        "evidence": [
            {
                "title": "Who waits",
                "kpis": ["pg_lock_waiters"],
                "seen": "1970-01-01T00:01:30+00:00",
                "current": True,
                "rows": [{"pid": 7, "depth": 0}, {"pid": 8, "depth": 1}],
            }
        ],
    }


async def test_evidence_that_is_switched_off_is_shown_nowhere() -> None:
    service = FixedService()
    service.config = service.config.model_copy(
        update={"web": ExporterWeb(evidence=False)}
    )
    service.targets = [TargetStatus("orders", "postgres", up=True)]
    async with serving(service) as url:
        answers = [
            await ask(f"{url}{path}")
            for path in ("/evidence/orders", "/api/evidence?target=orders")
        ]
        status = await ask(f"{url}/")
    said = "evidence is switched off: web.evidence in the configuration\n"
    assert [(each.status, each.text) for each in answers] == [(404, said)] * 2
    assert ("orders" in status.text, "evidence" in status.text) == (True, False)


@pytest.mark.parametrize("path", ["/evidence/none", "/api/evidence?target=none"])
async def test_evidence_of_an_unknown_target_is_refused(url: str, path: str) -> None:
    answer = await ask(f"{url}{path}")
    expected = f"no target 'none' is configured\n{NAMES}"
    assert (answer.status, answer.text) == (404, expected)


async def test_evidence_as_data_is_of_a_target(url: str) -> None:
    answer = await ask(f"{url}/api/evidence")
    asked = "which target? /api/evidence?target=NAME&kpi=ID"
    assert (answer.status, answer.text) == (400, f"{asked}\n{NAMES}")
