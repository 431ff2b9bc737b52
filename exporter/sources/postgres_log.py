"""Reads what PostgreSQL's csvlog or jsonlog adds: how long logged statements took."""

from __future__ import annotations

import asyncio
import csv
import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST = 4 * 2**20  # bytes of a file in one poll; beyond it, the poll knows nothing
_DURATION = re.compile(r"duration: ([\d.]+) ms  (?:statement|execute [^:]*): ")
_DATABASE, _MESSAGE = 2, 13  # columns of csvlog
_OURS = "/* kpi-exporter */"


class Slow(NamedTuple):
    """One logged statement: its database, and the seconds that it took."""

    datname: str
    seconds: float


class Tail(NamedTuple):
    """What was logged since the last look; `whole` unless some of it was left out."""

    slow: tuple[Slow, ...] = ()
    whole: bool = False


class LogFiles:
    """The `*.csv` and `*.json` files of a folder, or one file, read as they grow."""

    def __init__(self, place: Path | None) -> None:
        """Take a folder or a file, None for no log; nothing is read yet."""
        self._place = place
        self._read: dict[Path, int] = {}
        self._begun = False
        self.problem = ""

    async def added(self) -> Tail:
        """Return what was added since the last call; the first call only begins.

        What cannot be read is not whole, and `problem` says why.
        """
        if self._place is None:
            return Tail()
        self.problem = ""
        try:
            return await asyncio.to_thread(self._tail, self._place)
        except (OSError, ValueError, csv.Error) as error:
            self._begun = False
            self.problem = f"{type(error).__name__} at the log {self._place}"
            return Tail()

    def _tail(self, place: Path) -> Tail:
        files = sorted(_files(place))
        if not self._begun:
            self._begun = True
            self._read = {file: file.stat().st_size for file in files}
            return Tail()
        found: list[Slow] = []
        whole = bool(files)
        for file in files:
            size, start = file.stat().st_size, self._read.get(file, 0)
            start = start if start <= size else 0  # it was truncated
            if size - start > _MOST:
                self._read[file], whole = size, False
                continue
            with file.open("rb") as opened:
                opened.seek(start)
                added = opened.read(size - start)
            text, used = _entries(added)
            self._read[file] = start + used
            found += _json(text) if file.suffix == ".json" else _csv(text)
        self._read = {file: self._read[file] for file in files}
        return Tail(tuple(found), whole)


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    for file in place.iterdir():
        if file.suffix in {".csv", ".json"}:
            yield file


def _entries(added: bytes) -> tuple[str, int]:
    """Cut after the last whole entry: a line end outside of quotes."""
    end = len(added)
    while (end := added.rfind(b"\n", 0, end)) >= 0:
        if added.count(b'"', 0, end) % 2 == 0:
            return added[: end + 1].decode("utf-8", "replace"), end + 1
    return "", 0


def _csv(text: str) -> Iterator[Slow]:
    for entry in csv.reader(text.splitlines(keepends=True)):
        if len(entry) > _MESSAGE:
            yield from _slow(entry[_DATABASE], entry[_MESSAGE])


def _json(text: str) -> Iterator[Slow]:
    for line in text.splitlines():
        entry = json.loads(line)
        yield from _slow(entry.get("dbname", ""), entry.get("message", ""))


def _slow(datname: str, message: str) -> Iterator[Slow]:
    found = _DURATION.match(message)
    if found and _OURS not in message:
        yield Slow(datname, float(found[1]) / 1000)
