"""Which alert each fault must cause, what else it may cause, and the cause it names."""

from __future__ import annotations

from typing import NamedTuple


class Expected(NamedTuple):
    """What one fault leads to.

    `cause` is a regular expression that the summary or a line of evidence of the first
    notification must match. `companions` are alerts that are true as well. `first` is
    what the incident's first cause must match, where that is not `cause`.
    """

    fault: str
    alert: str
    cause: str
    companions: frozenset[str] = frozenset()
    first: str | None = None


_FAILING = frozenset({"ErrorRate", "ErrorRateBurn", "PgRollbackRatio"})
_SLOW = frozenset({"ApiLatencyP95", "ApiLatencyP95Burn"})
_SLOW_QUERIES = _SLOW | {
    *("AppQueryP95", "DbQueryP95", "DbQueryP95Burn", "DbQueryCertainlySlow")
}

FAULTS = (
    Expected(
        "lock",
        "PgLockWaiters",
        r"^migration in shop: idle in transaction, blocks \d",
        _FAILING | _SLOW_QUERIES | {"PgIdleInTransaction"},
    ),
    Expected(
        "invalid-index",
        "PgIndexInvalid",
        r"^orders_one_per_customer on orders in shop is invalid$",
    ),
    Expected(
        "connections",
        "PgConnectionsUsed",
        r"^leaky-worker holds \d+ connections, idle$",
    ),
    Expected(
        "stale-statistics",
        "PgAnalyzeDue",
        r"^public\.customers in shop has changed [\d.]+k rows since ANALYZE$",
        frozenset({"PgVacuumDue"}),
    ),
    Expected(
        "wraparound",
        "PgWraparoundXids",
        r"^Transaction ids used up: 55.* shop shop$",
        first=r"^public\.customers in shop is [\d.]+G transactions old$",
    ),
    Expected("idle-in-transaction", "PgIdleInTransaction", r"^nightly-report in shop "),
    Expected(
        "slow-query",
        "PgStatementMean",
        r"takes \d+\S*s.*sounds_like\(title\)",
        _SLOW_QUERIES | {"CpuUsed", "PgPlanRegressed"},
    ),
    Expected(
        "plan-change",
        "PgPlanRegressed",
        r"% of its cost before: Seq Scan on orders$",
        _SLOW_QUERIES | {"PgStatementMean", "CpuUsed"},
    ),
    Expected(
        "redis-full",
        "RedisWritesRefused",
        r"^\w+ was refused [\d.]+ times$",
        frozenset({"RedisMemoryUsed", "RedisFullIn"}),
    ),
    Expected(
        "redis-replica",
        "RedisReplicaUnlinked",
        r"^Replica without its master: 1 on cache 127\.0\.0\.1 \d+$",
        frozenset({"RedisFailover"}),
    ),
    Expected(
        "postgres-login",
        "TargetDown",
        r"^polls fail for the reason auth$",
    ),
    Expected(
        "redis-evictions",
        "RedisEvictions",
        r"^\w+ takes [\d.]+[kM]iB$",
        frozenset({"RedisMemoryUsed", "RedisFullIn"}),
    ),
    Expected(
        "redis-failover",
        "RedisFailover",
        r"^it follows 127\.0\.0\.1:1 now$",
        frozenset({"RedisReplicaUnlinked"}),
    ),
    Expected("redis-slow", "RedisSlowCommand", r"^evalsha takes \d+\S*s a call$"),
    Expected(
        "neo4j-drop-index",
        "Neo4jIndexMissing",
        r"ExecutionResult code_hash",
        _SLOW_QUERIES | {"Neo4jPlanScans"},
        first=r": ExecutionResult, code_hash, missing, CREATE INDEX",
    ),
    Expected(
        "neo4j-scan",
        "Neo4jPlanScans",
        r"^executions_by_user is read by NodeByLabelScan; "
        r"an index on ExecutionResult\(user_id\) would spare it$",
        _SLOW_QUERIES | {"Neo4jPlanWorse"},
    ),
    Expected(
        "neo4j-index-failed",
        "Neo4jIndexFailed",
        r"snapshot_body value_too_large",
        first=r": neo4j, snapshot_body, .*, value_too_large",
    ),
    Expected(
        "neo4j-long-transaction",
        "Neo4jIdleTransaction",
        r"^nightly-report/1 in neo4j since ",
        frozenset({"Neo4jLockWaiters"}),
    ),
    Expected(
        "cpu",
        "CpuUsed",
        r"^python uses [1-9][\d.]* cores$",
        _SLOW_QUERIES | {"LoadPerCpu"},
    ),
    Expected(
        "open-files",
        "ProcessGroupFiles",
        r"^python has [\d.]+k? files open in all$",
    ),
    Expected(
        "full-queue",
        "ListenOverflows",
        r"^Connections dropped because a queue was full: ",
    ),
    Expected(
        "app-errors",
        "ErrorRate",
        r"^/api/\S+ fails [\d.]+m? times a second$",
        frozenset({"ErrorRateBurn"}),
    ),
    Expected(
        "app-slow",
        "ApiLatencyP95",
        r"^/api/\S+ takes \d+\S*s on average$",
        frozenset({"ApiLatencyP95Burn"}),
    ),
)

LINGERING = frozenset({"ErrorRateBurn", "ApiLatencyP95Burn", "DbQueryP95Burn"})
"""Alerts over windows so long that they outlast what caused them."""
