"""A text that a regular expression matches: tests need a series that is selected."""

from __future__ import annotations

import re

_ATOM = re.compile(
    r"(?P<open>\((?:\?:)?)|(?P<close>\))|(?P<or>\|)|(?P<anchor>[\^$])"
    r"|\[(?P<not>\^)?(?P<first>\\?.)[^\]]*\]|\\(?P<escape>.)|(?P<char>.)",
    re.DOTALL,
)
_TIMES = re.compile(r"(?:[*+?]|\{(?P<least>\d+)(?:,\d*)?\})\??")
_CLASSES = {"d": "1", "w": "a", "s": " "}


def example(pattern: str) -> str:
    """Return the simplest text that fits; raises ValueError when none is found."""
    text, _ = _alternatives(pattern, 0)
    try:
        if re.fullmatch(pattern, text):
            return text
    except re.error:
        pass
    raise ValueError(f"no text was found that {pattern!r} matches; write it simpler")


def _alternatives(pattern: str, place: int) -> tuple[str, int]:
    """Read up to the closing bracket; the first alternative counts."""
    found = [""]
    while (atom := _ATOM.match(pattern, place)) and not atom["close"]:
        place = atom.end()
        if atom["or"]:
            found.append("")
            continue
        if atom["open"]:
            text, place = _alternatives(pattern, place)
        else:
            text = _one(atom)
        if times := _TIMES.match(pattern, place):
            place = times.end()
            text *= max(1, int(times["least"] or 1))
        found[-1] += text
    return found[0], place + 1


def _one(atom: re.Match[str]) -> str:
    if atom["anchor"]:
        return ""
    if atom["not"]:
        return "x"
    if atom["first"]:
        return _escaped(atom["first"][1:]) if atom["first"][1:] else atom["first"]
    if atom["escape"]:
        return _escaped(atom["escape"])
    return "x" if atom["char"] == "." else atom["char"]


def _escaped(letter: str) -> str:
    return _CLASSES.get(letter, letter)
