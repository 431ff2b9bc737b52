"""Values of the command line that argparse cannot read by itself, and long options."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.units import seconds

if TYPE_CHECKING:
    from argparse import ArgumentParser

_MOST_SPEED = 3600
_LEAST_SINCE, _MOST_SINCE = 300.0, 366 * 86400.0
GATE = """exit status: 0 no promise is broken, 1 one is, 2 nothing could be judged, or
not everything was answered"""


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
    """Read a time such as 60s."""
    try:
        return seconds(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


def since(text: str) -> float:
    """Read a report's period, from five minutes to a year."""
    found = duration(text)
    if not _LEAST_SINCE <= found <= _MOST_SINCE:
        raise ArgumentTypeError("wanted is 5m to 366d")
    return found


def render(parser: ArgumentParser) -> None:
    """Add the options of `render`."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="its file, in YAML")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--format",
        choices=("prometheus", "operator", "configmap"),
        default="prometheus",
        help="for a Prometheus' folder, its operator, or ConfigMaps",
    )
    parser.add_argument(
        "--label",
        action="append",
        type=label,
        default=[],
        metavar="KEY=VALUE",
        help="a label that Kubernetes selectors ask for, such as release=monitoring",
    )
    parser.add_argument(
        "--speed",
        type=speed,
        default=1,
        metavar="N",
        help="shorten every window and `for` N times, for trials; limits stay",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit 1 and name the files that would change",
    )


def report(parser: ArgumentParser) -> None:
    """Add the options of `report`."""
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument(
        "--prometheus",
        metavar="URL",
        help="a Prometheus that scrapes the exporter, such as http://127.0.0.1:9090",
    )
    asked.add_argument(
        "--exporter",
        metavar="URL",
        help="without a Prometheus: the exporter itself, which knows this moment alone "
        "(the local one)",
    )
    parser.add_argument("--sidecar", metavar="URL", help="whose incidents to name")
    parser.add_argument(
        "--since",
        type=since,
        default=since("24h"),
        metavar="TIME",
        help="the period until now, such as 7d (24h)",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="its file, in YAML")
    parser.add_argument(
        "--format",
        choices=("text", "md", "html", "json"),
        default="text",
        help="how to write it (text)",
    )
