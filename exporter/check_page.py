"""Reads a page of metrics in the text format: its series and their labels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT = r'"(?:[^"\\]|\\.)*"'
_LINE = re.compile(
    rf"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)[ \t]*"
    rf'(?:\{{(?P<labels>(?:[^"}}]|{_TEXT})*)\}})?'
    r"[ \t]*(?P<value>[-+0-9.eExXaAnNiIfFtTyY_]+)(?:[ \t].*)?"
)
_LABEL = re.compile(rf"([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*({_TEXT})")
_ESCAPE = re.compile(r"\\(.)")
_SHOWN = 60


class Line(NamedTuple):
    """One sample of a page."""

    name: str
    labels: dict[str, str]
    value: float


def lines(text: str) -> Iterator[Line]:
    """Yield a page's samples; raises ValueError for what is no page of metrics."""
    for number, written in enumerate(text.splitlines(), 1):
        stripped = written.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        try:
            value = float(match["value"]) if match else None
        except ValueError:
            value = None
        if match is None or value is None:
            begin = stripped[:_SHOWN]
            raise ValueError(f"is no page of metrics: line {number} is {begin!r}")
        yield Line(match["name"], _labels(match["labels"] or ""), value)


def _labels(text: str) -> dict[str, str]:
    return {
        name: _ESCAPE.sub(_plain, value[1:-1]) for name, value in _LABEL.findall(text)
    }


def _plain(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]
