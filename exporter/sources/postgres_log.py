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
# Without a text where `log_statement` had it logged before; a step of the extended
# protocol has none either with `log_duration`, but only below the limit.
_DURATION = re.compile(r"duration: ([\d.]+) ms(?:  (?:statement|execute [^:]*): |$)")
_USER, _DATABASE, _MESSAGE, _APPLICATION = 1, 2, 13, 22  # columns of csvlog
_OURS = "/* kpi-exporter */"
_NAME = "kpi-exporter"
csv.field_size_limit(_MOST)


class Slow(NamedTuple):
    """One logged statement: its database, the seconds that it took, and its user."""

    datname: str
    seconds: float
    user: str = ""


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
        self._json: bool | None = None
        self.problem = ""

    async def added(self, destination: str = "") -> Tail:
        """Return what was added since the last call; the first call only begins.

        `destination` is the server's `log_destination`: of two formats one is read, and
        files that it does not write to say nothing. What cannot be read is not whole,
        and `problem` says why.
        """
        if self._place is None:
            return Tail()
        self.problem = ""
        try:
            json_ = "csvlog" not in destination if destination else None
            return await asyncio.to_thread(self._tail, self._place, json_=json_)
        except (OSError, ValueError, csv.Error) as error:
            self._begun = False
            self.problem = f"{type(error).__name__} at the log {self._place}"
            return Tail()

    def _tail(self, place: Path, *, json_: bool | None) -> Tail:
        files = sorted(_files(place))
        written = [file for file in files if json_ in (None, file.suffix == ".json")]
        changed, self._json = json_ != self._json, json_
        if not self._begun:
            self._begun = True
            self._read = {file: file.stat().st_size for file in files}
            return Tail()
        found: list[Slow] = []
        whole = bool(written) and not changed
        for file in written:
            size, start = file.stat().st_size, self._read.get(file, 0)
            start = start if start <= size else 0  # it was truncated
            if size - start > _MOST:
                self._read[file], whole = size, False
                continue
            with file.open("rb") as opened:
                opened.seek(start)
                added = opened.read(size - start)
            is_json = file.suffix == ".json"
            text, used = _entries(added, quoted=not is_json)
            self._read[file] = start + used
            found += _json(text) if is_json else _csv(text)
        self._read = {file: self._read.get(file, 0) for file in files}
        return Tail(tuple(found), whole)


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    for file in place.iterdir():
        if file.suffix in {".csv", ".json"}:
            yield file


def _entries(added: bytes, *, quoted: bool) -> tuple[str, int]:
    """Cut after the last whole entry: a line end, outside of quotes where it may be."""
    end = len(added)
    while (end := added.rfind(b"\n", 0, end)) >= 0:
        if not quoted or added.count(b'"', 0, end) % 2 == 0:
            return added[: end + 1].decode("utf-8", "replace"), end + 1
    return "", 0


def _csv(text: str) -> Iterator[Slow]:
    for entry in csv.reader(text.splitlines(keepends=True)):
        if len(entry) > _MESSAGE:
            ours = entry[_APPLICATION : _APPLICATION + 1] == [_NAME]
            where = entry[_DATABASE], entry[_USER]
            yield from _slow(entry[_MESSAGE], where, ours=ours)


def _json(text: str) -> Iterator[Slow]:
    for line in text.split("\n")[:-1]:
        entry = json.loads(line)
        where = entry.get("dbname", ""), entry.get("user", "")
        ours = entry.get("application_name") == _NAME
        yield from _slow(entry.get("message", ""), where, ours=ours)


def _slow(message: str, where: tuple[str, str], *, ours: bool) -> Iterator[Slow]:
    found = _DURATION.match(message)
    if found and not ours and _OURS not in message:
        yield Slow(where[0], float(found[1]) / 1000, where[1])
