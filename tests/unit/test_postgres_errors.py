"""Why PostgreSQL was not read, as an on-call engineer is told."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from exporter.errors import Reason, SourceError
from exporter.secret import remember
from exporter.sources.postgres_errors import classify, missing_extension, quoted

SET = "set the right one: password_file, password_env or password_command"
AT = 'connection to server at "10.0.0.1", port 5432 failed:'


def refused(text: str) -> SourceError:
    """Return what is made of a failed login: libpq tells its SQLSTATE to nobody."""
    return classify(psycopg.OperationalError(f"connection failed: {AT} {text}"), None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('FATAL:  password authentication failed for user "m"', Reason.AUTH),
        ("fe_sendauth: no password supplied", Reason.AUTH),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "m"', Reason.AUTH),
        ('FATAL:  role "m" does not exist', Reason.AUTH),
        ('FATAL:  role "m" is not permitted to log in', Reason.AUTH),
        ("FATAL:  sorry, too many clients already", Reason.LIMIT),
        ('FATAL:  too many connections for role "m"', Reason.LIMIT),
        ("FATAL:  remaining connection slots are reserved for roles", Reason.LIMIT),
        ("FATAL:  the database system is starting up", Reason.STARTING),
        ("FATAL:  the database system is shutting down", Reason.STARTING),
        ("FATAL:  the database system is in recovery mode", Reason.STARTING),
        (
            "FATAL:  the database system is not yet accepting connections",
            Reason.STARTING,
        ),
        ('FATAL:  database "shop" does not exist', Reason.CONNECT),
        ("Connection refused\n\tIs the server running?", Reason.CONNECT),
        ("server does not support SSL, but SSL was required", Reason.CONNECT),
        ("SSL error: certificate verify failed", Reason.CONNECT),
        ('FATAL:  invalid value for parameter "work_mem": "many"', Reason.CONNECT),
        ('FATAL:  parameter "shared_buffers" cannot be changed', Reason.CONNECT),
        ('FATAL:  permission denied to set parameter "log_statement"', Reason.CONNECT),
        ("FATAL:  unsupported startup parameter: options", Reason.CONNECT),
        ("received invalid response to SSL negotiation: H", Reason.PROTOCOL),
        (
            "expected authentication request from server, but received H",
            Reason.PROTOCOL,
        ),
    ],
)
def test_a_failed_login_is_told_by_its_text(text: str, reason: Reason) -> None:
    error = refused(text)
    assert (error.reason, error.answered) == (reason, False)
    assert str(error) == f"{AT} {' '.join(text.split(chr(10), maxsplit=1)[0].split())}"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("server does not support SSL, but SSL was required", "sslmode=prefer"),
        ('FATAL:  no pg_hba.conf entry for host "a", no encryption', "sslmode=require"),
        ('FATAL:  no pg_hba.conf entry for host "a", SSL off', "sslmode=require"),
        ('FATAL:  no pg_hba.conf entry for host "a", SSL encryption', "add a line"),
    ],
)
def test_tls_that_one_side_alone_wants_is_hinted_at(text: str, hint: str) -> None:
    assert hint in (refused(text).fix or "")


def test_a_refused_password_says_where_passwords_come_from() -> None:
    assert refused("FATAL:  password authentication failed").fix == SET


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (errors.InsufficientPrivilege, Reason.PERMISSION),
        (errors.QueryCanceled, Reason.TIMEOUT),
        (errors.LockNotAvailable, Reason.LOCK),
        (errors.CannotConnectNow, Reason.STARTING),
        (errors.TooManyConnections, Reason.LIMIT),
        (errors.OutOfMemory, Reason.LIMIT),
        (errors.UndefinedTable, Reason.UNSUPPORTED),
        (errors.UndefinedFunction, Reason.UNSUPPORTED),
        (errors.UndefinedColumn, Reason.UNSUPPORTED),
        (errors.UndefinedObject, Reason.UNSUPPORTED),
        (errors.InvalidPassword, Reason.AUTH),
        (errors.InvalidCatalogName, Reason.CONNECT),
        (errors.AdminShutdown, Reason.CONNECT),
        (errors.ProtocolViolation, Reason.PROTOCOL),
        (errors.FeatureNotSupported, Reason.UNSUPPORTED),
        (errors.DivisionByZero, Reason.QUERY),
        (errors.ObjectNotInPrerequisiteState, Reason.QUERY),
        (errors.SerializationFailure, Reason.QUERY),
    ],
)
def test_an_answer_is_told_by_its_sqlstate(
    kind: type[psycopg.Error], reason: Reason
) -> None:
    assert classify(kind("in any language"), "monitor").reason is reason


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("view pg_stat_statements", "GRANT SELECT ON pg_stat_statements TO monitor;"),
        (
            "function pg_stat_statements",
            "GRANT EXECUTE ON FUNCTION pg_stat_statements TO monitor;",
        ),
        ("schema hidden", "GRANT USAGE ON SCHEMA hidden TO monitor;"),
        ("something else", "GRANT pg_monitor TO monitor;"),
    ],
)
def test_a_denied_read_names_the_grant(text: str, fix: str) -> None:
    error = errors.InsufficientPrivilege(f"permission denied for {text}")
    assert classify(error, "monitor").fix == fix


def test_a_role_is_quoted_where_it_must_be() -> None:
    error = errors.InsufficientPrivilege("keine Berechtigung")
    assert classify(error, 'the "M"').fix == 'GRANT pg_monitor TO "the ""M""";'
    assert quoted("pg_catalog") == "pg_catalog"


def test_a_library_that_was_not_loaded_is_named() -> None:
    error = errors.ObjectNotInPrerequisiteState(
        'pg_stat_statements must be loaded via "shared_preload_libraries"'
    )
    classified = classify(error, "monitor")
    assert classified.reason is Reason.UNSUPPORTED
    assert classified.fix == (
        "shared_preload_libraries = 'pg_stat_statements' in postgresql.conf, "
        "then restart"
    )


def test_a_missing_extension_names_its_database_and_statement() -> None:
    error = missing_extension("pg_stat_statements", "shop")
    assert (error.reason, error.answered) == (Reason.UNSUPPORTED, True)
    assert str(error) == "extension pg_stat_statements is missing in database shop"
    assert error.fix == "CREATE EXTENSION pg_stat_statements;"


def test_a_connection_that_broke_is_one_line_without_hints() -> None:
    error = psycopg.OperationalError(
        "consuming input failed: server closed the connection unexpectedly\n"
        "\tThis probably means the server terminated abnormally"
    )
    classified = classify(error, "monitor")
    assert (classified.reason, classified.answered) == (Reason.CONNECT, False)
    assert str(classified) == (
        "consuming input failed: server closed the connection unexpectedly"
    )


def test_an_error_of_ours_leaves_the_server_up() -> None:
    classified = classify(KeyError("calls"), "monitor")
    assert (classified.reason, classified.answered) == (Reason.INTERNAL, True)
    assert str(classified) == "KeyError: 'calls'"


def test_no_text_holds_a_secret_or_is_endless() -> None:
    remember("hush-4711")
    error = psycopg.OperationalError("no hush-4711 " + "x" * 1000)
    assert str(classify(error, None)) == "no *** " + "x" * 293
