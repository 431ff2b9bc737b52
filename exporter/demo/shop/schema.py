"""Makes the shop's world in an empty PostgreSQL: tables, rows, indexes, roles."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, LiteralString

import psycopg
from psycopg import sql

from exporter.demo.shop.database import CUSTOMERS, ORDERS, PRODUCTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# Dear on purpose: without the index below, a search computes it for every product.
_SOUND = """
CREATE FUNCTION sounds_like(name text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT
AS $$
DECLARE
  sound text := lower(name);
  rule text[];
BEGIN
  FOREACH rule SLICE 1 IN ARRAY ARRAY[
    ['[^a-z ]', ''], ['ph', 'f'], ['c[kh]', 'k'], ['c([eiy])', 's\\1'], ['c', 'k'],
    ['z', 's'], ['q', 'k'], ['x', 'ks'], ['[td]', 't'], ['[bp]', 'p'], ['[vw]', 'f'],
    ['[aeiouy]+', 'a'], ['(.)\\1+', '\\1'], ['a$', ''], [' +', ' '], ['^ | $', '']
  ] LOOP
    sound := regexp_replace(sound, rule[1], rule[2], 'g');
  END LOOP;
  RETURN sound;
END $$
"""

_TABLES = """
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, email text NOT NULL);
CREATE TABLE products (id int PRIMARY KEY, title text NOT NULL,
  price numeric(8, 2) NOT NULL, stock int NOT NULL);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL,
  product_id int NOT NULL, quantity int NOT NULL, status text NOT NULL,
  created_at timestamptz NOT NULL, paid_at timestamptz);
CREATE TABLE agents (id int PRIMARY KEY, status text NOT NULL,
  current_workload int NOT NULL, capabilities jsonb NOT NULL);
CREATE TABLE tasks (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL, priority int NOT NULL, status text NOT NULL DEFAULT 'pending',
  agent_id int, created_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE sessions (user_id int PRIMARY KEY, last_activity timestamptz NOT NULL);
CREATE TABLE embeddings (id int PRIMARY KEY, vector vector(16) NOT NULL);
"""

_ROWS = f"""
SELECT setseed(0.5);
INSERT INTO customers SELECT n, 'Customer ' || n, 'customer' || n || '@shop.example'
  FROM generate_series(1, {CUSTOMERS}) n;
INSERT INTO products SELECT n,
  (ARRAY['Quiet', 'Bright', 'Phased', 'Clever', 'Wooden', 'Velvet', 'Zinc'])[1 + n % 7]
  || ' ' || (ARRAY['kettle', 'chair', 'lamp', 'bicycle', 'teapot', 'vase'])[1 + n % 6]
  || ' ' || (ARRAY['one', 'two', 'six', 'ten', 'plus'])[1 + n % 5] || ' '
  || translate(n::text, '0123456789', 'bdfgklmnrs'),
  (1 + random() * 400)::numeric(8, 2), (random() * 100)::int
  FROM generate_series(1, {PRODUCTS}) n;
INSERT INTO orders SELECT n, 1 + n % {CUSTOMERS},
  1 + (random() * ({PRODUCTS} - 1))::int, 1 + n % 4, 'new',
  now() - n * interval '1 minute' FROM generate_series(1, {ORDERS}) n;
INSERT INTO agents SELECT n, CASE WHEN n % 5 = 0 THEN 'away' ELSE 'active' END, n % 9,
  '{{"tools": ["lint", "run"]}}' FROM generate_series(1, 50) n;
INSERT INTO sessions SELECT n, now() FROM generate_series(1, {CUSTOMERS}) n;
INSERT INTO embeddings SELECT n, (SELECT array_agg(random())
  FROM generate_series(1, 16) WHERE n > 0)::vector FROM generate_series(1, 1000) n;
"""  # noqa: S608 - numbers of our own

SEARCH_INDEX = "CREATE INDEX products_sound ON products (sounds_like(title))"
CUSTOMER_INDEX = "CREATE INDEX orders_customer ON orders (customer_id, created_at)"

_INDEXES = f"""
{SEARCH_INDEX};
{CUSTOMER_INDEX};
CREATE INDEX agents_workload ON agents (status, current_workload)
  WHERE status = 'active';
CREATE INDEX agents_capabilities ON agents USING gin (capabilities jsonb_path_ops);
CREATE INDEX tasks_queue ON tasks (status, priority DESC, created_at)
  WHERE status IN ('pending', 'assigned');
CREATE INDEX sessions_activity ON sessions (user_id, last_activity);
CREATE INDEX embeddings_vector ON embeddings USING ivfflat (vector vector_l2_ops)
  WITH (lists = 10);
"""

_GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shop;
GRANT pg_monitor, pg_read_all_data TO monitor;
"""


@asynccontextmanager
async def without_index(
    url: str, name: LiteralString, *repair: LiteralString
) -> AsyncIterator[None]:
    """Drop an index, and run the statements that mend it when the context closes."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as owner:
        await owner.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    try:
        yield
    finally:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as owner:
            for statement in repair:
                await owner.execute(statement)


async def build(url: str, *, shop: str, monitor: str) -> None:
    """Make everything in the database of a superuser's URL.

    `shop` and `monitor` are the passwords of the roles of these names: that of the
    application, and that of the exporter with no more rights than it needs.
    """
    async with await psycopg.AsyncConnection.connect(url) as connection:
        for role, password in (("shop", shop), ("monitor", monitor)):
            create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
            await connection.execute(
                create.format(sql.Identifier(role), sql.Literal(password))
            )
        for script in (_SOUND, _TABLES, _ROWS, _INDEXES, _GRANTS):
            await connection.execute(script)
    async with await psycopg.AsyncConnection.connect(
        url, autocommit=True
    ) as connection:
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("SELECT pg_stat_statements_reset()")
