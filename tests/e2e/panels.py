"""Asks Prometheus what the dashboards ask: whether it answers, and how quickly."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.render.needs import boards

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exporter.catalogue.plan import Plan
    from tests.e2e.world import World

NEEDING = {
    "api: Routes that fail": "app-errors",
    "api: Alerts of this page": "app-errors",
    "data: Alerts of this page": "slow-query",
    "exporter: Polls that fail, by reason": "postgres-login",
    "exporter: Alerts of this page": "postgres-login",
    "host: Alerts of this page": "cpu",
    "neo4j: Index failed": "neo4j-index-failed",
    "neo4j: Queries that scan, by their worst operator": "neo4j-drop-index",
    "neo4j: Query scans that did not before": "neo4j-scan",
    "neo4j: Queries that scan now, by their worst operator": "neo4j-scan",
    "neo4j: Longest active transaction": "neo4j-long-transaction",
    "neo4j: Who runs the longest transactions": "neo4j-long-transaction",
    "neo4j: Who holds the locks": "neo4j-long-transaction",
    "neo4j: Longest idle transaction": "neo4j-long-transaction",
    "neo4j: Who holds transactions open": "neo4j-long-transaction",
    "neo4j: Alerts of this page": "neo4j-drop-index",
    "pgindexes: Which indexes are invalid": "invalid-index",
    "pgindexes: Alerts of this page": "invalid-index",
    "pgindexes: Tables that are read whole": "slow-query",
    "postgres: Who blocks others and waits for nobody": "lock",
    "postgres: Who lets others wait": "lock",
    "postgres: Whose transactions run longest": "lock",
    "postgres: What holds the horizon of vacuum": "idle-in-transaction",
    "processes: Alerts of this page": "open-files",
    "saturation: Alerts of this page": "full-queue",
    "postgres: Who holds transactions open": "lock",
    "postgres: Statements whose plan became dearer": "plan-change",
    "postgres: Alerts of this page": "lock",
    "vacuum: Tables with the oldest transaction ids": "wraparound",
    "vacuum: Dead rows against autovacuum's threshold": "stale-statistics",
    "vacuum: Changed rows against the threshold of analyze": "stale-statistics",
    "vacuum: Tables with most dead rows": "stale-statistics",
    "vacuum: Tables with most changes since ANALYZE": "stale-statistics",
    "vacuum: Alerts of this page": "stale-statistics",
    "redis: Commands that were refused": "redis-full",
    "redis: Keys that never expire": "redis-full",
    "redis: Time until maxmemory": "redis-full",
    "redis: Alerts of this page": "redis-full",
    "redis: Replica without its master": "redis-replica",
    "redis: Master that it follows now": "redis-failover",
    "neo4j: Whose transactions reserve most": "neo4j-long-transaction",
    "neo4j: Whose transactions hold most of it": "neo4j-long-transaction",
}
"""Panels that show something only while a fault is there, and one that does it."""

NOT_HERE = frozenset(
    {
        "neo4j: Copies of a database are missing",
        "neo4j: Hit ratio of the page cache",
        "neo4j: Index is on the same properties as another",
        "redis: Cluster does not serve all keys",
        "redis: Member that its peers cannot reach",
        "redis: Pools with the largest output buffers",
        "redis: Replicas that became masters",
        "redis: Masters now",
        "vacuum: Time until a database has doubled",
        "wal: Age of a standby",
        "wal: What a standby has received and not replayed",
        "wal: Standby receives no WAL",
        "wal: WAL that a receiver has not replayed",
        "wal: Lag by receiver and stage",
        "wal: Replication slot that nobody uses",
        "wal: WAL that slots keep",
        "wal: Replication slot beyond what is kept",
        "wal: Archiving of WAL fails",
        "wal: Files that wait for the archive",
        "wal: Alerts of this page",
        "pgindexes: The largest of them",
        "pgindexes: Which one covers which",
        "pgindexes: Indexes with most air",
        "processes: Services and other units that failed",
        "processes: Units that failed",
        "processes: Restarts of services by systemd",
        "processes: Temperature against the critical one",
        "processes: Disks of software RAID that failed",
        "processes: Disks that software RAID lacks",
        "processes: Network devices of a bond that are down",
        "saturation: Periods in which the CPU quota was used up",
    }
)
"""Panels about servers and clients that the demo has none of: promtool tries them."""

FILLING = {
    "host: Time until memory is used up": "available",
    "host: Time until the disk is full": "free",
    "host: Time until the inodes are used up": "inodes",
}
"""Panels about what is being used up, and where the witness sees whether it is."""

_VALUES = re.compile(r"label_values\((?P<series>\S+), (?P<label>\w+)\)")
_VARIABLE = re.compile(r"\$\w+")
_POINTS = 100
_VIEW = 3 * 3600.0  # seconds that a dashboard shows when it is opened
_VIEW_STEP = 15.0


class Panel(NamedTuple):
    """A panel, its queries with all variables at All, or a variable or annotation."""

    name: str
    queries: tuple[str, ...]


class Cost(NamedTuple):
    """What was dearest to ask or to evaluate, and the milliseconds that it took."""

    name: str
    milliseconds: float


def panels(plan: Plan) -> list[Panel]:
    """List the panels of all dashboards, and what else of them asks."""
    return [panel for name, board in boards(plan).items() for panel in _of(name, board)]


def filled_by(plan: Plan, fault: str | None) -> list[Panel]:
    """List the panels that this fault must fill; without one, that are never empty."""
    return [
        each
        for each in panels(plan)
        if NEEDING.get(each.name) == fault and each.name not in NOT_HERE
    ]


async def blank(world: World, wanted: Iterable[Panel], since: float) -> list[str]:
    """Name the panels of which a query found nothing since then."""
    return [
        each.name
        for each in wanted
        for query in each.queries
        if not await _found(world, query, since)
    ]


async def dearest_panel(world: World) -> Cost:
    """Time every panel over all that a dashboard shows when it is opened."""
    found = []
    now = time.time()
    for panel in panels(world.plan):
        took = 0.0
        for query in panel.queries:
            took += await _milliseconds(world, query, now)
        found.append(Cost(panel.name, took))
    return max(found, key=lambda cost: cost.milliseconds)


async def dearest_rule(world: World) -> Cost:
    """Look up which rule took longest when it was last evaluated."""
    groups = (await world.ask("rules"))["groups"]
    return max(
        (
            Cost(rule["name"], rule["evaluationTime"] * 1000)
            for group in groups
            for rule in group["rules"]
        ),
        key=lambda cost: cost.milliseconds,
    )


def _of(name: str, board: dict[str, Any]) -> Iterator[Panel]:
    for panel in board["panels"]:
        queries = tuple(_filled(target["expr"]) for target in panel.get("targets", ()))
        if queries:
            yield Panel(f"{name}: {panel['title']}", queries)
    for variable in board["templating"]["list"]:
        match = _VALUES.fullmatch(str(variable["query"]))
        if match:
            query = f'{match["series"]}{{{match["label"]}!=""}}'
            yield Panel(f"{name}: ${variable['name']}", (query,))
    for annotation in board["annotations"]["list"]:
        yield Panel(f"{name}: {annotation['name']}", (_filled(annotation["expr"]),))


def _filled(expression: str) -> str:
    return _VARIABLE.sub(".+", expression.replace("$__rate_interval", "20s"))


async def _found(world: World, query: str, since: float) -> bool:
    now = time.time()
    step = max(1.0, (now - since) / _POINTS)
    span = {"start": f"{since}", "end": f"{now}", "step": f"{step:.3f}"}
    answer = await world.ask("query_range", query=query, **span)
    return bool(answer["result"])


async def _milliseconds(world: World, query: str, now: float) -> float:
    span = {"start": f"{now - _VIEW}", "end": f"{now}", "step": f"{_VIEW_STEP}"}
    answer = await world.ask("query_range", query=query, stats="all", **span)
    seconds: float = answer["stats"]["timings"]["execTotalTime"]
    return seconds * 1000
