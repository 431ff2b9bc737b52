"""What Neo4j 4.4 Community and 5.26 Enterprise answer, after their manuals."""

from __future__ import annotations

from typing import Any

from tests.integration.neo4j_fake import Refused, Script, Table
from tests.integration.neo4j_packstream import duration

OURS = "coalesce(metaData.app, '') = 'kpi-exporter'"
_FORBIDDEN = Refused(
    "Neo.ClientError.Security.Forbidden", "Executing procedure is not allowed"
)

_INDEXES_4 = (
    *("id", "name", "state", "populationPercent", "uniqueness", "type", "entityType"),
    *("labelsOrTypes", "properties", "indexProvider", "options", "failureMessage"),
    "createStatement",
)
_TRANSACTIONS_4 = (
    *("database", "transactionId", "currentQueryId", "connectionId", "clientAddress"),
    *("username", "currentQuery", "startTime", "status", "elapsedTime"),
    *("allocatedBytes", "metaData", "activeLockCount", "waitTime", "pageHits"),
    *("pageFaults", "estimatedUsedHeapMemory", "resourceInformation"),
)
_DATABASES_4 = (
    *("name", "aliases", "access", "address", "role", "requestedStatus"),
    *("currentStatus", "error", "default", "home", "databaseID", "serverID"),
)
_DATABASES_5 = (
    *("name", "type", "aliases", "access", "address", "role", "writer"),
    *("requestedStatus", "currentStatus", "statusMessage", "default", "home"),
    *("constituents", "databaseID", "serverID", "lastCommittedTxn", "replicationLag"),
    *("requestedPrimariesCount", "requestedSecondariesCount"),
    *("currentPrimariesCount", "currentSecondariesCount", "creationTime"),
)
_BTREE = {
    "name": "user_id",
    "state": "ONLINE",
    "populationPercent": 100.0,
    "uniqueness": "UNIQUE",
    "type": "BTREE",
    "entityType": "NODE",
    "labelsOrTypes": ["User"],
    "properties": ["id"],
    "indexProvider": "native-btree-1.0",
    "failureMessage": "",
    "CASE uniqueness WHEN 'UNIQUE' THEN name END": "user_id",
    "timestamp()": 1_795_255_200_000,
}
_RANGE = {
    **_BTREE,
    "name": "by_id",
    "type": "RANGE",
    "uniqueness": "NONUNIQUE",
    "indexProvider": "range-1.0",
    "CASE uniqueness WHEN 'UNIQUE' THEN name END": None,
}


def transaction(number: int, *, ours: bool, database: str = "neo4j") -> dict[str, Any]:
    """Return a row of SHOW TRANSACTIONS, as both versions have it."""
    return {
        "database": database,
        "transactionId": f"{database}-transaction-{number}",
        "currentQueryId": f"query-{number + 7}",
        "connectionId": "bolt-3" if ours else "bolt-9",
        OURS: ours,
        "status": "Running",
        "elapsedTime": duration(0.25 if ours else 30.5),
        "waitTime": duration(0),
        "activeLockCount": 0 if ours else 4,
        "estimatedUsedHeapMemory": 2_097_152,
        "pageHits": 12,
        "pageFaults": 0,
    }


_CLIENTS = [
    {"id": "bolt-3", "connector": "bolt", "agent": "kpi-exporter/0"},
    {"id": "bolt-9", "connector": "bolt", "agent": "neo4j-java/4.4.12"},
]
_JVM = {
    "heap_used": 100,
    "heap_committed": 200,
    "heap_max": 300,
    "nonheap_used": 50,
    "nonheap_committed": 60,
    "nonheap_max": -1,
    "threads": 40,
    "cpu_ns": 1_000_000_000,
    "open_files": 300,
    "max_files": 40_000,
    "collectors": [{"name": "G1 Young Generation", "count": 3, "spent_ms": 40}],
}
_PAGE_CACHE = [
    {"name": "hits", "value": 918_273},
    {"name": "page_faults", "value": 412},
    {"name": "usage_ratio", "value": 0.93},
]
_SEEK = {
    "operatorType": "ProduceResults@neo4j",
    "args": {"runtime": "INTERPRETED", "Details": "n", "EstimatedRows": 1.0},
    "identifiers": ["n"],
    "dbHits": 2,
    "rows": 1,
    "children": [
        {
            "operatorType": "NodeUniqueIndexSeek@neo4j",
            "args": {
                "Details": "UNIQUE BTREE INDEX n:User(id) WHERE id = $id",
                "EstimatedRows": 1.0,
            },
            "identifiers": ["n"],
            "children": [],
            "dbHits": 2,
            "rows": 1,
        }
    ],
}


def _online(name: str) -> dict[str, Any]:
    return {"name": name, "requestedStatus": "online", "currentStatus": "online"}


_COPY = {**_online("neo4j"), "requestedPrimariesCount": 3, "currentPrimariesCount": 2}
_CLUSTER = (
    {**_COPY, "lastCommittedTxn": 90412, "replicationLag": 0},
    {**_COPY, "lastCommittedTxn": 90400, "replicationLag": -12},
    {**_COPY, "currentStatus": "store copying"},
    {**_online("archive"), "requestedStatus": "offline", "currentStatus": "offline"},
    _online("system"),
)


def _answers(version: str, edition: str) -> dict[str, list[dict[str, Any]] | Refused]:
    return {
        "RETURN 1": [{"1": 1}],
        "CALL dbms.components()": [{"version": version, "edition": edition}],
        "CALL dbms.listConnections()": _CLIENTS,
        "CALL dbms.queryJmx('java.lang:type=Garbage": [_JVM],
        "CALL dbms.queryJmx('java.lang:type=Runtime')": [{"ms": 1_795_258_435_735}],
        "CALL db.stats.retrieve": [
            {
                "nodes": [{"count": 5}, {"count": 5, "label": "User"}],
                "relationships": [{"count": 0}],
                "indexes": [
                    {
                        "labels": ["User"],
                        "properties": ["id"],
                        "totalSize": 5,
                        "estimatedUniqueSize": 5,
                        "updatesSinceEstimation": 0,
                    }
                ],
            }
        ],
        "SHOW CONSTRAINTS": [{"kind": "UNIQUENESS", "entity": "NODE"}],
    }


def community_4_4() -> Script:
    """Return Neo4j 4.4: no columns of use, old names of settings, no SHOW SETTINGS."""
    answers = _answers("4.4.48", "community")
    answers["CALL dbms.listConfig()"] = [
        {"name": "dbms.connector.bolt.thread_pool_max_size", "value": "400"},
        {"name": "dbms.memory.pagecache.size", "value": "512.00MiB"},
        {"name": "dbms.transaction.timeout", "value": "0s"},
    ]
    rows = (transaction(412, ours=True), transaction(398, ours=False))
    return Script(
        agent="Neo4j/4.4.48",
        bolt=b"\x00\x00\x04\x04",
        tables={
            "SHOW INDEXES": Table(_INDEXES_4, (_BTREE, _RANGE)),
            "SHOW TRANSACTIONS": Table(_TRANSACTIONS_4, rows),
            "SHOW DATABASES": Table(
                _DATABASES_4, tuple(_online(name) for name in ("neo4j", "system"))
            ),
        },
        answers=answers,
        plan=_SEEK,
    )


def enterprise(*, allowed: bool = False) -> Script:
    """Return 5.26 Enterprise in a cluster, to a user who may use procedures or not."""
    answers = _answers("5.26.31", "enterprise")
    answers["UNWIND $names AS name CALL dbms.queryJmx('neo4j.metrics:"] = _PAGE_CACHE
    for start in ("dbms.queryJmx", "dbms.listConnections", "db.stats.retrieve"):
        for known in [name for name in answers if start in name and not allowed]:
            answers[known] = _FORBIDDEN
    answers["SHOW SETTINGS"] = []
    answers["SHOW CONSTRAINTS"] = [
        {"kind": "NODE_KEY", "entity": "NODE"},
        {"kind": "NODE_PROPERTY_EXISTENCE", "entity": "NODE"},
    ]
    columns = tuple(name for name in _INDEXES_4 if name != "uniqueness")
    used = ("owningConstraint", "lastRead", "readCount", "trackedSince")
    row = {**_RANGE, "readCount": 77, "owningConstraint": None}
    rows = (
        transaction(900, ours=True),
        transaction(899, ours=False),
        transaction(40, ours=True, database="sales"),
    )
    return Script(
        agent="Neo4j/5.26.31",
        bolt=b"\x00\x00\x04\x05",
        tables={
            "SHOW INDEXES": Table(columns + used, (row,)),
            "SHOW TRANSACTIONS": Table((*_TRANSACTIONS_4, "currentQueryStatus"), rows),
            "SHOW DATABASES": Table(_DATABASES_5, _CLUSTER),
        },
        answers=answers,
        plan=_SEEK,
    )
