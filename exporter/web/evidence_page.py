"""Draws what names the causes of broken KPIs, for people and as data; pure."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from exporter.web.status_page import ago, policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.evidence import Cell, Evidence, Kept

STYLE = files(__package__).joinpath("evidence.css").read_text("utf-8")
_SECONDS = "seconds"
_STATEMENTS = ("statement", "plan", "definition")
_LONGEST = 2000  # characters of a cell

POLICY = policy(STYLE)
"""The page's Content-Security-Policy: its own style and nothing else."""


def plain(kept: Kept) -> dict[str, Any]:
    """Return evidence as JSON has it: each row an object by column."""
    found = kept.evidence
    rows = [
        dict(zip(found.columns, row, strict=True))
        | ({} if depth is None else {"depth": depth})
        for row, depth in zip_longest(found.rows, found.depths[: len(found.rows)])
    ]
    return {
        "title": found.title,
        "kpis": found.kpis,
        "seen": datetime.fromtimestamp(kept.seen, UTC).isoformat(timespec="seconds"),
        "current": kept.current,
        "rows": rows,
    }


def render(target: str, kpi: str | None, kept: Sequence[Kept], now: float) -> str:
    """Write the page as HTML; whatever comes from a server is escaped."""
    about = escape(f"{target}: {kpi}" if kpi else target)
    found = "".join(section(one, now) for one in kept)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{about} - evidence</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<p>evidence</p>\n<h1>{about}</h1>\n</header>\n"
        f"<main>\n{found or _NOTHING}</main>\n{_FOOTER}</body>\n</html>\n"
    )


_NOTHING = "<p>Nothing that names a cause was seen within the last hour.</p>\n"
_FOOTER = """\
<footer>
<p>Literals in statements are shown as <code>?</code>. What is gone stays here for an
hour. <a href="../">All targets</a></p>
</footer>
"""


def section(kept: Kept, now: float) -> str:
    """Write one table as HTML; whatever comes from a server is escaped."""
    found = kept.evidence
    seen = "now" if kept.current else f"last seen {ago(now - kept.seen)}"
    head = "".join(f'<th scope="col">{escape(name)}' for name in found.columns)
    depths = found.depths or (0,) * len(found.rows)
    lines = zip(found.rows, depths, strict=False)
    body = "".join(_row(found, row, depth) for row, depth in lines)
    return (
        f"<section{' class=now' if kept.current else ''}>\n"
        f"<h2>{escape(found.title)}<span>{seen}</span></h2>\n"
        f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n"
        "</table>\n</section>\n"
    )


def _row(found: Evidence, row: Sequence[Cell], depth: int) -> str:
    branch = "\N{NO-BREAK SPACE}" * (4 * (depth - 1)) + "└─ " if depth else ""
    first, *rest = zip(found.columns, row, strict=True)
    cells = "".join(f"<td{_kind(*cell)}>{_text(*cell)}" for cell in rest)
    return f'<tr><th scope="row">{branch}{_text(*first)}{cells}</tr>\n'


def _kind(column: str, value: Cell) -> str:
    if isinstance(value, int | float):
        return " class=number"
    return " class=text" if column in _STATEMENTS else ""


def _text(column: str, value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return escape(value[:_LONGEST])
    if column.endswith(_SECONDS):
        return f"{value:,.1f}"
    return str(value) if value.__class__ is int else f"{value:,.6g}"
