"""Fixtures that all integration tests share; each kind of server has its own file."""

from tests.integration.host_fixtures import proc_tree
from tests.integration.neo4j_fixtures import neo4j_server, shared_neo4j
from tests.integration.postgres_fixtures import (
    each_postgres,
    mortal_postgres,
    postgres,
    postgres_servers,
)
from tests.integration.redis_fixtures import redis_server, shared_redis
from tests.integration.reviewed_postgres import each_reviewed_world, reviewed_world
from tests.integration.web_support import service, url

__all__ = [
    "each_postgres",
    "each_reviewed_world",
    "mortal_postgres",
    "neo4j_server",
    "postgres",
    "postgres_servers",
    "proc_tree",
    "redis_server",
    "reviewed_world",
    "service",
    "shared_neo4j",
    "shared_redis",
    "url",
]
