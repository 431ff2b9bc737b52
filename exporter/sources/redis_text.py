"""Takes apart the texts that Redis answers with; pure, and without the driver."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_STATES = {"ok": 1, "up": 1, "err": 0, "fail": 0, "down": 0}
# A pattern over the whole answer takes a third of the time of its 800 pairs one by one.
_COMMAND = re.compile(
    rb"cmdstat_([^:]+):calls=(\d+),usec=(\d+)"
    rb"(?:[^\r\n]*?,rejected_calls=(\d+),failed_calls=(\d+))?"
)


Uses = tuple[int, int]
"""Calls of a command, and the microseconds that they took together."""


class Command(NamedTuple):
    """A command's counts since the server's start or its last CONFIG RESETSTAT."""

    calls: int
    microseconds: int
    rejected: int | None
    failed: int | None


class Life(NamedTuple):
    """A start of a server, by run_id, and whether it came after we knew another one.

    If it did not, a server that was there before has taken the other's place behind one
    address, and what it has counted until now is none of ours.
    """

    run_id: str | None
    is_new: bool


class Used(NamedTuple):
    """What each command was used for until a read, and its latencies by step."""

    counts: Mapping[str, Uses]
    steps: Mapping[str, Mapping[int, int]]


def parse_fields(text: str) -> dict[str, str]:
    """Take `name:value` lines apart; headings and empty lines fall away.

    redis-py's own parser takes three times as long, and guesses at types.
    """
    return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)


def parse_pairs(text: str) -> dict[str, str]:
    """Take `name=value,name=value` apart, as in `db0:keys=2,expires=1,avg_ttl=0`."""
    return dict(pair.split("=", 1) for pair in text.split(",") if "=" in pair)


def parse_commands(answer: bytes) -> dict[str, Command]:
    """Take INFO commandstats apart; before 6.2 it has but the first two counts."""
    return {
        cmd.decode("utf-8", "replace"): Command(
            int(calls),
            int(spent),
            int(rejected) if rejected else None,
            int(failed) if failed else None,
        )
        for cmd, calls, spent, rejected, failed in _COMMAND.findall(answer)
    }


def table(answer: list[Any]) -> dict[str, Any]:
    """Take a flat list of names and values, which RESP2 has in place of a map."""
    names = (name.decode("utf-8", "replace") for name in answer[::2])
    return dict(zip(names, answer[1::2], strict=True))


def number(text: str | None, divisor: int = 1) -> float | None:
    """Read a value; `ok` and `up` are 1, `err`, `fail` and `down` 0, no number is None.

    Whole numbers stay whole, also beyond 2^53, unless they are divided.
    """
    if text is None:
        return None
    try:
        value: float = int(text)
    except ValueError:
        try:
            value = float(text)
        except ValueError:
            return _STATES.get(text)
    if not math.isfinite(value):
        return None
    return value if divisor == 1 else value / divisor
