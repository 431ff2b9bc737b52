"""Fixtures that all integration tests share; each kind of server has its own file."""

from tests.integration.redis_fixtures import redis_server, shared_redis

__all__ = ["redis_server", "shared_redis"]
