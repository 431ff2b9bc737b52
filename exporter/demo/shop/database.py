"""The shop's PostgreSQL: a pool of connections and the statements sent on them."""

from __future__ import annotations

from asyncio import Queue
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.demo.shop.instruments import Instruments

    Connection = psycopg.AsyncConnection[dict[str, Any]]

_POOL_SIZE = 8
PRODUCTS = 12_000
ORDERS = 10_000
POPULAR = 100
CUSTOMERS = 500


class Pool:
    """A fixed number of connections, lent one by one; a broken one is replaced."""

    def __init__(self, url: str) -> None:
        """Keep the address; nothing is opened yet."""
        self._url = url
        self._free: Queue[Connection] = Queue()

    async def open(self) -> None:
        """Open every connection."""
        for _ in range(_POOL_SIZE):
            self._free.put_nowait(await self._connect())

    async def _connect(self) -> Connection:
        return await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            row_factory=dict_row,
            application_name="shop",
            # A writer that waits for a lock gives up before its caller does.
            options="-c lock_timeout=3s -c statement_timeout=10s",
        )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Wait for a free connection and lend it."""
        connection = await self._free.get()
        try:
            if connection.closed:
                connection = await self._connect()
            yield connection
        finally:
            self._free.put_nowait(connection)

    async def close(self) -> None:
        """Close every connection that is free."""
        while not self._free.empty():
            await self._free.get_nowait().close()


class Database:
    """The statements of the shop, each measured by kind and table."""

    def __init__(self, pool: Pool, instruments: Instruments) -> None:
        """Use an open pool."""
        self._pool = pool
        self._instruments = instruments

    async def _run(
        self, kind: str, table: str, query: str, *values: object
    ) -> list[dict[str, Any]]:
        async with self._pool.connection() as connection:
            with self._instruments.query(kind, table):
                cursor = await connection.execute(query, values)
                return await cursor.fetchall() if cursor.description else []

    async def ping(self) -> None:
        """Prove that the database answers."""
        await self._run("select", "none", "SELECT 1 AS alive")

    async def product(self, number: int) -> dict[str, Any] | None:
        """Read one product."""
        query = "SELECT id, title, price::float8, stock FROM products WHERE id = %s"
        rows = await self._run("select", "products", query, number)
        return rows[0] if rows else None

    async def popular(self) -> dict[int, dict[str, Any]]:
        """Read the products that customers look at."""
        query = "SELECT id, title, price::float8, stock FROM products WHERE id <= %s"
        rows = await self._run("select", "products", query, POPULAR)
        return {row["id"]: row for row in rows}

    async def search(self, words: str) -> list[dict[str, Any]]:
        """Find the products whose title sounds alike."""
        query = (
            "SELECT id, title, price::float8 FROM products"
            " WHERE sounds_like(title) = sounds_like(%s) ORDER BY price LIMIT 20"
        )
        return await self._run("select", "products", query, words)

    async def orders(self, customer: int) -> list[dict[str, Any]]:
        """Read a customer's latest orders."""
        query = (
            "SELECT o.id, p.title, o.quantity, o.status, o.created_at FROM orders o"
            " JOIN products p ON p.id = o.product_id"
            " WHERE o.customer_id = %s ORDER BY o.created_at DESC LIMIT 20"
        )
        return await self._run("select", "orders", query, customer)

    async def pay(self, order: int) -> None:
        """Mark an order as paid."""
        query = "UPDATE orders SET status = 'paid', paid_at = now() WHERE id = %s"
        await self._run("update", "orders", query, order)

    async def login(self, user: int) -> None:
        """Note a user's activity."""
        query = (
            "INSERT INTO sessions (user_id, last_activity) VALUES (%s, now())"
            " ON CONFLICT (user_id) DO UPDATE"
            " SET last_activity = excluded.last_activity"
        )
        await self._run("upsert", "sessions", query, user)

    async def add_task(self, kind: str, priority: int) -> int:
        """Queue a task and return its number."""
        query = "INSERT INTO tasks (kind, priority) VALUES (%s, %s) RETURNING id"
        rows = await self._run("insert", "tasks", query, kind, priority)
        number: int = rows[0]["id"]
        return number

    async def claim_task(self) -> dict[str, Any] | None:
        """Take the most urgent task and give it to the least busy agent."""
        query = (
            "UPDATE tasks SET status = 'assigned', agent_id = (SELECT id FROM agents"
            " WHERE status = 'active' ORDER BY current_workload LIMIT 1) WHERE id ="
            " (SELECT id FROM tasks WHERE status = 'pending'"
            " ORDER BY priority DESC, created_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
            " RETURNING id, kind"
        )
        rows = await self._run("update", "tasks", query)
        return rows[0] if rows else None

    async def finish_task(self, number: int) -> float:
        """Remove a task that is done and return its age in seconds."""
        query = (
            "DELETE FROM tasks WHERE id = %s RETURNING"
            " extract(epoch FROM clock_timestamp() - created_at)::float8 AS age"
        )
        rows = await self._run("delete", "tasks", query, number)
        age: float = rows[0]["age"]
        return age

    async def keep_embedding(self, number: int, vector: str) -> None:
        """Store a vector under its number."""
        query = (
            "INSERT INTO embeddings (id, vector) VALUES (%s, %s::vector)"
            " ON CONFLICT (id) DO UPDATE SET vector = excluded.vector"
        )
        await self._run("upsert", "embeddings", query, number, vector)

    async def nearest(self, vector: str) -> list[dict[str, Any]]:
        """Find the vectors closest to one."""
        query = "SELECT id FROM embeddings ORDER BY vector <-> %s::vector LIMIT 5"
        return await self._run("select", "embeddings", query, vector)
