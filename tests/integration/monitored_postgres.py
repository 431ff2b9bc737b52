"""A PostgreSQL server as users set it up for us: deploy/postgres.sql and a password."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import psycopg

from exporter.demo.servers.postgres import PostgresServer
from exporter.demo.servers.postgres_binaries import from_maven
from tests.integration.exporter_process import TOKEN
from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


PASSWORD = f"p/{TOKEN} %'&"


def started(folder: Path, major: int, port: int | None = None) -> PostgresServer:
    """Start a server with the database orders and the role monitor in it."""
    server = PostgresServer(
        folder / f"postgres{major}{time.monotonic_ns()}",
        installation=from_maven(major),
        password=PASSWORD,
    )
    server.port = port or server.port
    server.start()
    with owner(server) as session:
        session.execute("create database orders")
    prepare(server, "orders")
    return server


def prepare(server: PostgresServer, database: str) -> None:
    """Do what deploy/postgres.sql says, and give the role its password."""
    script = (ROOT / "deploy" / "postgres.sql").read_text()
    with owner(server, database) as session:
        session.execute(script.encode())
        secret = psycopg.sql.Literal(PASSWORD)
        text = psycopg.sql.SQL("alter role monitor login password {}").format(secret)
        session.execute(text)


@contextlib.contextmanager
def owner(
    server: PostgresServer, database: str = "postgres"
) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server.dsn(database), autocommit=True) as session:
        yield session


def ours(server: PostgresServer) -> list[tuple[str, int]]:
    """Return the databases and processes of the exporter's sessions in the server."""
    query = (
        "select datname, pid from pg_stat_activity "
        "where application_name = 'kpi-exporter' order by datname, pid"
    )
    with owner(server) as session:
        return session.execute(query).fetchall()
