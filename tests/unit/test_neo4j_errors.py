"""What the driver raises, as reasons; by Neo4j code, whatever the GQL code."""

from __future__ import annotations

import ssl
from socket import gaierror

import pytest
from neo4j.exceptions import (
    ConfigurationError,
    ConnectionAcquisitionTimeoutError,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
)

from exporter.errors import Reason
from exporter.sources.neo4j_errors import classify

URI = "bolt://graph:7687"
SERVER = "Neo.ClientError"
BUSY = "Neo.TransientError"


def from_server(code: str, message: str = "it said so") -> Neo4jError:
    """Make an error as the driver does out of a server's failure message."""
    return Neo4jError._hydrate_neo4j(code=code, message=message)


def caused(error: Exception, *causes: Exception) -> Exception:
    """Return an error with a chain of causes."""
    link: BaseException = error
    for cause in causes:
        link.__cause__ = cause
        link = cause
    return error


@pytest.mark.parametrize(
    ("code", "reason", "answered"),
    [
        (f"{SERVER}.Security.Unauthorized", Reason.AUTH, False),
        (f"{SERVER}.Security.CredentialsExpired", Reason.AUTH, False),
        (f"{SERVER}.Security.AuthenticationRateLimit", Reason.AUTH, False),
        (f"{SERVER}.Security.TokenExpired", Reason.AUTH, False),
        (f"{SERVER}.Security.Forbidden", Reason.PERMISSION, True),
        (f"{SERVER}.Statement.AccessMode", Reason.PERMISSION, True),
        (f"{SERVER}.Procedure.ProcedureNotFound", Reason.UNSUPPORTED, True),
        (f"{SERVER}.Statement.SyntaxError", Reason.QUERY, True),
        (f"{SERVER}.Statement.ParameterMissing", Reason.QUERY, True),
        (f"{SERVER}.Database.DatabaseNotFound", Reason.CONNECT, True),
        (f"{SERVER}.Transaction.TransactionTimedOut", Reason.TIMEOUT, True),
        (
            f"{SERVER}.Transaction.TransactionTimedOutClientConfiguration",
            Reason.TIMEOUT,
            True,
        ),
        (f"{SERVER}.Transaction.Terminated", Reason.QUERY, True),
        (f"{BUSY}.Transaction.LockAcquisitionTimeout", Reason.LOCK, True),
        (f"{BUSY}.Transaction.DeadlockDetected", Reason.LOCK, True),
        (f"{BUSY}.Transaction.MaximumTransactionLimitReached", Reason.LIMIT, True),
        (f"{BUSY}.General.MemoryPoolOutOfMemoryError", Reason.LIMIT, True),
        (f"{BUSY}.General.OutOfMemoryError", Reason.LIMIT, True),
        (f"{BUSY}.Request.NoThreadsAvailable", Reason.LIMIT, True),
        (f"{BUSY}.General.DatabaseUnavailable", Reason.STARTING, False),
        (f"{SERVER}.Request.Invalid", Reason.PROTOCOL, False),
        ("Neo.DatabaseError.General.UnknownError", Reason.QUERY, True),
        ("Neo.Something.Quite.New", Reason.QUERY, True),
    ],
)
def test_a_code_has_its_reason(code: str, reason: Reason, *, answered: bool) -> None:
    error = classify(from_server(code), URI)
    assert (error.reason, error.answered) == (reason, answered)
    assert str(error) == f"{code.removeprefix('Neo.')}: it said so"


def test_the_gql_code_does_not_matter() -> None:
    old = from_server(f"{SERVER}.Statement.AccessMode")
    new = Neo4jError._hydrate_gql(
        gql_status="08N03",
        status_description="error: connection exception",
        neo4j_code=f"{SERVER}.Statement.AccessMode",
        message="it said so",
    )
    assert classify(old, URI).reason is classify(new, URI).reason is Reason.PERMISSION


@pytest.mark.parametrize(
    "code",
    [
        *("Security.Unauthorized", "Security.Forbidden", "Security.CredentialsExpired"),
        *("Security.AuthenticationRateLimit", "Database.DatabaseNotFound"),
    ],
)
def test_what_the_user_can_mend_says_how(code: str) -> None:
    assert classify(from_server(f"{SERVER}.{code}"), URI).fix


def test_a_message_of_many_lines_is_cut_to_its_first() -> None:
    error = classify(from_server(f"{SERVER}.A.B", "first\n\tat java.lang"), URI)
    assert str(error) == "ClientError.A.B: first"
    long = classify(from_server(f"{SERVER}.A.B", "x" * 1000), URI)
    assert len(str(long)) < 330


def test_a_refused_connection_is_told_in_a_few_words() -> None:
    refused = ConnectionRefusedError(111, "Connection refused")
    error = caused(ServiceUnavailable("Couldn't connect to …"), OSError(), refused)
    told = classify(error, URI)
    assert (told.reason, told.answered) == (Reason.CONNECT, False)
    assert str(told) == "cannot reach bolt://graph:7687: Connection refused"


def test_an_unknown_host_is_told_in_a_few_words() -> None:
    error = caused(ServiceUnavailable("x"), gaierror(-2, "Name not known"))
    assert str(classify(error, URI)) == "bolt://graph:7687: no such host"


@pytest.mark.parametrize("cause", [ssl.SSLError(1, "WRONG"), ConnectionResetError()])
def test_failed_tls_says_which_schemes_there_are(cause: Exception) -> None:
    told = classify(caused(ServiceUnavailable("x"), cause), "bolt+s://graph:7687")
    assert told.reason is Reason.CONNECT
    assert "TLS failed" in str(told)
    assert told.fix is not None
    assert "bolt://" in told.fix


@pytest.mark.parametrize(
    ("error", "reason", "answered"),
    [
        (SessionExpired("gone"), Reason.CONNECT, False),
        (OSError(9, "Bad file descriptor"), Reason.CONNECT, False),
        (ConnectionAcquisitionTimeoutError("late"), Reason.TIMEOUT, False),
        (TimeoutError(), Reason.TIMEOUT, False),
        (ConfigurationError("no such thing"), Reason.PROTOCOL, False),
        (KeyError("mistake of ours"), Reason.INTERNAL, True),
    ],
)
def test_other_errors_have_their_reasons(
    error: Exception, reason: Reason, *, answered: bool
) -> None:
    told = classify(error, URI)
    assert (told.reason, told.answered) == (reason, answered)
    assert "\n" not in str(told)
