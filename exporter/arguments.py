"""Options of commands, and values that argparse cannot read by itself."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from exporter.errors import KpiExporterError
from exporter.units import seconds

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Sequence

    Run = Callable[[Namespace, TextIO], int]


_MOST_SPEED = 3600
_WORD = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_WORDS = "1 to 63 of A-Z a-z 0-9 - _ . with a letter or digit at both ends"
_DOMAIN = re.compile(
    r"(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?\.)*[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
)
_LONGEST_DOMAIN = 253
_LEAST_SINCE, _MOST_SINCE = 300.0, 366 * 86400.0
_GATE = """exit status: 0 no promise is broken, 1 one is, 2 nothing could be judged, or
not everything was answered"""


def label(text: str) -> tuple[str, str]:
    """Read KEY=VALUE as Kubernetes takes labels; the key may be DOMAIN/NAME."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    domain, slash, name = key.rpartition("/")
    if slash and (not _DOMAIN.fullmatch(domain) or len(domain) > _LONGEST_DOMAIN):
        said = "before the / is a domain: a-z 0-9 - . and at most 253 characters"
        raise ArgumentTypeError(f"{key!r} is no key of a label: {said}")
    if not _WORD.fullmatch(name):
        raise ArgumentTypeError(f"{key!r} is no key of a label: {_WORDS}")
    if value and not _WORD.fullmatch(value):
        raise ArgumentTypeError(
            f"{value!r} is no value of a label: nothing, or {_WORDS}"
        )
    return key, value


def labels(given: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Put labels together; raises KpiExporterError for a key that is given twice."""
    keys = [key for key, _ in given]
    for key in keys:
        if keys.count(key) > 1:
            raise KpiExporterError(f"--label: the key {key!r} is given twice")
    return dict(given)


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


def render(parser: ArgumentParser, run: Run) -> None:
    """Add the options of `render`, which `run` carries out."""
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
    parser.set_defaults(run=run)


def sidecar(parser: ArgumentParser, run: Run) -> None:
    """Add the options of `sidecar`, which `run` carries out."""
    parser.add_argument(
        "--config", type=Path, required=True, metavar="FILE", help="its file, in YAML"
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help="bring rules and dashboards in step, verify them, look at the "
        "Alertmanagers, and end",
    )
    parser.set_defaults(run=run)


def report(parser: ArgumentParser, run: Run) -> None:
    """Add the options of `report`, which `run` carries out."""
    parser.epilog = _GATE
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
        metavar="TIME",
        help="the period until now, such as 7d (24h); it needs a Prometheus",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="its file, in YAML")
    parser.add_argument(
        "--format",
        choices=("text", "md", "html", "json"),
        default="text",
        help="how to write it (text)",
    )
    parser.set_defaults(run=run)


def demo(parser: ArgumentParser, run: Run) -> None:
    """Add the options of `demo`, which `run` carries out."""
    parser.add_argument("--fault", metavar="NAME", help="break something after a while")
    parser.add_argument(
        "--for",
        dest="duration",
        type=duration,
        metavar="TIME",
        help="end by itself after this long, such as 60s",
    )
    parser.set_defaults(run=run)
