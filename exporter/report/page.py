"""A report as one HTML file: no script, nothing from elsewhere, readable on a phone."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from exporter.report import words
from exporter.report.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.report.model import Advice, Line, Report, Row, Section

_STYLE = files(__package__).joinpath("report.css").read_text("utf-8")
_MOST_ROWS = 10
_WIDTH, _HEIGHT, _EDGE = 240, 40, 2
_OPEN = (Verdict.BROKEN, Verdict.UNDECIDABLE)
_SIGNS = {
    Verdict.BROKEN: "■",
    Verdict.UNDECIDABLE: "▲",
    Verdict.NO_DATA: "○",
    Verdict.KEPT: "●",
    Verdict.SHOWN: "·",
}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STATES = ("kept", "broken", "no-data")
_CSS = {verdict: verdict.replace(" ", "-") for verdict in Verdict}


def page(report: Report) -> str:
    """Write the whole file; whatever came from a server is escaped."""
    title = words.headline(report)
    state = (
        "broken" if report.status == 1 else "kept" if not report.status else "no-data"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<header class="{state}">\n<p>kpi-exporter report</p>\n'
        f"<h1>{escape(title)}</h1>\n<p>{escape(words.about(report))}</p>\n{''.join(_notes(report))}</header>\n"
        f"<main>\n{''.join(_parts(report))}</main>\n</body>\n</html>\n"
    )


def _notes(report: Report) -> Iterator[str]:
    for each in report.source.remarks:
        yield f"<p>{escape(each)}</p>\n"
    for each in report.unanswered:
        yield f'<p class="unanswered">Not answered: {escape(each)}</p>\n'


def _parts(report: Report) -> Iterator[str]:
    for verdict in (Verdict.BROKEN, Verdict.UNDECIDABLE):
        yield from _group(verdict, report.having(verdict))
    yield from (_advice(each) for each in report.advice)
    yield from (_section(each) for each in report.sections)
    for verdict in (Verdict.KEPT, Verdict.SHOWN, Verdict.NO_DATA):
        yield from _group(verdict, report.having(verdict))


def _group(verdict: Verdict, lines: Sequence[Line]) -> Iterator[str]:
    """Write the KPIs of a verdict, unfolded where somebody must look."""
    if lines:
        unfolded = " open" if verdict in _OPEN else ""
        yield (
            f'<details class="{_CSS[verdict]}"{unfolded}>\n<summary>'
            f'<span aria-hidden="true">{_SIGNS[verdict]}</span> '
            f"{str(verdict).capitalize()} ({len(lines)})</summary>\n"
            f"{''.join(_kpi(line) for line in lines)}</details>\n"
        )


def _kpi(line: Line) -> str:
    promised = "; ".join(line.promises) or "nothing promised"
    rows = "".join(_row(line, row) for row in line.rows[:_MOST_ROWS])
    more = len(line.rows) - _MOST_ROWS
    parts = [
        f"<p>{escape(line.why)}</p>\n" if line.why else "",
        rows,
        f"<p>and {more} more, none of them worse</p>\n" if more > 0 else "",
        *(f'<p class="cause">cause: {escape(each)}</p>\n' for each in line.causes),
    ]
    return (
        f'<article>\n<h2>{escape(line.kpi.title)}</h2>\n<p class="promise">'
        f"{escape(promised)}</p>\n{''.join(parts)}</article>\n"
    )


def _row(line: Line, row: Row) -> str:
    details = "".join(
        f"<li>{escape(each)}</li>" for each in words.details(line.kpi, row)
    )
    listed = f"<ul>{details}</ul>" if details else ""
    verdict = escape(words.verdict(row))
    return (
        f'<div class="row {_CSS[row.verdict]}"><b>{escape(words.who(line, row))}</b>'
        f"<span>{escape(words.value(line.kpi, row))}</span>"
        f"<i>{verdict}</i>{_plot(row)}{listed}</div>\n"
    )


def _plot(row: Row) -> str:
    """Draw the period as a line, and the limit across it where it fits."""
    points = row.points
    if len(points) < 2:  # noqa: PLR2004 - a line has two ends
        return ""
    values = [value for _, value in points]
    low, high = min(values), max(values)
    if row.limit is not None and low - (high - low) <= row.limit <= high + (high - low):
        low, high = min(low, row.limit), max(high, row.limit)
    begin, end = points[0][0], points[-1][0]

    def at(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return _EDGE + (1 - share) * (_HEIGHT - 2 * _EDGE)

    path = " ".join(
        f"{(moment - begin) / (end - begin) * _WIDTH:.1f},{at(value):.1f}"
        for moment, value in points
    )
    bound = ""
    if row.limit is not None and low <= row.limit <= high:
        y = f"{at(row.limit):.1f}"
        bound = f'<line x1="0" y1="{y}" x2="{_WIDTH}" y2="{y}"/>'
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="the period">{bound}<polyline points="{path}"/></svg>'
    )


def _section(section: Section) -> str:
    found = "".join(f"<li>{escape(each)}</li>\n" for each in section.findings)
    inside = f"<ul>\n{found}</ul>" if found else f"<p>{escape(section.why)}</p>"
    return f"<section>\n<h2>{escape(section.title)}</h2>\n{inside}\n</section>\n"


def _advice(advice: Advice) -> str:
    reasons = "".join(f"<li>{escape(each)}</li>\n" for each in advice.evidence)
    return (
        f'<section class="advice">\n<h2>{escape(advice.title)}</h2>\n'
        f"<p><b>{escape(advice.who)}</b></p>\n<ul>\n{reasons}</ul>\n"
        f"<p>{escape(advice.how)}</p>\n</section>\n"
    )
