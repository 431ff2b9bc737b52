"""A report in Markdown, for tickets and chats; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.report import words
from exporter.report.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.report.model import Line, Report, Row

_MOST_ROWS = 5
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~@&-])")


def markdown(report: Report) -> str:
    """Write a report; nothing in it that came from a server is taken for markup."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# {words.headline(report)}"
    yield ""
    yield _plain(words.about(report))
    yield ""
    notes = (*report.source.remarks, *(f"not answered: {u}" for u in report.unanswered))
    yield from (f"- {_plain(each)}" for each in notes)
    for verdict in Verdict:
        found = report.having(verdict)
        if found:
            yield from ("", f"## {str(verdict).capitalize()} ({len(found)})", "")
            yield "| KPI | promised | who | value | more |"
            yield "|---|---|---|---|---|"
            yield from (row for line in found for row in _kpi(line))
    for section in report.sections:
        yield from ("", f"## {section.title}", "")
        findings = section.findings or (section.why,)
        yield from (f"- {_plain(each)}" for each in findings)
    if report.advice:
        yield from ("", "## Advice", "")
    for each in report.advice:
        reasons = "; ".join(each.evidence)
        yield f"- **{_plain(each.title)}** ({_plain(each.who)}): {_plain(reasons)}"
        yield f"  {_plain(each.how)}"


def _kpi(line: Line) -> Iterator[str]:
    title, promised = line.kpi.title, "; ".join(line.promises)
    if not line.rows:
        yield _cells(title, promised, "", "", line.why)
    for row in line.rows[:_MOST_ROWS]:
        more = _more(line, row)
        yield _cells(
            title, promised, words.who(line, row), words.value(line.kpi, row), more
        )


def _more(line: Line, row: Row) -> str:
    first = [words.verdict(row)] if row.verdict is Verdict.BROKEN else []
    causes = [f"cause: {each}" for each in line.causes]
    why = [line.why] if line.why else []
    return "; ".join([*first, *why, *words.details(line.kpi, row), *causes])


def _cells(*cells: str) -> str:
    return f"| {' | '.join(_plain(each) for each in cells)} |"


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", words.visible(text))
