"""What pages refuse: a KPI that there is not, a Host header that is no host."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.integration.web_support import Asked, ask, config

if TYPE_CHECKING:
    from tests.integration.web_support import FixedService


@pytest.mark.parametrize("path", ["/evidence/orders?", "/api/evidence?target=orders&"])
async def test_evidence_of_an_unknown_kpi_is_refused(url: str, path: str) -> None:
    answer = await ask(f"{url}{path}kpi=pg_lock")
    said = "no KPI 'pg_lock'; the KPIs are:\npg_index_invalid\npg_lock_waiters\n"
    assert (answer.status, answer.text) == (404, said)
    known = await ask(f"{url}{path}kpi=pg_lock_waiters")
    assert known.status == 200


@pytest.mark.parametrize(
    "host",
    ["a b", "evil/path", "user@evil", "a:99999", "a:b", "a:0", "[::g]:1", "x" * 254],
)
async def test_discovery_repeats_no_host_that_is_none(
    url: str, service: FixedService, host: str
) -> None:
    asked = Asked(headers={"Host": host})
    answer = await ask(f"{url}/sd", asked)
    assert (answer.status, "links.external_url" in answer.text) == (400, True)
    service.config = config("https://metrics.test/kpi")
    assert (await ask(f"{url}/sd", asked)).status == 200


@pytest.mark.parametrize("host", ["kpi_1.test", "[::1]:10099", "10.0.0.1", "a.b.:1"])
async def test_discovery_repeats_a_host(url: str, host: str) -> None:
    answer = await ask(f"{url}/sd", Asked(headers={"Host": host}))
    (first, *_) = json.loads(answer.body)
    assert first["targets"][0].startswith(host)
