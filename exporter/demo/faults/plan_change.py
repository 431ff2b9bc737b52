"""Drops the index behind the list of a customer's orders, so that its plan changes.

Breaks the promise that no statement's plan becomes dearer by itself: the statement
reads all orders, which a table this small forgives for a while.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from exporter.demo.places import required
from exporter.demo.shop.schema import CUSTOMER_INDEX, without_index

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.demo.places import Places

NEEDS = ("postgres",)


@asynccontextmanager
async def broken(places: Places) -> AsyncIterator[None]:
    """Keep the index away as long as the context is open."""
    owner = required(places.postgres_owner)
    async with without_index(owner, "orders_customer", CUSTOMER_INDEX):
        yield
