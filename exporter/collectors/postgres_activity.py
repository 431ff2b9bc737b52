"""What sessions do now, from pg_stat_activity.

pg_stat_activity_count{datname="orders",state="active",usename="web",
  application_name="api",backend_type="client backend",wait_event_type="Lock",
  wait_event="transactionid"} 3
pg_stat_activity_max_tx_duration{datname="orders",state="idle in transaction",…} 81.7
pg_stat_activity_no_state{datname="orders",usename="web",backend_type=""} 2

Every state of a database without such sessions is there with 0 and empty labels, for
50 databases at the most. The 50 application and 50 user names with most sessions keep
their names, which change rarely, and the others are `other`: clients choose the former,
and tools make the latter by the thousand. Our own session is left out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind
from exporter.collectors._postgres import (
    Names,
    hidden_statistics,
    keeps,
    settings_off,
)
from exporter.metrics import gauge
from exporter.state import StickyTop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collector import Finding
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

QUERY = """
select d.datname, s.state, s.usename, s.application_name, s.backend_type,
    s.wait_event_type, s.wait_event, s.sessions, s.max_tx_duration
from pg_database d left join (
    select datid, state, usename, application_name, backend_type, wait_event_type,
        wait_event, count(*) as sessions,
        max(greatest(0, extract(epoch from clock_timestamp() - xact_start)))::float8
            as max_tx_duration
    from pg_stat_activity
    where pid <> pg_backend_pid() and datid is not null
    group by 1, 2, 3, 4, 5, 6, 7
) s on s.datid = d.oid
order by d.oid
"""

STATES = (
    "active",
    "idle",
    "idle in transaction",
    "idle in transaction (aborted)",
    "fastpath function call",
    "disabled",
)
Labels = tuple[str, ...]
OTHER = "other"
_NAMED = 50
_ZEROED = 50
_LABELS = (
    *("datname", "state", "usename", "application_name", "backend_type"),
    *("wait_event_type", "wait_event"),
)

COUNT = gauge("pg_stat_activity_count", "Sessions of pg_stat_activity.", *_LABELS)
DURATION = gauge(
    "pg_stat_activity_max_tx_duration",
    "Age of the oldest open transaction, from xact_start of pg_stat_activity: seconds, "
    "0 outside transactions.",
    *_LABELS,
)
NO_STATE = gauge(
    "pg_stat_activity_no_state",
    "Sessions whose state is NULL in pg_stat_activity: background workers, and with no "
    "backend_type those that pg_monitor would show.",
    "datname",
    "usename",
    "backend_type",
)


@dataclass(frozen=True, slots=True)
class Sessions:
    """Like sessions of a database; a database without any has NULLs beside its name."""

    datname: str
    state: str | None
    usename: str | None
    application_name: str | None
    backend_type: str | None
    wait_event_type: str | None
    wait_event: str | None
    sessions: int | None
    max_tx_duration: float | None


class Rows(NamedTuple):
    """What was read, and which databases and users the target keeps."""

    found: list[Sessions]
    databases: Names
    users: Names


@dataclass(slots=True)
class Known:
    """The application and user names that keep series of their own."""

    applications: StickyTop[str] = field(default_factory=StickyTop)
    users: StickyTop[str] = field(default_factory=StickyTop)


async def read(source: PostgresSource) -> Rows:
    """Read the sessions of every database, grouped by the server."""
    found = await source.fetch(Sessions, QUERY)
    return Rows(found, source.config.databases, source.config.users)


def samples(rows: Rows, state: Known) -> Iterator[Sample]:
    """Sum sessions under the names that are kept, and show every state."""
    found = [row for row in rows.found if keeps(rows.databases, row.datname)]
    busy = [row for row in found if row.sessions and keeps(rows.users, row.usename)]
    applications, users = Counter[str](), Counter[str]()
    for row in busy:
        applications[row.application_name or ""] += row.sessions or 0
        users[row.usename or ""] += row.sessions or 0
    applications_kept = state.applications.update(applications, _NAMED)
    users_kept = state.users.update(users, _NAMED)
    hidden = Counter[tuple[str, str, str]]()
    shown: dict[Labels, tuple[int, float]] = {}
    for row in busy:
        count, user = row.sessions or 0, _kept(row.usename, users_kept)
        if row.state is None:
            hidden[row.datname, user, row.backend_type or ""] += count
            continue
        application = _kept(row.application_name, applications_kept)
        labels: Labels = (row.datname, row.state, user, application, *_doing(row))
        before, longest = shown.get(labels, (0, 0.0))
        shown[labels] = (before + count, max(longest, row.max_tx_duration or 0.0))
    for labels, (count, longest) in _with_zeros(shown, found).items():
        yield COUNT(count, *labels)
        yield DURATION(longest, *labels)
    for hidden_labels, count in hidden.items():
        yield NO_STATE(count, *hidden_labels)


def _with_zeros(
    shown: dict[Labels, tuple[int, float]], found: list[Sessions]
) -> dict[Labels, tuple[int, float]]:
    """Add the states in which a database has no session."""
    present = {labels[:2] for labels in shown}
    databases = list(dict.fromkeys(row.datname for row in found))
    zeros: dict[Labels, tuple[int, float]] = {
        (name, state, "", "", "", "", ""): (0, 0.0)
        for name in databases[:_ZEROED]
        for state in STATES
        if (name, state) not in present
    }
    return shown | zeros


def _doing(row: Sessions) -> tuple[str, str, str]:
    return row.backend_type or "", row.wait_event_type or "", row.wait_event or ""


def _kept(name: str | None, names: set[str]) -> str:
    return (name or "") if (name or "") in names else OTHER


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find what hides the state of sessions."""
    return [
        *await hidden_statistics(
            source, "states, waits and ages of other roles' sessions are hidden"
        ),
        *await settings_off(
            source, {"track_activities": "sessions have the state disabled"}
        ),
    ]


COLLECTOR = Collector(
    name="activity",
    source=SourceKind.POSTGRES,
    metrics=(COUNT, DURATION, NO_STATE),
    read=read,
    samples=samples,
    state=Known,
    privilege="pg_monitor, else only our own role's sessions have a state",
    inspect=inspect,
)
