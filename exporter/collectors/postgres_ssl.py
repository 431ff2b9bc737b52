"""How many sessions came over the network with and without TLS, from pg_stat_ssl.

pg_stat_ssl_sessions{encryption="TLSv1.3"} 41
pg_stat_ssl_sessions{encryption="none"} 1

Sessions over a local socket, which has no network to hide from, are not counted, nor is
our own; those that we may not see are not, either. Counted once a minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.collectors._postgres import hidden_statistics
from exporter.metrics import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collector import Finding
    from exporter.metrics import Sample
    from exporter.sources.postgres import PostgresSource

QUERY = """
select case when ssl then sslversion else 'none' end as encryption, count(*) as sessions
from pg_stat_get_activity(null)
where client_addr is not null and ssl is not null and pid <> pg_backend_pid()
group by 1
"""  # the function behind pg_stat_ssl and pg_stat_activity, gone through once
_EVERY = 60.0
PLAIN = "none"

SESSIONS = gauge(
    "pg_stat_ssl_sessions",
    "Sessions over the network by version of TLS, from pg_stat_ssl.",
    "encryption",
)


class Sessions(NamedTuple):
    """Sessions of one version of TLS."""

    encryption: str
    sessions: int


async def read(source: PostgresSource) -> list[Sessions]:
    """Read the sessions, counted by the server."""
    return await source.fetch(Sessions, QUERY)


def samples(rows: list[Sessions], _: None) -> Iterator[Sample]:
    """Turn counts into samples; plain ones are there also when there are none."""
    counts = {PLAIN: 0} | {row.encryption: row.sessions for row in rows}
    for encryption, count in counts.items():
        yield SESSIONS(count, encryption)


async def inspect(source: PostgresSource) -> list[Finding]:
    """Find that other roles' sessions are hidden."""
    return await hidden_statistics(
        source, "whether other roles' sessions use TLS is hidden"
    )


COLLECTOR = Collector(
    name="ssl",
    source=SourceKind.POSTGRES,
    metrics=(SESSIONS,),
    read=read,
    samples=samples,
    state=stateless,
    interval=_EVERY,
    privilege="pg_monitor, else only our own role's sessions are counted",
    inspect=inspect,
)
