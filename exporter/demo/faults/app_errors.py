"""Lets one in five requests to the application fail, as a bad release would.

Breaks the promise on the error rate (below 0.1 %); servers and host stay well.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from exporter.demo.shop.defects import switched

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.demo.places import Places

NEEDS: tuple[str, ...] = ()


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep the defect on as long as the context is open."""
    async with switched(places.application, fail=0.2):
        yield
