"""A server that speaks Bolt and answers as another version or edition would.

It knows its own columns: a SHOW command that yields any other is a syntax error, as on
the real one; so is a command that the version does not have.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.integration.neo4j_packstream import Struct, Unpacker, pack

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator, Mapping

_HELLO, _RUN, _BEGIN, _RESET, _PULL = 0x01, 0x10, 0x11, 0x0F, 0x3F
_SUCCESS, _RECORD, _IGNORED, _FAILURE = 0x70, 0x71, 0x7E, 0x7F
_GOODBYE = 0x02
_SYNTAX = "Neo.ClientError.Statement.SyntaxError"
_SHOW = re.compile(
    r"(SHOW \w+) YIELD (?P<asked>.+?)(?: WHERE .+?)?(?: LIMIT 0| RETURN (?P<given>.+))?"
)


class Table(NamedTuple):
    """A SHOW command's columns, and its rows by column or by the Cypher asked for."""

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...] = ()


class Refused(Exception):  # noqa: N818 - the server refuses, nothing is wrong here
    """What the server says no with."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Script:
    """What the server is: its Bolt, its tables, and its answers by a query's start."""

    agent: str
    bolt: bytes
    tables: dict[str, Table]
    answers: dict[str, list[dict[str, Any]] | Refused]
    plan: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, text: str) -> tuple[list[str], list[list[Any]]]:
        """Return columns and rows for a query; raises Refused."""
        query = " ".join(text.split())
        self.asked.append(query)
        for start, found in self.answers.items():
            if query.startswith(start):
                if isinstance(found, Refused):
                    raise found
                return [*found[0]] if found else [], [[*row.values()] for row in found]
        if query.startswith(("EXPLAIN", "PROFILE")):
            return ["x"], []
        return self._shown(query)

    def _shown(self, query: str) -> tuple[list[str], list[list[Any]]]:
        found = _SHOW.fullmatch(query)
        table = self.tables.get(found[1]) if found else None
        if found is None or table is None:
            raise Refused(_SYNTAX, f"Invalid input: {query[:60]}")
        if found["asked"] == "*":
            return [*table.columns], []
        for name in found["asked"].split(", "):
            if name not in table.columns:
                raise Refused(_SYNTAX, f"Trying to YIELD non-existing column: {name}")
        given = [part.rpartition(" AS ") for part in _parts(found["given"])]
        rows = [[row.get(cypher) for cypher, _, _ in given] for row in table.rows]
        return [name for _, _, name in given], rows


def _parts(text: str) -> list[str]:
    """Split at the commas that are in no bracket."""
    return re.split(r", (?![^(]*\))", text)


class _Talk:
    """One client's connection."""

    def __init__(self, script: Script, writer: StreamWriter) -> None:
        self._script = script
        self._writer = writer
        self._failed = False
        self._rows: list[list[Any]] = []
        self._plan: dict[str, Any] = {}

    def said(self, message: Struct) -> bool:
        """Answer a message; returns whether the client stays."""
        if message.tag == _GOODBYE:
            return False
        if message.tag == _RESET:
            self._failed = False
        if self._failed:
            self._send(_IGNORED)
            return True
        try:
            self._send(_SUCCESS, self._done(message))
        except Refused as refused:
            self._failed = True
            self._send(_FAILURE, {"code": refused.code, "message": str(refused)})
        return True

    def _done(self, message: Struct) -> dict[str, Any]:
        if message.tag == _HELLO:
            return {"server": self._script.agent, "connection_id": "bolt-3"}
        if message.tag == _RUN:
            columns, self._rows = self._script.answer(message.fields[0])
            word = message.fields[0].split()[0]
            known = {"EXPLAIN": "plan", "PROFILE": "profile"}.get(word)
            self._plan = {known: self._script.plan} if known else {}
            return {"fields": columns, "t_first": 1}
        if message.tag == _PULL:
            for row in self._rows:
                self._send(_RECORD, row)
            self._rows = []
            return {"type": "r", "t_last": 1, **self._plan}
        return {}

    def _send(self, tag: int, *fields: Any) -> None:
        data = pack(Struct(tag, fields))
        for at in range(0, len(data), 60_000):
            chunk = data[at : at + 60_000]
            self._writer.write(len(chunk).to_bytes(2, "big") + chunk)
        self._writer.write(b"\0\0")


@asynccontextmanager
async def pretending(script: Script) -> AsyncIterator[str]:
    """Be that server; gives its URI."""

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readexactly(20)
        writer.write(script.bolt)
        talk = _Talk(script, writer)
        try:
            while talk.said(await _message(reader)):
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"bolt://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _message(reader: StreamReader) -> Struct:
    data = b""
    while True:
        size = int.from_bytes(await reader.readexactly(2), "big")
        if size:
            data += await reader.readexactly(size)
        elif data:
            value: Struct = Unpacker(data).value()
            return value
