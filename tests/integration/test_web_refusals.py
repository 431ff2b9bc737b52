"""What pages refuse: a KPI that there is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.web_support import FixedService, ask, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def service() -> FixedService:
    return FixedService()


@pytest.fixture
async def url(service: FixedService) -> AsyncIterator[str]:
    async with serving(service) as address:
        yield address


@pytest.mark.parametrize("path", ["/evidence/orders?", "/api/evidence?target=orders&"])
async def test_evidence_of_an_unknown_kpi_is_refused(url: str, path: str) -> None:
    answer = await ask(f"{url}{path}kpi=pg_lock")
    said = "no KPI 'pg_lock'; the KPIs are:\npg_index_invalid\npg_lock_waiters\n"
    assert (answer.status, answer.text) == (404, said)
    known = await ask(f"{url}{path}kpi=pg_lock_waiters")
    assert known.status == 200
