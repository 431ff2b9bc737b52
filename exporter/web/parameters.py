"""Parameters of a request: those that there are, each once, numbers within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MOST_DIGITS = 20


class WrongError(Exception):
    """A parameter that cannot be used; says which and why."""


def once(pairs: Iterable[tuple[str, str]], known: Sequence[str]) -> dict[str, str]:
    """Read parameters; raises WrongError for one that is not known or given twice."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            there = ", ".join(known)
            raise WrongError(f"no parameter {name[:100]!r}; there are {there}")
        if name in found:
            raise WrongError(f"{name}: given twice, wanted is one value")
        found[name] = value
    return found


def number(query: Mapping[str, str], name: str, default: int, fit: range) -> int:
    """Read a whole number; raises WrongError for anything else and beyond `fit`."""
    text = query.get(name, str(default))
    digits = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    if not digits or int(text) not in fit:
        raise WrongError(f"{name}: wanted is a number from {fit[0]} to {fit[-1]}")
    return int(text)
