"""A PostgreSQL database for the tests of the statement review, with much to lose."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import pytest

from exporter.review.answer import review
from exporter.review.shape import Asked
from tests.integration.postgres_fixtures import database, owner, target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.demo.servers.postgres import PostgresServer
    from tests.integration.postgres_fixtures import Owner

SCHEMA = """
create table users (id int primary key, email text not null, banned bool);
insert into users select g, 'u' || g || '@x', false from generate_series(1, 2000) g;
create table orders (
    id bigint primary key, user_id int, status text, created timestamptz, note bpchar(9)
);
insert into orders select g, g % 2000,
    case when g % 500 = 0 then 'open' else 'done' end,
    now() - g * interval '1 minute', 'x'
    from generate_series(1, 50000) g;
create sequence numbers;
create table canary (runs int);
insert into canary values (0);
create view spy as select id from users;
analyze;
"""


class World(NamedTuple):
    """A database with something to lose; `seen` is where the server's log stood."""

    dsn: str
    session: Owner
    log: Path
    seen: int

    def sprung(self) -> int:
        """Count the traps that the server ran, by its log."""
        return self.log.read_text("utf-8")[self.seen :].count("sprung by")


@contextmanager
def world(server: PostgresServer) -> Iterator[World]:
    with (
        database(server, "reviewed", "schema public") as dsn,
        owner(server, "reviewed") as session,
    ):
        session.execute(SCHEMA)
        log = server.process.log
        yield World(dsn, session, log, len(log.read_text("utf-8")))


@pytest.fixture
def each_reviewed_world(each_postgres: PostgresServer) -> Iterator[World]:
    with world(each_postgres) as made:
        yield made


@pytest.fixture
def reviewed_world(postgres: PostgresServer) -> Iterator[World]:
    with world(postgres) as made:
        yield made


async def reviewed(dsn: str, text: str, **asked: Any) -> dict[str, Any]:
    """Review one statement at a server; returns what is said of it."""
    (found,) = await all_reviewed(dsn, text, **asked)
    return found


async def all_reviewed(dsn: str, text: str, **asked: Any) -> list[dict[str, Any]]:
    """Review statements at a server, where none may be executed."""
    config = target(dsn)
    config.name_it("orders")
    answer = await review(Asked(text, target="orders", **asked), config)
    assert answer["executed"] is False
    found: list[dict[str, Any]] = answer["statements"]
    return found


@contextmanager
def owner_again(dsn: str) -> Iterator[Owner]:
    """Open one more session."""
    with psycopg.connect(dsn, autocommit=True) as session:
        yield session
