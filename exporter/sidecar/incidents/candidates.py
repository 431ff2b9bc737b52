"""What may be the cause of an incident, of all that was seen; pure."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.sidecar.incidents.rank import (
    Candidate,
    Kind,
    Whom,
    compared,
    depth_of,
    rank,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from exporter.sidecar.incidents.incident import (
        Cause,
        Comparison,
        Evidence,
        Incident,
    )

_LONGEST = 200  # characters of a cause
_MOST_ROWS = 3  # of a table
_MOST_CHANGES = 5  # of a comparison
_MOST_CELLS = 6
_POLLS = 30.0  # seconds by which what is there may have been seen too early
_PERSONAL = frozenset({"user", "client", "client_address"})  # stays on the page
_TABLES = (  # the exporter's tables that explain other promises, by a KPI of theirs
    ("pg_lock_waiters", Kind.BLOCKING),
    ("neo4j_lock_waiters", Kind.BLOCKING),
    ("pg_index_invalid", Kind.INDEX),
    ("pg_index_missing", Kind.INDEX),
    ("neo4j_index_missing", Kind.INDEX),
    ("neo4j_index_failed", Kind.INDEX),
)
_SHOWN_ONLY = 0.5  # for alerts that nobody is told of
_FAILURES = frozenset({"error_rate", "availability", "pg_rollback_ratio"})
_SLOWING = frozenset({"host", "pgindexes", "vacuum", "wal"})  # subjects
_FAILING_SLOWLY = 0.7  # for what slows, where something fails
_COMMON = frozenset(  # labels that every alert of a promise has alike
    {
        *("alertname", "kpi", "severity", "job"),
        *("instance", "target", "application"),
    }
)
_UNITS = {
    Kind.STATEMENT: "takes {:.3g} s of each second",
    Kind.COMMAND: "takes {:.3g} s of each second",
    Kind.PROCESS: "uses {:.3g} cores",
    Kind.QUERY: "has {:,.0f} database hits a run",
}


class Surroundings(NamedTuple):
    """Who stands where: `subjects` has the catalogue's file of each KPI.

    `behind` are the targets behind each application, `hosts` the targets that are
    machines.
    """

    subjects: Mapping[str, str]
    behind: Mapping[str, Sequence[str]] = {}
    hosts: Sequence[str] = ()

    def targets(self, scope: str, who: str) -> list[str]:
        """Return the targets that an incident concerns, hosts last."""
        own = [who] if scope == "target" else []
        if scope == "application":
            own = list(self.behind.get(who, ()))
        return own + [host for host in self.hosts if host not in own]

    def whom(self, incident: Incident, target: str) -> Whom:
        """Say how a target, or another alert's, stands to an incident."""
        if target == incident.who:
            return Whom.SAME
        return Whom.HOST if target in self.hosts else Whom.BEHIND

    def fits(self, incident: Incident, other: Incident) -> float:
        """Say how well the kind of one broken promise explains that of another."""
        shown = _SHOWN_ONLY if other.severity == "info" else 1.0
        slow = self.subjects.get(other.kpi, "") in _SLOWING
        return shown * (_FAILING_SLOWLY if incident.kpi in _FAILURES and slow else 1.0)

    def depth(self, kpi: str) -> int:
        """Say how far below what users feel a promise lies."""
        return depth_of(kpi, self.subjects.get(kpi, ""))


def causes(
    incident: Incident,
    evidence: Evidence | None,
    near: Sequence[Incident],
    around: Surroundings,
) -> list[Cause]:
    """Order all that may have caused an incident by how likely it is."""
    own = [*_own(incident)]
    found = [*_alerts(incident, near, around)]
    if evidence is not None:
        found += _tables(incident, evidence, around)
        for subject, each in _changes(incident, evidence, around):
            same = _of(own, subject, each)
            if same is None:
                found.append(each)
            else:
                own[same] = own[same]._replace(more=tuple(compared(each)))
    return rank(around.depth(incident.kpi), [*own, *found])


def _own(incident: Incident) -> Iterator[Candidate]:
    """Yield the alert's own lines of evidence, the likeliest first.

    Those about what the alert is about, such as its process group, go before others.
    """
    found = incident.annotations.get("evidence", "").splitlines()
    named = {text for name, text in incident.labels.items() if name not in _COMMON}
    lines = [line.strip() for line in found if line.strip()]
    lines.sort(key=lambda line: named.isdisjoint(line.split()))
    for index, line in enumerate(lines):
        yield Candidate(Kind.OWN, line[:_LONGEST], share=1 - 0.1 * min(index, 5))
    yield Candidate(Kind.SUMMARY, incident.summary[:_LONGEST])


def _of(own: Sequence[Candidate], subject: str, each: Candidate) -> int | None:
    """Find the alert's own line that speaks of the same, which rounds otherwise."""
    if each.whom is not Whom.SAME:
        return None
    verb = _UNITS[each.kind].split()[0]
    begins, ends = f"{subject} {verb} ", f": {subject}"
    for index, line in enumerate(own):
        if line.text.startswith(begins) or line.text.endswith(ends):
            return index
    return None


def _alerts(
    incident: Incident, near: Sequence[Incident], around: Surroundings
) -> Iterator[Candidate]:
    for other in near:
        if other.id == incident.id or other.kpi == incident.kpi:
            continue
        lines = other.annotations.get("evidence", "").splitlines()
        said = next(filter(None, lines), other.summary)
        yield Candidate(
            Kind.ALERT,
            f"{other.alert} on {other.who}: {said}"[:_LONGEST],
            around.whom(incident, other.who),
            other.who,
            seconds=other.opened - incident.opened,
            depth=around.depth(other.kpi),
            over=other.closed is not None and other.closed < incident.opened,
            fits=around.fits(incident, other),
        )


def _tables(
    incident: Incident, evidence: Evidence, around: Surroundings
) -> Iterator[Candidate]:
    for target, tables in evidence.tables.items():
        for table in tables:
            kind = _kind(incident.kpi, table)
            if kind is None:
                continue
            seen = 0.0 if table.get("current") else _ago(table, incident)
            tops = [row for row in table["rows"] if not row.get("depth")]
            for index, row in enumerate(tops[:_MOST_ROWS]):
                yield Candidate(
                    kind,
                    f"{table['title']}: {_words(row)}"[:_LONGEST],
                    around.whom(incident, target),
                    target,
                    seconds=min(0.0, seen),
                    share=1 - 0.1 * index,
                    over=seen < -_POLLS,
                )


def _kind(kpi: str, table: Mapping[str, Any]) -> Kind | None:
    kpis = table.get("kpis", ())
    if kpi in kpis:
        return Kind.TABLE
    return next((kind for name, kind in _TABLES if name in kpis), None)


def _ago(table: Mapping[str, Any], incident: Incident) -> float:
    try:
        seen = datetime.fromisoformat(str(table.get("seen"))).timestamp()
    except ValueError:
        return 0.0
    return seen - incident.opened


def _words(row: Mapping[str, Any]) -> str:
    """Write a row as text, without what names persons."""
    cells = [
        cell if isinstance(cell, str) else f"{column} {_number(cell)}"
        for column, cell in row.items()
        if cell is not None and column not in _PERSONAL and column != "depth"
    ]
    return ", ".join(cells[:_MOST_CELLS])


def _number(value: float) -> str:
    return str(value) if value.__class__ is int else f"{value:.4g}"


def _changes(
    incident: Incident, evidence: Evidence, around: Surroundings
) -> Iterator[tuple[str, Candidate]]:
    """Yield what is compared with an hour ago, and what it is about."""
    for comparison in evidence.comparisons:
        kind = Kind(comparison.kind)
        listed = sum(change.now for change in comparison.changes)
        total = max(comparison.total, listed) or 1.0
        for change in comparison.changes[:_MOST_CHANGES]:
            target = change.labels.get("target", "")
            subject = _name(comparison, change.labels)
            yield (
                subject,
                Candidate(
                    kind,
                    f"{subject} {_UNITS[kind].format(change.now)}"[:_LONGEST],
                    around.whom(incident, target),
                    target,
                    change=times(change.now, change.before),
                    share=change.now / total,
                ),
            )


def _name(comparison: Comparison, labels: Mapping[str, str]) -> str:
    named = [text for label, text in labels.items() if label != "target"]
    return " ".join(named)[: _LONGEST - 40] or comparison.title


def times(now: float, before: float | None) -> float | None:
    """Say how many times as much it is now; None when nobody knows."""
    if before is None:
        return None
    return now / before if before else math.inf
