"""Redis and Valkey through redis-py: one connection, the answers as raw fields."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit

from redis import exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from exporter.config import RedisTarget
from exporter.errors import Reason, SourceError
from exporter.secret import read_secret, remember
from exporter.sources import redis_address, redis_cgroup, redis_errors
from exporter.sources.base import Source
from exporter.sources.redis_text import Life, Used, number, parse_fields

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from redis.asyncio.connection import AbstractConnection

    from exporter.sources.base import ResultT

_CLIENT_NAME = "kpi-exporter"
_CLOSE_PATIENCE = 1.0
_PORT = 6379
_WELCOMES = (b"OK", b"PONG")
_REFUSALS = (Reason.PERMISSION, Reason.UNSUPPORTED)
_ROUNDED = 1.0  # seconds that an uptime may be wrong by
_LOCAL = (None, "localhost", "127.0.0.1", "::1")


class RedisSource(Source[RedisTarget]):
    """One Redis or Valkey server; INFO is taken apart here, its meaning is not.

    The protocol is RESP2, which every version speaks. The driver has no timeouts: it
    would start a task per command for them, and `Source` bounds every read anyway.
    A server that loads its data set when we connect counts as starting; a replica that
    loads later, on a connection we have, says so in `redis_loading_dump_file`.
    `marks` is how far reads have come that take in only what is new; `used` how the
    commands stood, `refused` why some did not run: forgotten with the connection.
    """

    def __init__(self, config: RedisTarget) -> None:
        """Keep the settings; nothing is opened yet."""
        super().__init__(config)
        self.marks: dict[str, int] = {}
        self.used = Used({}, {})
        self._connection: AbstractConnection | None = None
        self._server: dict[str, str] = {}
        self._life = Life(None, is_new=False)
        self._answered = 0.0
        self.refused: dict[tuple[str, ...], SourceError] = {}
        self._greeted = False
        url = urlsplit(config.url)
        self._user = config.user or unquote(url.username or "") or None
        self._password = unquote(url.password or "") or None
        self._local = url.scheme == "unix" or url.hostname in _LOCAL
        self._place = (
            unquote(url.path)
            if url.scheme == "unix"
            else f"{url.hostname or 'localhost'}:{url.port or _PORT}"
        )
        if self._password:
            remember(self._password)

    @property
    def connections(self) -> int:
        """Connections to the server that are open now: 0 or 1."""
        return int(self._connection is not None and self._connection.is_connected)

    async def identity(self) -> str | None:
        """Return the run_id, which each start makes anew."""
        return (await self.server()).get("run_id")

    @property
    def hint(self) -> str | None:
        """Redis without TLS waits for the end of what it takes for a command."""
        secured = self.config.url.startswith("rediss:")
        return "if it has no TLS there, write redis:// in the url" if secured else None

    async def info(self, section: str | None = None) -> dict[str, str]:
        """Return the fields of INFO: its default sections, or one section.

        Never two, because Redis takes several from version 7 on.
        """
        return await self.fields("INFO", *([section] if section else []))

    async def fields(self, *command: str) -> dict[str, str]:
        """Return an answer made of `name:value` lines, such as CLUSTER INFO's."""
        answer = await self.execute(*command)
        if not isinstance(answer, bytes):
            raise SourceError(
                Reason.PROTOCOL, f"{self._place} answers {command[0]} without a text"
            )
        return parse_fields(answer.decode("utf-8", "replace"))

    async def execute(self, *command: str) -> Any:
        """Send one command and return its answer: bytes, int, None or a list."""
        if self._connection is None:
            raise SourceError(Reason.CONNECT, f"{self._place} is not connected")
        self.queries += 1
        await self._connection.send_command(*command, check_health=False)
        return await self._connection.read_response()

    async def execute_if_allowed(self, *command: str) -> Any:
        """Send one command as `execute` does; None where the server refuses it.

        For what adds to a reading and is no reason to fail. Once refused it is not
        sent again on the same connection: ACL LOG keeps each refusal.
        """
        if command in self.refused:
            return None
        try:
            return await self.execute(*command)
        except exceptions.ResponseError as error:
            why = self._classify(error)
            if why.reason not in _REFUSALS:
                raise
            self.refused[command] = why
        return None

    async def batch(self, *commands: tuple[str | bytes, ...]) -> list[Any]:
        """Send commands in one write and return their answers.

        A server runs them one after the other, with nobody else's between. The first
        error is raised when all answers are in, so that none is left behind.
        """
        if self._connection is None:
            raise SourceError(Reason.CONNECT, f"{self._place} is not connected")
        self.queries += len(commands)
        await self._connection.send_packed_command(
            self._connection.pack_commands(commands), check_health=False
        )
        answers: list[Any] = []
        errors: list[exceptions.ResponseError] = []
        for _ in commands:
            try:
                answers.append(await self._connection.read_response())
            except exceptions.ResponseError as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return answers

    async def server(self) -> dict[str, str]:
        """Return INFO server as it was when we connected: version, run_id, mode."""
        if not self._server:
            self._server = await self.info("server")
            run_id = self._server.get("run_id")
            if run_id != self._life.run_id:
                away = asyncio.get_running_loop().time() - self._answered + _ROUNDED
                uptime = number(self._server.get("uptime_in_seconds")) or 0
                self._life = Life(run_id, uptime <= away)
        return self._server

    async def life(self) -> Life:
        """Return whose counts these are; the uptime tells a restart from a takeover."""
        await self.server()
        return self._life

    async def mode(self) -> str | None:
        """Return `standalone`, `cluster` or `sentinel`; Valkey names the field anew."""
        server = await self.server()
        return server.get("redis_mode") or server.get("server_mode")

    async def since(self, major: int, minor: int = 0) -> bool:
        """Tell whether the server is of this version of Redis or later; Valkey is."""
        version = (await self.server()).get("redis_version", "0.0").split(".")
        return (int(version[0]), int(version[1])) >= (major, minor)

    async def visit(
        self, addresses: Iterable[str], patience: float
    ) -> dict[str, dict[str, str] | None]:
        """Return INFO of other servers, asked with our login; None without an answer.

        All are asked at once; `patience` is how many seconds each may take.
        """
        found = [self._ask(address, patience) for address in addresses]
        return dict(await asyncio.gather(*found))

    async def _ask(
        self, address: str, patience: float
    ) -> tuple[str, dict[str, str] | None]:
        url = redis_address.moved(self.config.url, address)
        other = RedisSource(self.config.model_copy(update={"url": url}))
        try:
            await other.connect(patience)
            return address, await other.run(lambda source: source.info(), patience)
        except SourceError:
            return address, None
        finally:
            self.queries += other.queries
            other.discard()

    def cgroup_limit(self, pid: str) -> int | None:
        """Return the memory in bytes that the server's control group may take.

        None where there is no limit, and where the server is not on our machine.
        """
        return redis_cgroup.memory_limit(pid) if self._local else None

    def discard(self) -> None:
        """Throw the connection away at once, without waiting for the server."""
        connection, self._connection = self._connection, None
        self._server, self._greeted = {}, False
        self.refused.clear()
        self.used = Used({}, {})
        if connection is None:
            return
        writer = connection._writer  # noqa: SLF001 - the driver offers no abort
        if writer is not None:
            writer.transport.abort()
        connection._close()  # type: ignore[no-untyped-call]  # noqa: SLF001 - as above

    async def close(self) -> None:
        """Close in good order; never waits longer than a second for the server."""
        if self._connection is not None:
            with contextlib.suppress(exceptions.RedisError, TimeoutError):
                async with asyncio.timeout(_CLOSE_PATIENCE):
                    await self._connection.disconnect()
        self.discard()

    async def _connect(self) -> None:
        if self._connection is not None:
            if self.connections and not await self._connection.can_read():
                return
            self.discard()  # closed by the server, or an answer that nobody awaited
        password = await read_secret(self.config) or self._password

        async def greet(connection: AbstractConnection) -> None:
            await self._greet(connection, password)

        kind, options = redis_address.parse(self.config.url)
        self._connection = kind(
            **options,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=None,
            socket_connect_timeout=None,
            driver_info=None,
            redis_connect_func=greet,
        )
        await self._connection.connect()  # type: ignore[no-untyped-call]  # driver
        self._greeted = True
        self.opened += 1

    async def _greet(
        self, connection: AbstractConnection, password: str | None
    ) -> None:
        """Log in, give our name and ask whether it serves, all in one write.

        One write, because a server with too many clients closes right after its error,
        and a second write would lose the error to a reset.
        """
        await connection.on_connect()
        commands: list[tuple[str, ...]] = [
            ("CLIENT", "SETNAME", _CLIENT_NAME),
            ("PING",),
        ]
        login = bool(self._user or password)
        if login:
            commands.insert(0, ("AUTH", *filter(None, (self._user,)), password or ""))
        self.queries += len(commands)
        await connection.send_packed_command(
            connection.pack_commands(commands), check_health=False
        )
        if login:
            try:
                await connection.read_response()
            except (exceptions.AuthenticationError, exceptions.ResponseError) as error:
                raise redis_errors.login_refused(
                    error, self._place, self._user or "default"
                ) from None
        for _ in ("CLIENT", "PING"):
            try:
                answer = await connection.read_response()
            except exceptions.ResponseError as error:
                if not redis_errors.harmless(error):
                    raise
                continue
            if answer not in _WELCOMES:
                raise exceptions.InvalidResponse("another answer than Redis gives")

    async def _read(self, read: Callable[[Self], Awaitable[ResultT]]) -> ResultT:
        result = await read(self)
        self._answered = asyncio.get_running_loop().time()
        return result

    def _classify(self, error: Exception) -> SourceError:
        if not self._greeted and redis_errors.hung_up(error):
            return redis_errors.unwelcome(self._place, self.config.url)
        return redis_errors.classify(error, self._place, self._user or "default")


SOURCE = RedisSource
