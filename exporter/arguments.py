"""Options of commands, and values that argparse cannot read by itself."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    Run = Callable[[Namespace, TextIO], int]

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
        help="bring rules and dashboards in step, verify them, and end",
    )
    parser.set_defaults(run=run)
