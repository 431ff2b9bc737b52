"""Turns what redis-py raises into a reason and words without secrets."""

from __future__ import annotations

import os
import re
import socket
import ssl
from typing import TYPE_CHECKING

from redis import exceptions

from exporter.errors import Reason, SourceError
from exporter.secret import mask

if TYPE_CHECKING:
    from collections.abc import Iterator

RIGHTS = (
    "+ping +info +client|setname +client|list +latency|histogram +latency|latest "
    "+slowlog|get +slowlog|len +memory|stats +acl|log +cluster|info +cluster|nodes"
)
_OF_SENTINEL = "+ping +info +client|setname +sentinel|masters +sentinel|replicas"
_COMMAND = re.compile(r"'([a-zA-Z|._-]+)' command")
_MOST_TEXT = 200


def classify(error: Exception, place: str, user: str) -> SourceError:
    """Say why a Redis server was not read; `place` and `user` are for the reader."""
    if isinstance(error, exceptions.AuthenticationError):
        return _login(error, place, user)
    if isinstance(error, exceptions.BusyLoadingError):
        return SourceError(Reason.STARTING, f"{place} still loads its data set")
    if isinstance(error, (exceptions.InvalidResponse, ValueError)):
        return SourceError(
            Reason.PROTOCOL, f"{place} does not answer as Redis does; is it the port?"
        )
    return (
        _refused_client(error, place)
        or _refused_command(error, place, user)
        or _unreachable(error, place)
    )


def login_refused(error: Exception, place: str, user: str) -> SourceError:
    """Say why AUTH failed, without the server's text: it may repeat the password."""
    return _refused_client(error, place) or _login(error, place, user)


def hung_up(error: Exception) -> bool:
    """Tell whether the other side took the connection and then ended it."""
    if any(isinstance(cause, ConnectionResetError) for cause in _causes(error)):
        return True
    return "closed by server" in str(error)


def unwelcome(place: str, url: str) -> SourceError:
    """Say what a server that hangs up before its first answer may want: often TLS."""
    fix = "if it takes TLS alone, write rediss:// in the url"
    return SourceError(
        Reason.CONNECT,
        f"{place} hangs up before it has answered anything",
        fix=fix if url.startswith("redis://") else None,
    )


def harmless(error: exceptions.ResponseError) -> bool:
    """Tell whether INFO may well work although CLIENT SETNAME or PING did not."""
    text = str(error).lower()
    return isinstance(
        error, (exceptions.NoPermissionError, exceptions.MasterDownError)
    ) or text.startswith(("busy ", "err unknown", "unknown"))


def _login(error: Exception, place: str, user: str) -> SourceError:
    text = str(error)
    if "without any password" in text or "no password is set" in text:
        why, fix = f"{place} has no password, but one is configured", "leave it out"
    elif getattr(error, "status_code", None) == "NOAUTH":
        why, fix = f"{place} wants a password", "set password_file, and user if needed"
    elif "wrong number of arguments" in text:
        why, fix = f"{place} is older than Redis 6 and has no users", "leave out user"
    else:
        why = f"{place} refuses the password of user {user}"
        fix = "set the right one: password_file, password_env or password_command"
    return SourceError(Reason.AUTH, why, fix=fix)


def _refused_client(error: Exception, place: str) -> SourceError | None:
    text = str(error)
    if "max number of clients" in text:
        return SourceError(
            Reason.LIMIT,
            f"{place} has reached its maxclients and takes no more connections",
            fix="CONFIG SET maxclients NUMBER; CLIENT LIST shows who holds them",
        )
    if text.startswith("DENIED"):
        return SourceError(
            Reason.PERMISSION,
            f"{place} is in protected mode and takes only local connections",
            fix="give it a password (requirepass), then CONFIG SET protected-mode no",
        )
    return None


def _refused_command(error: Exception, place: str, user: str) -> SourceError | None:
    if not isinstance(error, exceptions.ResponseError):
        return None
    text = str(error)
    reason, why, fix = Reason.QUERY, f"{place} answers: {text}", None
    if isinstance(error, exceptions.NoPermissionError):
        command = _COMMAND.search(text)
        what = command[1].upper().replace("|", " ") if command else "do this"
        reason, why = Reason.PERMISSION, f"{place} does not let user {user} {what}"
        sentinel = "sentinel" in text.lower()
        fix = f"ACL SETUSER {user} {_OF_SENTINEL if sentinel else RIGHTS}"
    elif text.startswith("BUSY "):
        reason, why = Reason.LOCK, f"{place} is blocked by a running script"
        fix = "SCRIPT KILL, or FUNCTION KILL"
    elif isinstance(error, exceptions.MasterDownError):
        why = f"{place} has lost its master and serves no stale data"
        fix = "mend the master, or CONFIG SET replica-serve-stale-data yes"
    elif "unknown command" in text.lower():
        reason, why = Reason.UNSUPPORTED, f"{place} has this command renamed or removed"
        fix = "take its rename-command line out of redis.conf"
    return SourceError(reason, mask(why)[:_MOST_TEXT], answered=True, fix=fix)


def _unreachable(error: Exception, place: str) -> SourceError:
    cause = next((e for e in _causes(error) if isinstance(e, OSError)), None)
    if isinstance(cause, ssl.SSLError):
        return _tls(cause, place)
    if isinstance(error, exceptions.TimeoutError):
        return SourceError(Reason.TIMEOUT, f"{place} does not answer")
    if isinstance(cause, socket.gaierror):
        return SourceError(Reason.CONNECT, f"no such host: {place}")
    if cause is not None:
        why = os.strerror(cause.errno) if cause.errno else type(cause).__name__
        return SourceError(Reason.CONNECT, f"{place}: {why}")
    if isinstance(error, exceptions.RedisError):
        return SourceError(Reason.CONNECT, f"{place} closed the connection")
    what = f"{type(error).__name__} while reading {place}"
    return SourceError(Reason.INTERNAL, what, answered=True)


def _tls(error: ssl.SSLError, place: str) -> SourceError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return SourceError(
            Reason.CONNECT,
            f"the certificate of {place} is not trusted: {error.verify_message}",
            fix="add ?ssl_ca_certs=/path/to/ca.pem to the url",
        )
    return SourceError(Reason.CONNECT, f"{place} does not speak TLS: {error.reason}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came from, outermost first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
