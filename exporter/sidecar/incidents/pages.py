"""Draws `/incidents` and `/incidents/ID` as HTML; pure, and everything is escaped."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from exporter.evidence import Evidence as Table
from exporter.evidence import Kept
from exporter.sidecar.incidents.candidates import times
from exporter.sidecar.incidents.plot import Frame, plot
from exporter.web import evidence_page
from exporter.web.status_page import ago, policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from exporter.sidecar.incidents.incident import Comparison, Evidence, Incident
    from exporter.sidecar.incidents.kept import Listed

_OWN = files(__package__).joinpath("incidents.css").read_text("utf-8")
_STYLE = evidence_page.STYLE + _OWN
POLICY = policy(_STYLE)
"""The pages' Content-Security-Policy: their own style and nothing else."""

_SHOWN = {"evidence", "summary"}
_LINKS = {
    "runbook_url": "runbook",
    "dashboard_url": "dashboard",
    "evidence_url": "evidence now",
}


class Part(NamedTuple):
    """Which part of a list is asked for; `since` is in Unix seconds."""

    since: float
    limit: int
    offset: int


class Story(NamedTuple):
    """An incident with all that is known around it."""

    incident: Incident
    evidence: Evidence | None
    near: Sequence[Incident]


def listing(listed: Listed, part: Part, now: float) -> str:
    """Write the list, the newest first."""
    open_now = sum(each.closed is None for each in listed.incidents)
    said = f"{listed.total:,} incidents" if listed.total else "No incident"
    since = f"since {_time(part.since)}" if part.since else "of all that is kept"
    body = (
        f'<header>\n<p>kpi-exporter</p>\n<h1>{said}</h1>\n<p class="soft">{since}; '
        f"{open_now} open on this page</p>\n</header>\n<main>\n"
        f"{''.join(_card(each, now) for each in listed.incidents)}</main>\n"
        f"{_paging(listed, part)}"
    )
    return _page("Incidents", body)


def detail(story: Story, now: float) -> str:
    """Write one incident: its causes first, then all that was seen."""
    incident = story.incident
    named = (incident.severity, incident.alert)
    head = (
        f'<header class="{_look(incident)}">\n<p><a href="../incidents">Incidents</a>'
        f"{''.join(f' · {escape(each)}' for each in named if each)}</p>\n"
        f"<h1>{escape(incident.summary)}</h1>\n"
        f'<p class="soft">{_span(incident, now)}</p>\n</header>\n'
    )
    sections = "".join(_sections(story, now))
    return _page(incident.summary, f"{head}<main>\n{sections}</main>\n")


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}</body>\n</html>\n"
    )


def _card(incident: Incident, now: float) -> str:
    cause = incident.first_cause
    said = cause.text if cause and cause.text != incident.summary else ""
    likely = f"<p>Likely: {escape(said)}</p>\n" if said else ""
    named = map(escape, (incident.alert, incident.who, incident.severity))
    said_of = (*named, _span(incident, now))
    return (
        f'<article class="{_look(incident)}">\n<h2>{_sign(incident)} '
        f'<a href="incidents/{incident.id}">{escape(incident.summary)}</a></h2>\n'
        f'{likely}<p class="soft">{" · ".join(filter(None, said_of))}'
        "</p>\n</article>\n"
    )


def _paging(listed: Listed, part: Part) -> str:
    newer = _link(part._replace(offset=max(0, part.offset - part.limit)), "newer")
    older = _link(part._replace(offset=part.offset + part.limit), "older")
    more = part.offset + part.limit < listed.total
    return (
        f"<nav><span>{newer if part.offset else ''}</span>"
        f"<span>{older if more else ''}</span></nav>\n"
    )


def _link(part: Part, text: str) -> str:
    given = {**part._asdict(), "since": f"{part.since:.0f}"}
    query = urlencode(given)
    return f'<a href="incidents?{escape(query)}">{text}</a>'


def _sections(story: Story, now: float) -> Iterator[str]:
    incident, evidence = story.incident, story.evidence
    yield _causes(incident)
    if evidence is not None:
        yield _plot(incident, evidence)
        for comparison in evidence.comparisons:
            if comparison.changes:
                yield evidence_page.section(_compared(comparison, evidence.at), now)
        yield from _tables(incident, evidence, now)
    yield _near(story)
    yield _facts(incident)
    if evidence is not None and evidence.missing:
        missing = "".join(f"<li>{escape(text)}" for text in evidence.missing)
        yield _section("What could not be had", f'<ul class="plain">{missing}</ul>')


def _section(title: str, body: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{body}\n</section>\n"


def _causes(incident: Incident) -> str:
    if not incident.frozen:
        return _section("Likely causes", '<ul class="plain"><li>being looked for</ul>')
    found = "".join(
        f"<li>{escape(cause.text)}<span>{escape(cause.why)}</span>"
        for cause in incident.causes
    )
    return _section("Likely causes", f'<ol class="causes">{found}</ol>')


def _plot(incident: Incident, evidence: Evidence) -> str:
    own = [
        each
        for each in evidence.series
        if each.labels.items() <= incident.labels.items()
    ]
    frame = Frame(
        f"{incident.kpi} over the hour", evidence.unit, incident.opened, evidence.limit
    )
    drawn = plot(own or evidence.series, frame)
    return _section("The promise", drawn) if drawn else ""


def _compared(comparison: Comparison, at: float) -> Kept:
    """Draw a comparison as the evidence pages draw tables."""
    unit, labels = comparison.unit, comparison.changes[0].labels
    rows = tuple(
        (
            _short(each.now),
            _short(each.before),
            _short(times(each.now, each.before) if each.before else None),
            " ".join(text for key, text in each.labels.items() if key != "target"),
        )
        for each in comparison.changes
    )
    what = "statement" if "queryid" in labels else [*labels][-1]
    columns = (f"{unit} now", "an hour ago", "times", what)
    title = f"{comparison.title} on {labels.get('target', '')}"
    return Kept(Table((), title, columns, rows), at, current=False)


def _short(value: float | None) -> float | None:
    """Round to three digits, so that the columns fit on a phone."""
    return None if value is None else float(f"{value:.3g}")


def _tables(incident: Incident, evidence: Evidence, now: float) -> Iterator[str]:
    """Draw the promise's own tables, and below them, folded, what else was seen."""
    others = []
    for target, tables in evidence.tables.items():
        for table in sorted(tables, key=lambda one: not one["current"]):
            drawn = evidence_page.section(_table(target, table), now)
            if incident.kpi in table["kpis"]:
                yield drawn
            else:
                others.append(drawn)
    if others:
        said = f"What else was seen ({len(others)})"
        yield f"<details>\n<summary>{said}</summary>\n{''.join(others)}</details>\n"


def _table(target: str, table: Mapping[str, Any]) -> Kept:
    """Read a table back that the exporter's API gave."""
    rows: list[dict[str, Any]] = [dict(row) for row in table["rows"]]
    depths = tuple(int(row.pop("depth", 0) or 0) for row in rows)
    columns = tuple(rows[0]) if rows else ("nothing",)
    cells = tuple(tuple(row.get(column) for column in columns) for row in rows)
    title = f"{table['title']} on {target}"
    shown = Table(tuple(table["kpis"]), title, columns, cells, depths)
    seen = datetime.fromisoformat(table["seen"]).timestamp()
    return Kept(shown, seen, current=False)


def _near(story: Story) -> str:
    mine = story.incident
    others = [each for each in story.near if each.id != mine.id]
    found = "".join(
        f'<li><a href="{each.id}">{escape(each.summary)}</a> '
        f'<span class="soft">{_apart(each.opened - mine.opened)}</span>'
        for each in others
    )
    if not found:
        return ""
    return _section("Other alerts near it", f'<ul class="plain">{found}</ul>')


def _facts(incident: Incident) -> str:
    pairs = [*incident.labels.items()]
    pairs += [
        (key, text)
        for key, text in incident.annotations.items()
        if key not in _SHOWN and key not in _LINKS
    ]
    said = "".join(f"<dt>{escape(key)}<dd>{escape(text)}" for key, text in pairs)
    urls = {text: incident.annotations.get(key, "") for key, text in _LINKS.items()}
    links = "".join(
        f'<dt>link<dd><a href="{escape(url)}">{text}</a>'
        for text, url in urls.items()
        if url.startswith(("http://", "https://"))
    )
    return _section("What the alert said", f"<dl>{said}{links}</dl>")


def _look(incident: Incident) -> str:
    if incident.closed is not None:
        return "over"
    known = ("critical", "warning", "info")
    return incident.severity if incident.severity in known else "none"


def _sign(incident: Incident) -> str:
    sign = "●" if incident.closed is not None else "▲"
    return f'<span class="sign" aria-hidden="true">{sign}</span>'


def _span(incident: Incident, now: float) -> str:
    began = f"began {_time(incident.opened)} ({ago(max(0.0, now - incident.opened))})"
    if incident.closed is None:
        return f"{began}, open"
    lasted = max(0.0, incident.closed - incident.opened)
    return f"{began}, over after {_long(lasted)}"


def _long(seconds: float) -> str:
    return ago(seconds).removesuffix(" ago")


def _apart(seconds: float) -> str:
    if abs(seconds) < 1:
        return "at the same time"
    return f"{_long(abs(seconds))} {'after' if seconds > 0 else 'before'}"


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
