"""Draws `/delivery` (what does not arrive, what is hidden) and `/`; pure."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from exporter.web.status_page import POLICY, STYLE, ago

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.sidecar.silences import Hidden

__all__ = ["POLICY", "render", "start_page"]

_LONGEST = 1000  # characters of what somebody wrote


def render(
    problems: Sequence[str],
    silent: Mapping[str, float | None],
    hidden: Sequence[Hidden],
) -> str:
    """Write the page as HTML; whatever comes from a server is escaped.

    `silent` has the seconds since something came, by the way it came; None for never.
    """
    css = "failing" if problems else "fine"
    verdict = f"{len(problems)} not well" if problems else "Alerts arrive"
    ways = "".join(
        f'<p class="more"><b>{escape(name)}</b> {ago(seconds)}</p>\n'
        for name, seconds in silent.items()
    )
    parts = (
        _head(verdict, css),
        _listed("What is not well", problems),
        f'<details class="{css}" open>\n<summary><b>Last seen</b></summary>\n',
        f"{ways}</details>\n",
        _listed("Critical and hidden", [each.said for each in hidden]),
        "</main>\n</body>\n</html>\n",
    )
    return "".join(parts)


def start_page(paths: Sequence[str]) -> str:
    """Write the page that links all others."""
    links = "".join(
        f'<p class="more"><a href="{path[1:]}">{path}</a></p>\n'
        for path in map(escape, paths)
    )
    return f"{_head('Pages', 'fine')}{links}</main>\n</body>\n</html>\n"


def _head(title: str, css: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)} - kpi-exporter sidecar</title>\n"
        f"<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<header class="{css}">\n<p>kpi-exporter sidecar</p>\n'
        f"<h1>{escape(title)}</h1>\n</header>\n<main>\n"
    )


def _listed(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    said = "".join(f"<p>{escape(line[:_LONGEST])}</p>\n" for line in lines)
    return (
        f'<details class="failing" open>\n<summary><b>{title}</b></summary>\n'
        f'<div class="why">{said}</div>\n</details>\n'
    )
