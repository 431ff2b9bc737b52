"""Servers that refuse: login, rights, loading, limits, scripts."""

from __future__ import annotations

import asyncio
import time

import pytest
import redis

from exporter.demo.servers.redis import RedisServer, from_path, from_wheel
from exporter.errors import Reason, SourceError
from tests.integration.exporter_process import open_folder
from tests.integration.redis_fixtures import (
    SECRET,
    admin,
    failure,
    info,
    our_connections,
    reading,
    running,
    tell,
)
from tests.integration.web_support import until


async def test_a_missing_password_is_asked_for(redis_server: RedisServer) -> None:
    with admin(redis_server) as client:
        tell(client, "ACL SETUSER default resetpass >" + SECRET)
        found = await failure(redis_server.url)
        tell(client, "ACL SETUSER default nopass")
    assert found.reason is Reason.AUTH
    assert found.fix == "set password_file, and user if needed"


async def test_a_wrong_password_is_named_but_never_shown(
    redis_server: RedisServer,
) -> None:
    with admin(redis_server) as client:
        tell(client, "ACL SETUSER ana on >right +info")
        found = await failure(
            f"redis://ana:{SECRET}@127.0.0.1:{redis_server.port}",
        )
        await until(lambda: our_connections(client) == 0)
    assert found.reason is Reason.AUTH
    assert str(found).endswith("refuses the password of user ana")


async def test_a_missing_right_keeps_the_connection_and_names_the_remedy(
    redis_server: RedisServer,
) -> None:
    with admin(redis_server) as client:
        tell(client, "ACL SETUSER ana on >pw +ping +client|setname")
        url = f"redis://ana:pw@127.0.0.1:{redis_server.port}"
        async with reading(url) as source:
            await source.connect(5)
            with pytest.raises(SourceError) as caught:
                await source.run(info, 5)
            assert (caught.value.reason, caught.value.answered) == (
                Reason.PERMISSION,
                True,
            )
            tell(client, str(caught.value.fix))
            assert await source.run(info, 5) != {}
            assert our_connections(client) == 1


async def test_a_renamed_command_is_unsupported() -> None:
    with open_folder() as folder:
        server = RedisServer(folder / "data", settings={"rename-command": 'INFO ""'})
        with running(server):
            async with reading(server.url) as source:
                await source.connect(5)
                with pytest.raises(SourceError) as caught:
                    await source.run(info, 5)
                assert source.connections == 1
    assert (caught.value.reason, caught.value.answered) == (Reason.UNSUPPORTED, True)
    assert "rename-command" in str(caught.value.fix)


@pytest.mark.parametrize("binary", [from_path, from_wheel])
async def test_a_server_that_loads_its_data_is_starting(binary: object) -> None:
    with open_folder() as folder:
        server = RedisServer(
            folder / "data",
            binary=binary(),  # type: ignore[operator]  # one of the two above
            settings={
                "appendonly": "no",
                "enable-debug-command": "yes",
                "loading-process-events-interval-bytes": "1024",
            },
        )
        with running(server):
            with admin(server) as client:
                tell(client, "DEBUG POPULATE 2000 key 100")
                client.save()
            server.kill()
            server.settings["key-load-delay"] = "1000"
            server.start()
            found = await failure(server.url)
            with admin(server) as client:
                client.config_set("key-load-delay", 0)
            async with asyncio.timeout(20), reading(server.url) as source:
                while source.connections == 0:
                    try:
                        await source.connect(5)
                    except SourceError as error:
                        assert error.reason is Reason.STARTING  # noqa: PT017 - until then
                        await asyncio.sleep(0.05)
                fields = await source.run(info, 5)
    assert found.reason is Reason.STARTING
    assert fields["loading"] == "0"


async def test_too_many_clients_are_a_limit_each_time(
    redis_server: RedisServer,
) -> None:
    with admin(redis_server) as client:
        client.config_set("maxclients", 1)
        found = [await failure(redis_server.url) for _ in range(20)]
        client.config_set("maxclients", 10_000)
    assert [error.reason for error in found] == [Reason.LIMIT] * 20
    assert str(found[0].fix).startswith("CONFIG SET maxclients")


async def test_a_running_script_is_a_lock_and_the_connection_stays(
    redis_server: RedisServer,
) -> None:
    async with asyncio.timeout(20), reading(redis_server.url) as source:
        await source.connect(5)
        with admin(redis_server) as client, admin(redis_server) as other:
            script = asyncio.to_thread(client.eval, "while true do end", 0)
            running_script = asyncio.create_task(script)
            await asyncio.to_thread(wait_until_busy, other)
            with pytest.raises(SourceError) as caught:
                await source.run(info, 5)
            other.script_kill()
            with pytest.raises(redis.ResponseError):
                await running_script
        assert (caught.value.reason, caught.value.answered) == (Reason.LOCK, True)
        assert await source.run(info, 5) != {}


def wait_until_busy(client: redis.Redis) -> None:
    """Wait until the server says that a script blocks it."""
    for _ in range(500):
        try:
            client.ping()
        except redis.ResponseError as error:
            assert "BUSY" in str(error)  # noqa: PT017 - what is waited for
            return
        time.sleep(0.02)
    raise AssertionError("the server never got busy")
