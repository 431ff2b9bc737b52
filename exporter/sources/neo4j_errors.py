"""Turns the Neo4j driver's errors into reasons; by Neo4j code, never by GQL code."""

from __future__ import annotations

import ssl
from socket import gaierror
from typing import NamedTuple

from neo4j.exceptions import (
    ConnectionAcquisitionTimeoutError,
    DriverError,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
)

from exporter.errors import Reason, SourceError

_LONGEST = 300


class _Meaning(NamedTuple):
    reason: Reason
    answered: bool = True
    fix: str | None = None


_FORBIDDEN = (
    "GRANT ACCESS, SHOW INDEX, SHOW CONSTRAINT and SHOW TRANSACTION on the databases, "
    "EXECUTE PROCEDURE on dbms.queryJmx, dbms.components, dbms.listConnections and "
    "db.stats.retrieve, SHOW SETTING, and MATCH on what the queries read"
)
_LOGIN = "set user, and one of password_file, password_env, password_command"

# The first code that the error's code begins with; the order matters.
_MEANINGS = {
    "Neo.ClientError.Security.Forbidden": _Meaning(Reason.PERMISSION, fix=_FORBIDDEN),
    "Neo.ClientError.Security.CredentialsExpired": _Meaning(
        Reason.AUTH,
        answered=False,
        fix="ALTER CURRENT USER SET PASSWORD FROM '…' TO '…'",
    ),
    "Neo.ClientError.Security.AuthenticationRateLimit": _Meaning(
        Reason.AUTH,
        answered=False,
        fix="end the logins with a wrong password; give the exporter a user of its own",
    ),
    "Neo.ClientError.Security.": _Meaning(Reason.AUTH, answered=False, fix=_LOGIN),
    "Neo.ClientError.Statement.AccessMode": _Meaning(Reason.PERMISSION),
    "Neo.ClientError.Procedure.ProcedureNotFound": _Meaning(Reason.UNSUPPORTED),
    "Neo.ClientError.Database.DatabaseNotFound": _Meaning(
        Reason.CONNECT, fix="name databases that SHOW DATABASES lists"
    ),
    "Neo.ClientError.Transaction.TransactionTimedOut": _Meaning(Reason.TIMEOUT),
    "Neo.ClientError.Transaction.Lock": _Meaning(Reason.LOCK),
    "Neo.TransientError.Transaction.Lock": _Meaning(Reason.LOCK),
    "Neo.TransientError.Transaction.DeadlockDetected": _Meaning(Reason.LOCK),
    "Neo.TransientError.Transaction.MaximumTransactionLimitReached": _Meaning(
        Reason.LIMIT
    ),
    "Neo.TransientError.Request.NoThreadsAvailable": _Meaning(Reason.LIMIT),
    "Neo.TransientError.General.DatabaseUnavailable": _Meaning(
        Reason.STARTING,
        answered=False,
        fix="wait; if it lasts, SHOW DATABASES on database system says why",
    ),
    "Neo.ClientError.Request.": _Meaning(Reason.PROTOCOL, answered=False),
}


def classify(error: Exception, uri: str) -> SourceError:
    """Say why the server at `uri` could not be read, in one line without secrets."""
    if isinstance(error, Neo4jError):
        return _from_server(error)
    if isinstance(error, TimeoutError | ConnectionAcquisitionTimeoutError):
        return SourceError(Reason.TIMEOUT, f"{uri} gave no answer in time")
    if isinstance(error, ServiceUnavailable | SessionExpired | OSError):
        return _unreachable(error, uri)
    if isinstance(error, DriverError) or type(error).__module__.startswith("neo4j"):
        text = f"{uri} did not speak Bolt as expected: {_line(error)}"
        return SourceError(Reason.PROTOCOL, text)
    text = f"{type(error).__name__}: {_line(error)}"
    return SourceError(Reason.INTERNAL, text, answered=True)


def _from_server(error: Neo4jError) -> SourceError:
    code = error.code or ""
    text = f"{code.removeprefix('Neo.')}: {_first_line(error.message or '')}"
    for known, meaning in _MEANINGS.items():
        if code.startswith(known):
            return SourceError(
                meaning.reason, text, answered=meaning.answered, fix=meaning.fix
            )
    reason = Reason.LIMIT if "OutOfMemory" in code else Reason.QUERY
    return SourceError(reason, text, answered=True)


def _unreachable(error: Exception, uri: str) -> SourceError:
    cause = _root(error)
    if isinstance(cause, gaierror):
        return SourceError(Reason.CONNECT, f"{uri}: no such host")
    secured = "+s" in uri.partition(":")[0]
    if isinstance(cause, ssl.SSLError) or (
        secured and isinstance(cause, ConnectionResetError)
    ):
        return SourceError(
            Reason.CONNECT,
            f"{uri}: TLS failed: {_line(cause)}",
            fix="bolt:// if the server has no TLS, bolt+ssc:// if it signs for itself",
        )
    if isinstance(cause, OSError) and "handshake" not in str(error):
        return SourceError(Reason.CONNECT, f"cannot reach {uri}: {_line(cause)}")
    if "looks like HTTP" in str(error):
        return SourceError(Reason.PROTOCOL, f"{uri} speaks HTTP instead of Bolt")
    text = f"cannot reach {uri}: {_line(error)}"
    closed = not secured and "handshake" in str(error)
    fix = "bolt+s:// if it requires TLS" if closed else None
    return SourceError(Reason.CONNECT, text, fix=fix)


def _root(error: BaseException) -> BaseException:
    """Follow the causes to the first one; drivers wrap what the system said."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return _first_line(str(error)) or type(error).__name__


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0].strip()
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
