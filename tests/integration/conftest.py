"""Fixtures that all integration tests share; each kind of server has its own file."""

from tests.integration.neo4j_fixtures import neo4j_server, shared_neo4j
from tests.integration.redis_fixtures import redis_server, shared_redis

__all__ = ["neo4j_server", "redis_server", "shared_neo4j", "shared_redis"]
