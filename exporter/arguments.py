"""Values of the command line that argparse cannot read by itself."""

from __future__ import annotations

from argparse import ArgumentTypeError

from exporter.units import seconds

_MOST_SPEED = 3600


def label(text: str) -> tuple[str, str]:
    """Read KEY=VALUE."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def speed(text: str) -> int:
    """Read how many times quicker trials are, from 1 on."""
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_SPEED:
        raise ArgumentTypeError(f"wanted is 1 to {_MOST_SPEED}")
    return int(text)


def duration(text: str) -> float:
    """Return seconds of a duration with its unit, such as 60s."""
    try:
        return seconds(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error
