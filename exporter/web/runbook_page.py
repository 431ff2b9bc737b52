"""Draws `/runbooks/NAME`: a page of our own Markdown as HTML; pure."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from exporter.web.status_page import STYLE

if TYPE_CHECKING:
    from collections.abc import Iterator

_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_COMMENT = re.compile(r"\A<!--.*?-->\n", re.DOTALL)
_INLINE = (
    (re.compile(r"\*\*(.+?)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"`(.+?)`"), r"<code>\1</code>"),
    (re.compile(r"\[([^\]]+)\]\(([\w/.-]+)\)"), r'<a href="\2">\1</a>'),
)


def render(markdown: str) -> str:
    """Return a whole page; knows headings, lists, code, bold and links, no more."""
    text = _COMMENT.sub("", markdown)
    title = _TITLE.search(text)
    name = escape(title[1]) if title else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{''.join(_blocks(text))}</main>\n</body>\n</html>\n"
    )


def _blocks(text: str) -> Iterator[str]:
    """Yield a heading, a paragraph, a list or code at a time."""
    for part in re.split(r"(```.*?```)", text, flags=re.DOTALL):
        if part.startswith("```"):
            code = part.strip("`").partition("\n")[2]
            yield f"<pre><code>{escape(code)}</code></pre>\n"
            continue
        for block in re.split(r"\n{2,}|\n(?=- )", part.strip()):
            yield _block(block) if block else ""


def _block(block: str) -> str:
    marks = {"## ": "h2", "# ": "h1", "- ": "li"}
    mark = next((mark for mark in marks if block.startswith(mark)), "")
    tag = marks.get(mark, "p")
    return f"<{tag}>{_inline(block.removeprefix(mark))}</{tag}>\n"


def _inline(text: str) -> str:
    found = escape(text)
    for pattern, tags in _INLINE:
        found = pattern.sub(tags, found)
    return found
