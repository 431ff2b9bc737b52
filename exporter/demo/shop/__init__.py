"""The sample application: a small shop that really uses PostgreSQL, Redis and Neo4j."""
