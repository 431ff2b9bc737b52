"""What is made of rows about databases: ages, sizes, what is prepared, TLS."""

from __future__ import annotations

from exporter.collectors import (
    postgres_database,
    postgres_prepared,
    postgres_ssl,
    postgres_wraparound,
)
from exporter.collectors.postgres_prepared import Prepared
from exporter.collectors.postgres_wraparound import Database
from exporter.config import Filter
from tests.unit.sampled import values


def test_ages_are_by_database_and_the_next_id_is_the_servers() -> None:
    found = [Database("shop", 200, 30, 2**33), Database("template0", 300, 40, 2**33)]
    rows = postgres_wraparound.Rows(found, Filter(exclude=("template0",)))
    assert values(postgres_wraparound.samples(rows, None)) == {
        "pg_database_frozen_xid_age": {("shop",): 200},
        "pg_database_min_multixact_age": {("shop",): 30},
        "pg_transaction_ids_assigned_total": {(): 2**33},
    }


def test_a_size_that_we_may_not_see_is_absent() -> None:
    rows = [
        postgres_database.Database("shop", -1, 2**50 + 1),
        postgres_database.Database("rdsadmin", 5, None),
    ]
    assert values(postgres_database.samples(rows, None)) == {
        "pg_database_size_bytes": {("shop",): 2**50 + 1},
        "pg_database_connection_limit": {("shop",): -1, ("rdsadmin",): 5},
    }


def test_a_database_without_prepared_transactions_says_so() -> None:
    found = [Prepared("shop", 2, 100.5, 60.0), Prepared("empty", 0, None, None)]
    rows = postgres_prepared.Rows(found, Filter())
    assert values(postgres_prepared.samples(rows, None)) == {
        "pg_prepared_transactions": {("shop",): 2, ("empty",): 0},
        "pg_prepared_transactions_oldest_timestamp_seconds": {("shop",): 100.5},
        "pg_prepared_transactions_max_age_seconds": {("shop",): 60.0, ("empty",): 0},
    }


def test_plain_sessions_are_counted_even_when_there_are_none() -> None:
    rows = [postgres_ssl.Sessions("TLSv1.3", 4)]
    assert values(postgres_ssl.samples(rows, None)) == {
        "pg_stat_ssl_sessions": {("none",): 0, ("TLSv1.3",): 4}
    }
