"""Turns what psycopg raises into a reason and words without secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import psycopg
from psycopg.pq import TransactionStatus

from exporter.errors import Reason, SourceError
from exporter.secret import mask

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

PRELOAD = (
    "shared_preload_libraries = 'pg_stat_statements' in postgresql.conf, then restart"
)
_MOST_TEXT = 300
_FATAL = {"FATAL", "PANIC"}

# By SQLSTATE, or its first characters; the longest that fits counts.
_REASONS = {
    "08": Reason.CONNECT,
    "08P01": Reason.PROTOCOL,
    "0A": Reason.UNSUPPORTED,
    "28": Reason.AUTH,
    "3D000": Reason.CONNECT,
    "3F000": Reason.UNSUPPORTED,
    "42501": Reason.PERMISSION,
    "42703": Reason.UNSUPPORTED,
    "42704": Reason.UNSUPPORTED,
    "42883": Reason.UNSUPPORTED,
    "42P01": Reason.UNSUPPORTED,
    "53": Reason.LIMIT,
    "55000": Reason.UNSUPPORTED,
    "55P03": Reason.LOCK,
    "57014": Reason.TIMEOUT,
    "57P": Reason.CONNECT,
    "57P03": Reason.STARTING,
}


class _Refusal(NamedTuple):
    """What the text of a failed login tells, as it comes without an SQLSTATE."""

    pattern: str
    reason: Reason
    fix: str | None = None


_LOGIN = "set the right one: password_file, password_env or password_command"
_REFUSALS = (
    _Refusal("password authentication failed|SCRAM|PAM auth", Reason.AUTH, _LOGIN),
    _Refusal("no password supplied", Reason.AUTH, _LOGIN),
    _Refusal(
        "no pg_hba.conf entry for .*, (no encryption|SSL off)",
        Reason.AUTH,
        "write sslmode=require in the dsn if it takes TLS alone; else add a line to "
        "pg_hba.conf, then SELECT pg_reload_conf();",
    ),
    _Refusal(
        "no pg_hba.conf entry|pg_hba.conf rejects",
        Reason.AUTH,
        "let this role in: add a line to pg_hba.conf, then SELECT pg_reload_conf();",
    ),
    _Refusal(
        'role ".*" does not exist|is not permitted to log in|authentication failed',
        Reason.AUTH,
        "make the role, as deploy/postgres.sql does",
    ),
    _Refusal(
        "too many clients|too many connections|connection slots are reserved"
        "|no more connections allowed|query_wait_timeout",
        Reason.LIMIT,
        "raise max_connections or the role's CONNECTION LIMIT, or close idle sessions",
    ),
    _Refusal(
        "is starting up|is shutting down|in recovery mode|not yet accepting"
        "|not accepting connections",
        Reason.STARTING,
    ),
    _Refusal('database ".*" does not exist', Reason.CONNECT, "mend the dsn's database"),
    _Refusal(
        "received invalid response|expected authentication request"
        "|lost synchronization|unexpected message|unexpected response|protocol version",
        Reason.PROTOCOL,
        "is this the port of PostgreSQL?",
    ),
    _Refusal(
        "does not support SSL|SSL was required",
        Reason.CONNECT,
        "write sslmode=prefer in the dsn if it may do without TLS, or set ssl = on "
        "in postgresql.conf",
    ),
    _Refusal(
        "certificate|SSL error",
        Reason.CONNECT,
        "mend sslmode and sslrootcert of the dsn, or the server's certificate",
    ),
    _Refusal(
        "unrecognized configuration parameter|invalid command-line argument"
        '|(invalid value for|permission denied to set) parameter|parameter ".*" cannot'
        "|unsupported startup parameter",
        Reason.CONNECT,
        "mend `options` in the dsn, or leave it out",
    ),
    _Refusal(
        "session is (not )?read-only|server is (not )?in hot standby mode",
        Reason.CONNECT,
        "mend target_session_attrs or the hosts of the dsn",
    ),
    _Refusal("failed to resolve host|could not translate host", Reason.CONNECT),
)
_DENIED = re.compile(r"permission denied for (\w+) (\S+)")
_GRANTS = {
    "function": "GRANT EXECUTE ON FUNCTION {} TO {};",
    "schema": "GRANT USAGE ON SCHEMA {} TO {};",
    "table": "GRANT SELECT ON {} TO {};",
    "view": "GRANT SELECT ON {} TO {};",
}


def classify(error: Exception, role: str | None) -> SourceError:
    """Say why PostgreSQL was not read; `role` is who we are, once we were let in."""
    if isinstance(error, psycopg.Error) and error.sqlstate:
        return _answer(error, error.sqlstate, role or "CURRENT_USER")
    if isinstance(error, psycopg.OperationalError):
        return _no_answer(error)
    if type(error) is psycopg.DatabaseError:  # what libpq says of nonsense
        return _no_answer(error)
    if isinstance(error, OSError):
        return SourceError(Reason.CONNECT, _line(str(error)))
    what = _line(f"{type(error).__name__}: {error}")
    return SourceError(Reason.INTERNAL, what, answered=True)


def missing_extension(name: str, database: str) -> SourceError:
    """Say that an extension is not there, and which statement makes it."""
    return SourceError(
        Reason.UNSUPPORTED,
        f"extension {name} is missing in database {database}",
        answered=True,
        fix=f"CREATE EXTENSION {name};",
    )


def idle(pgconn: PGconn) -> bool:
    """Tell whether a connection is not in use and its server has not closed it."""
    try:
        pgconn.consume_input()  # reads the reason for an end, if there is one,
        pgconn.is_busy()
        pgconn.consume_input()  # and then the end
    except psycopg.OperationalError:
        return False
    return pgconn.transaction_status == TransactionStatus.IDLE


def quoted(name: str) -> str:
    """Write a name as an identifier, with quotes only where they are needed."""
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        return name
    return '"' + name.replace('"', '""') + '"'


def _answer(error: psycopg.Error, state: str, role: str) -> SourceError:
    """Classify what the server said by its SQLSTATE, whatever language it speaks."""
    fitting = (state[:length] for length in range(len(state), 1, -1))
    reason = next((_REASONS[s] for s in fitting if s in _REASONS), Reason.QUERY)
    text = error.diag.message_primary or str(error)
    fix = None
    if state == "42501":
        fix = _grant(text, quoted(role))
    elif state == "55000":
        preload = "shared_preload_libraries" in text
        fix = PRELOAD if preload else None
        reason = Reason.UNSUPPORTED if preload else Reason.QUERY
    answered = error.diag.severity_nonlocalized not in _FATAL
    return SourceError(reason, _line(text), answered=answered, fix=fix)


def _grant(text: str, role: str) -> str:
    found = _DENIED.search(text)
    form = _GRANTS.get(found[1]) if found else None
    if found is None or form is None:
        return f"GRANT pg_monitor TO {role};"
    return form.format(found[2], role)


def _no_answer(error: psycopg.Error) -> SourceError:
    """Classify a failed login or a broken connection by its text.

    A server that speaks another language than English is told by whether it was given
    a password: then the login is what most likely failed.
    """
    text = str(error)
    fitting = (known for known in _REFUSALS if re.search(known.pattern, text))
    found = next(fitting, None)
    if found is not None:
        return SourceError(found.reason, _line(text), fix=found.fix)
    attempt = error.pgconn
    if attempt is not None and (attempt.needs_password or attempt.used_password):
        return SourceError(Reason.AUTH, _line(text), fix=_LOGIN)
    return SourceError(Reason.CONNECT, _line(text))


def _line(text: str) -> str:
    """Return a text as one line without hints, repetitions, secrets, excess length."""
    told = [line for line in text.splitlines() if not line.startswith(("\t", "HINT:"))]
    for prefix in ("connection failed: ", "connection is bad: "):
        told = [line.removeprefix(prefix) for line in told]
    lines = dict.fromkeys(told)  # libpq tries again, and is told the same
    shown = " ".join(" ".join(lines).split())
    return mask(shown)[:_MOST_TEXT]
