"""Reads how long calls took from pg_stat_monitor, which counts them in buckets.

It keeps counts for a minute or so and then begins anew, for each client and statement.
What is added up here is, by database, how much they have grown between two polls. Its
edges become the buckets of the histogram: the counts are exact, and a limit between two
edges is certain but for the calls between them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import inf, log
from typing import TYPE_CHECKING, NamedTuple

from exporter.collectors._postgres_account import Account, Slower
from exporter.sources.postgres_extension import identifier
from exporter.state import difference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.collectors._postgres import Names
    from exporter.sources.postgres import PostgresSource

PLACE = """
select n.nspname from pg_extension e
    join pg_namespace n on n.oid = e.extnamespace
where e.extname = 'pg_stat_monitor' and split_part(e.extversion, '.', 1)::int >= 2
"""
TRIED = """(select count(m.bucket_start_time) + count(m.dbid) + count(m.resp_calls)
    + count(m.total_exec_time) + count(m.application_name) + count(m.userid)
    + length({schema}.get_histogram_timings())
    from {schema}.pg_stat_monitor_internal(false) m where m.toplevel and m.elevel < 20)
"""
_COUNTS = """
with counted as (
    select extract(epoch from m.bucket_start_time)::float8 as began,
        m.dbid::bigint as database, m.total_exec_time as took, m.resp_calls as calls
    from {schema}.pg_stat_monitor_internal(false) m
        left join pg_roles u on u.oid = m.userid
    where coalesce(m.toplevel, true) and coalesce(m.elevel, 0) < 20
        and m.application_name is distinct from current_setting('application_name')
        and (cardinality(%s::text[]) = 0 or u.rolname = any(%s))
        and coalesce(u.rolname <> all(%s), true)
        and m.bucket_start_time > clock_timestamp() - interval '2 minutes'
            - 2 * make_interval(secs => coalesce((select setting::int from pg_settings
                where name = 'pg_stat_monitor.pgsm_bucket_time'), 60))
)
select began, database, 0::bigint as place, sum(took)::float8 as value
from counted group by 1, 2
union all
select c.began, c.database, b.place, sum(b.calls::float8)
from counted c, unnest(string_to_array(c.calls, ',')) with ordinality b (calls, place)
group by 1, 2, 3
"""
_EDGE = re.compile(r"- (\d+\.\d+)\}")
_OTHER = "other"
_MOST_DATABASES = 30
_KEPT = 600.0  # seconds for which counts of a bucket may still be looked at

Key = tuple[float, int]


class Reading(NamedTuple):
    """Edges in seconds; began (Unix time), database, place, value, as rows.

    At place 0 are the milliseconds of all calls, from 1 on the calls of each bucket.
    """

    edges: tuple[float, ...]
    rows: Sequence[tuple[float, int, int, float]]


async def read_monitor(source: PostgresSource, users: Names) -> Reading | None:
    """Read the counts; None where pg_stat_monitor 2 is not there, or refused."""
    for (name,) in await source.tuples(PLACE):
        schema = identifier(name)
        if await source.offered.refusal(source, TRIED.format(schema=schema)):
            continue
        ((text,),) = await source.tuples(f"select {schema}.get_histogram_timings()")
        parameters = (list(users.include), list(users.include), list(users.exclude))
        rows = await source.tuples(_COUNTS.format(schema=schema), parameters)
        return Reading(edges_of(text), [(*row,) for row in rows])
    return None


def edges_of(text: str) -> tuple[float, ...]:
    """Return the upper edges of `{{0.000 - 1.000}, (1.000 - ...}}`, ms, in seconds."""
    return tuple(float(edge) / 1000 for edge in _EDGE.findall(text))


def counted_account(
    edges: Sequence[float], limits: Sequence[float], figures: Sequence[float]
) -> Account:
    """Make an account of milliseconds and the calls of each bucket."""
    took, *calls = figures
    account = Account(tuple(edges), tuple(limits))
    account.fill(took / 1000, calls)
    lows, highs = (0.0, *edges), (*edges, inf)
    for limit in limits:
        slower = account.slower[limit] = Slower()
        for low, high, count in zip(lows, highs, calls, strict=False):
            slower.least += round(count) if low >= limit else 0
            slower.most += round(count) if high > limit else 0
            slower.estimate += count * _part_above(low, high, limit)
    return account


def _part_above(low: float, high: float, limit: float) -> float:
    """Return the share of a bucket above a limit, evenly on the logarithmic scale."""
    if low >= limit or high <= limit:
        return float(low >= limit)
    if high == inf:
        return low / limit
    return log(high / limit) / log(high / low) if low else (high - limit) / high


@dataclass(slots=True)
class Monitored:
    """The accounts of all databases, by their names, and the latest counts."""

    accounts: dict[str, Account] = field(default_factory=dict)
    _edges: tuple[float, ...] = ()
    _last: dict[Key, list[float]] = field(default_factory=dict)

    def update(
        self,
        reading: Reading,
        limits: Sequence[float],
        databases: Mapping[int, str],
    ) -> None:
        """Take in a reading. The first one, or one of other edges, only begins."""
        begins = self._edges != reading.edges
        if begins:
            self.accounts, self._last = {}, {}
        self._edges = reading.edges
        now: dict[Key, list[float]] = {}
        size = len(reading.edges) + 2
        for began, database, place, value in reading.rows:
            if database in databases and place < size:
                now.setdefault((began, database), [0.0] * size)[place] = value
        none = [0.0] * size
        for database, figures in self._grown(now).items():
            name = self._place(databases[database])
            if begins or name not in self.accounts:  # it shows its 0 first
                account = counted_account(reading.edges, limits, none)
                self.accounts.setdefault(name, account)
                if not begins:
                    self._last |= dict.fromkeys(
                        (k for k in now if k[1] == database), none
                    )
            else:
                poll = counted_account(reading.edges, limits, figures)
                self.accounts[name].merge(poll)
        oldest = max((began for began, _ in now), default=0.0) - _KEPT
        self._last = {key: old for key, old in self._last.items() if key[0] > oldest}

    def _place(self, name: str) -> str:
        full = len(self.accounts) >= _MOST_DATABASES
        return _OTHER if full and name not in self.accounts else name

    def _grown(self, now: Mapping[Key, list[float]]) -> dict[int, list[float]]:
        """Return what was added by database; counts that shrank began anew."""
        added: dict[int, list[float]] = {}
        for key, figures in now.items():
            more = difference(figures, self._last.get(key))
            sums = added.get(key[1], [0.0] * len(figures))
            added[key[1]] = [a + b for a, b in zip(sums, more, strict=True)]
            self._last[key] = figures
        return added
