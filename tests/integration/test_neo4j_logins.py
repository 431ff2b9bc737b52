"""Logins that fail: rarely tried again, because three failures lock the user."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from neo4j import GraphDatabase
from neo4j.exceptions import Neo4jError

from exporter.errors import Reason
from exporter.sources.neo4j import Neo4jSource
from tests.integration.neo4j_fixtures import (
    DEADLINE,
    ask,
    failure,
    reading,
    target,
    wired,
    write_password,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.demo.servers.neo4j import Neo4jServer


@contextmanager
def user(server: Neo4jServer, name: str, change: str = "NOT REQUIRED") -> Iterator[str]:
    """Have another user on the server for a while."""
    ask(server, f"CREATE USER {name} SET PASSWORD 'right-password' CHANGE {change}")
    try:
        yield name
    finally:
        ask(server, f"DROP USER {name}")


def lock(server: Neo4jServer, name: str) -> None:
    """Have the server lock a user, as a program with a wrong password does."""
    for _ in range(4):
        with (
            pytest.raises(Neo4jError),
            GraphDatabase.driver(server.uri, auth=(name, "wrong")) as driver,
        ):
            driver.verify_connectivity()


async def test_a_wrong_password_is_tried_once_in_five_minutes(
    neo4j_server: Neo4jServer,
) -> None:
    now = 1000.0
    write_password(neo4j_server, "wrong-password")
    async with (
        wired(neo4j_server) as wire,
        reading(neo4j_server, uri=f"bolt://127.0.0.1:{wire.port}") as source,
    ):
        source.clock = lambda: now
        first = await failure(source)
        for later in (0.0, 15.0, 299.9):
            now = 1000.0 + later
            again = await failure(source)
            assert (again.reason, str(again)) == (Reason.AUTH, str(first))
        assert (wire.connections, wire.logins) == (1, 1)
        now = 1300.0
        await failure(source)
        await failure(source)
        assert (wire.connections, wire.logins) == (2, 2)
        assert source.connections == 0
    assert first.reason is Reason.AUTH
    assert first.fix is not None
    assert "wrong-password" not in f"{first} {first.fix}"


async def test_a_wrong_password_is_not_tried_again_by_each_reload(
    neo4j_server: Neo4jServer,
) -> None:
    """A reload makes a new source of a target whose settings changed."""
    write_password(neo4j_server, "wrong-password")
    async with wired(neo4j_server) as wire:
        uri = f"bolt://127.0.0.1:{wire.port}"
        for interval in ("15s", "16s", "17s"):
            async with reading(neo4j_server, uri=uri, interval=interval) as source:
                assert (await failure(source)).reason is Reason.AUTH
        assert wire.logins == 1


async def test_another_password_is_tried_at_once(neo4j_server: Neo4jServer) -> None:
    write_password(neo4j_server, "wrong-password")
    async with reading(neo4j_server) as source:
        assert (await failure(source)).reason is Reason.AUTH
        write_password(neo4j_server, neo4j_server.password)
        await source.connect(DEADLINE)
        assert source.connections == 1


async def test_a_password_that_went_wrong_later_is_not_tried_twice_either(
    neo4j_server: Neo4jServer,
) -> None:
    with user(neo4j_server, "rotated") as name:
        async with (
            wired(neo4j_server) as wire,
            reading(
                neo4j_server, uri=f"bolt://127.0.0.1:{wire.port}", user=name
            ) as source,
        ):
            await source.connect(DEADLINE)
            ask(neo4j_server, f"ALTER USER {name} SET PASSWORD 'another-one'")
            source.discard()
            reasons = [(await failure(source)).reason for _ in range(3)]
            assert wire.logins == 2
            write_password(neo4j_server, "another-one")
            ask(neo4j_server, f"ALTER USER {name} SET PASSWORD CHANGE NOT REQUIRED")
            await source.connect(DEADLINE)
    assert reasons == [Reason.AUTH] * 3


async def test_a_password_that_changed_while_connected_is_never_tried_in_vain(
    neo4j_server: Neo4jServer,
) -> None:
    with user(neo4j_server, "changed") as name:
        async with wired(neo4j_server) as wire:
            uri = f"bolt://127.0.0.1:{wire.port}"
            async with reading(neo4j_server, uri=uri, user=name) as source:
                await source.connect(DEADLINE)
                ask(
                    neo4j_server,
                    f"ALTER USER {name} SET PASSWORD 'a-new-one' CHANGE NOT REQUIRED",
                )
                write_password(neo4j_server, "a-new-one")
                await wire.cut()
                await source.connect(DEADLINE)
                assert wire.logins == 2


async def test_a_password_that_vanished_is_told_without_asking_the_server(
    neo4j_server: Neo4jServer, tmp_path: Path
) -> None:
    async with wired(neo4j_server) as wire:
        config = target(
            neo4j_server,
            uri=f"bolt://127.0.0.1:{wire.port}",
            password_file=tmp_path / "absent",
        )
        error = await failure(Neo4jSource(config))
        assert wire.connections == 0
    assert error.reason is Reason.AUTH
    assert "does not exist" in str(error)


async def test_no_user_at_all_is_told_with_what_to_set(
    neo4j_server: Neo4jServer,
) -> None:
    async with reading(neo4j_server, user=None, password_file=None) as source:
        error = await failure(source)
    assert error.reason is Reason.AUTH
    assert error.fix is not None
    assert "set user" in error.fix


async def test_a_user_locked_by_others_is_tried_again_soon(
    neo4j_server: Neo4jServer,
) -> None:
    now = 1000.0
    with user(neo4j_server, "locked") as name:
        lock(neo4j_server, name)
        async with (
            wired(neo4j_server) as wire,
            reading(
                neo4j_server, uri=f"bolt://127.0.0.1:{wire.port}", user=name
            ) as source,
        ):
            source.clock = lambda: now
            errors = [await failure(source) for _ in range(3)]
            assert wire.logins == 1
            now = 1015.0
            await failure(source)
            assert wire.logins == 2
    assert [error.reason for error in errors] == [Reason.AUTH] * 3
    assert "AuthenticationRateLimit" in str(errors[0])
    assert errors[0].fix is not None


async def test_a_kept_connection_outlives_the_lock(neo4j_server: Neo4jServer) -> None:
    with user(neo4j_server, "kept") as name:
        async with reading(neo4j_server, user=name) as source:
            await source.connect(DEADLINE)
            lock(neo4j_server, name)
            await source.connect(DEADLINE)
            assert source.connections == 1


async def test_a_password_to_be_changed_is_told_with_the_statement_for_it(
    neo4j_server: Neo4jServer,
) -> None:
    with user(neo4j_server, "fresh", change="REQUIRED") as name:
        async with wired(neo4j_server) as wire:
            uri = f"bolt://127.0.0.1:{wire.port}"
            async with reading(neo4j_server, uri=uri, user=name) as source:
                errors = [await failure(source) for _ in range(3)]
                assert wire.logins == 1
    assert [error.reason for error in errors] == [Reason.AUTH] * 3
    assert errors[0].fix is not None
    assert errors[0].fix.startswith("ALTER CURRENT USER SET PASSWORD")
