"""Writes the exporter's configuration for the demo: an example to start from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from exporter.demo.shop.graph import AUDIT_SINCE, BY_CODE_HASH, BY_USER, RUNS_OF_USER

if TYPE_CHECKING:
    from pathlib import Path

INTERVAL = 5.0
SHOP, GRAPH, CACHE, HOST = "shop", "graph", "cache", "local"
STOREFRONT = "storefront"
"""The sample application: its name, and that of the job that scrapes it."""


class Watched(NamedTuple):
    """A server to watch: where, and the file that holds the password."""

    address: str
    password_file: Path


class Watch(NamedTuple):
    """Everything to watch, and the address to serve on; None for what is not there."""

    listen: str
    postgres: Watched | None = None
    neo4j: Watched | None = None
    redis: Watched | None = None


def render(watch: Watch) -> str:
    """Return the configuration as YAML."""
    parts = [
        "# Made by kpi-exporter demo, and removed with it: an example to start from.",
        f"interval: {INTERVAL:g}s",
        f"web: {{listen: {_quoted(watch.listen)}}}",
        f"links: {{external_url: {_quoted(f'http://{watch.listen}')}}}",
    ]
    if watch.postgres:
        parts.append(
            f"postgres:\n  {SHOP}:\n    dsn: {_quoted(watch.postgres.address)}\n"
            f"    password_file: {_quoted(watch.postgres.password_file)}\n"
            "    indexes: developer-mesh\n    plans: {enabled: true}\n    collectors: {"
            "indexes: {interval: 15s}, tables: {interval: 15s}, plans: {interval: 15s}}"
        )
    if watch.neo4j:
        parts.append(_neo4j(watch.neo4j))
    if watch.redis:
        parts.append(
            f"redis:\n  {CACHE}:\n    url: {_quoted(watch.redis.address)}\n"
            f"    password_file: {_quoted(watch.redis.password_file)}"
        )
    parts.append(_application(watch))
    if watch.postgres:
        parts.append(
            "kpis:\n  # The demo's PostgreSQL may lose data: it runs without fsync.\n"
            f"  pg_durability_off: {{targets: {{{SHOP}: {{warning: 2}}}}}}"
        )
    parts.append(
        f"host:\n  {HOST}: {{process_groups: [python, postgres, valkey-server, java]}}"
    )
    return "\n".join(parts) + "\n"


def _application(watch: Watch) -> str:
    behind = {SHOP: watch.postgres, GRAPH: watch.neo4j, CACHE: watch.redis}
    names = ", ".join(name for name, watched in behind.items() if watched)
    selector = json.dumps(f'job="{STOREFRONT}"')
    return (
        f"applications:\n  {STOREFRONT}: {{selector: {selector}, targets: [{names}]}}"
    )


def _neo4j(watched: Watched) -> str:
    text = (
        f"neo4j:\n  {GRAPH}:\n    uri: {_quoted(watched.address)}\n    user: neo4j\n"
        f"    password_file: {_quoted(watched.password_file)}\n"
        # The first query of each kind takes seconds: Neo4j compiles it.
        f"    timeout: {INTERVAL:g}s\n    indexes: ultimate-mcp\n"
        "    collectors: {plans: {interval: 5s}, schema: {interval: 15s}}\n"
        "    queries:\n"
        + _query("executions_by_code_hash", BY_CODE_HASH, {"code_hash": "code-1"})
        + _query("executions_by_user", BY_USER, {"user_id": "user-1"})
        + _query("audit_since", AUDIT_SINCE, {"since": 0})
        # One that promises nothing: it is told when it gets worse.
        + _query("runs_of_user", RUNS_OF_USER, {"user_id": "user-1"}, seeks=False)
    )
    return text.rstrip()


def _query(
    name: str, cypher: str, parameters: dict[str, object], *, seeks: bool = True
) -> str:
    return (
        f"      - name: {name}\n        cypher: {_quoted(cypher)}\n"
        f"        parameters: {json.dumps(parameters)}\n"
        f"        profile: true\n        must_seek: {json.dumps(seeks)}\n"
    )


def _quoted(value: object) -> str:
    return json.dumps(str(value))
