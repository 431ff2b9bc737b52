"""What Redis and the network say, as reasons and words; never a secret."""

from __future__ import annotations

import socket
import ssl

import pytest
from redis import exceptions
from redis._parsers.base import BaseParser

from exporter.errors import Reason, SourceError
from exporter.sources.redis_errors import RIGHTS, classify, harmless, login_refused
from tests.source import ROOT

SECRET = "hush-4711"


def parsed(text: str) -> Exception:
    """Return an error as redis-py makes it of the text on the wire."""
    error = BaseParser.parse_error(text)  # type: ignore[no-untyped-call]  # driver
    assert isinstance(error, Exception)
    return error


def tls_error() -> ssl.SSLError:
    """Return what OpenSSL says of a server that answers in plain text."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(b"-ERR plain text\r\n")
    session = ssl.create_default_context().wrap_bio(
        incoming, outgoing, server_hostname="cache"
    )
    with pytest.raises(ssl.SSLError) as caught:
        session.do_handshake()
    return caught.value


def untrusted() -> ssl.SSLCertVerificationError:
    """Return an error of the kind that an unknown authority makes."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed"
    return error


def said(text: str) -> SourceError:
    """Classify an error as Redis writes it on the wire."""
    return classify(parsed(text), "cache:6379", "ana")


def network(cause: OSError) -> SourceError:
    """Classify an error of the network as redis-py wraps it."""
    try:
        try:
            raise cause
        except OSError:
            raise exceptions.ConnectionError("Error connecting")  # noqa: B904 - as there
    except exceptions.ConnectionError as error:
        return classify(error, "cache:6379", "ana")


@pytest.mark.parametrize(
    ("text", "reason", "answered"),
    [
        ("NOAUTH Authentication required.", Reason.AUTH, False),
        ("WRONGPASS invalid username-password pair", Reason.AUTH, False),
        ("ERR invalid password", Reason.AUTH, False),
        ("LOADING Redis is loading the dataset in memory", Reason.STARTING, False),
        ("ERR max number of clients reached", Reason.LIMIT, False),
        (
            "ERR max number of clients + cluster connections reached",
            Reason.LIMIT,
            False,
        ),
        ("DENIED Redis is running in protected mode", Reason.PERMISSION, False),
        (
            "NOPERM User ana has no permissions to run the 'info' command",
            Reason.PERMISSION,
            True,
        ),
        ("BUSY Redis is busy running a script.", Reason.LOCK, True),
        ("MASTERDOWN Link with MASTER is down", Reason.QUERY, True),
        ("CLUSTERDOWN The cluster is down", Reason.QUERY, True),
        ("ERR unknown command 'INFO', with args", Reason.UNSUPPORTED, True),
        ("ERR syntax error", Reason.QUERY, True),
    ],
)
def test_what_the_server_says_has_its_reason(
    text: str, reason: Reason, *, answered: bool
) -> None:
    found = said(text)
    assert (found.reason, found.answered) == (reason, answered)


def test_a_missing_right_is_mended_by_one_line() -> None:
    assert said("NOPERM no").fix == f"ACL SETUSER ana {RIGHTS}"


def test_the_rights_are_those_of_the_deployed_user() -> None:
    line = (ROOT / "deploy/redis.acl").read_text().splitlines()[-1]
    assert line.endswith(f" -@all {RIGHTS}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("WRONGPASS invalid", "cache:6379 refuses the password of user ana"),
        ("NOAUTH Authentication required.", "cache:6379 wants a password"),
        (
            "ERR AUTH <password> called without any password configured for …",
            "cache:6379 has no password, but one is configured",
        ),
        (
            "ERR Client sent AUTH, but no password is set",
            "cache:6379 has no password, but one is configured",
        ),
        (
            "ERR wrong number of arguments for 'auth' command",
            "cache:6379 is older than Redis 6 and has no users",
        ),
        (
            f"ERR unknown command 'AUTH', with args beginning with: '{SECRET}'",
            "cache:6379 refuses the password of user ana",
        ),
    ],
)
def test_a_refused_login_says_why_without_the_servers_text(
    text: str, words: str
) -> None:
    found = login_refused(parsed(text), "cache:6379", "ana")
    assert (found.reason, str(found)) == (Reason.AUTH, words)
    assert SECRET not in f"{found} {found.fix}"


def test_too_many_clients_is_seen_before_the_login_is_judged() -> None:
    error = parsed("ERR max number of clients reached")
    assert login_refused(error, "cache:6379", "ana").reason is Reason.LIMIT


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (ConnectionRefusedError(111, "Connect call failed"), "Connection refused"),
        (ConnectionResetError(104, "reset"), "Connection reset by peer"),
        (FileNotFoundError(2, "nothing"), "No such file or directory"),
        (socket.gaierror(-2, "Name or service not known"), "no such host: cache:6379"),
        (tls_error(), "cache:6379 does not speak TLS: WRONG_VERSION_NUMBER"),
        (untrusted(), "the certificate of cache:6379 is not trusted: self-signed"),
    ],
)
def test_the_network_is_named_in_plain_words(cause: OSError, words: str) -> None:
    found = network(cause)
    assert (found.reason, found.answered) == (Reason.CONNECT, False)
    assert words in str(found)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (exceptions.ConnectionError("Connection closed by server."), Reason.CONNECT),
        (exceptions.TimeoutError("Timeout connecting to server"), Reason.TIMEOUT),
        (exceptions.InvalidResponse(f"Protocol Error: {SECRET}"), Reason.PROTOCOL),
        (ValueError(f"Separator is not found: {SECRET}"), Reason.PROTOCOL),
        (KeyError(SECRET), Reason.INTERNAL),
    ],
)
def test_what_is_no_answer_of_redis_is_not_repeated(
    error: Exception, reason: Reason
) -> None:
    found = classify(error, "cache:6379", "ana")
    assert found.reason is reason
    assert SECRET not in str(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NOPERM User ana has no permissions", True),
        ("MASTERDOWN Link with MASTER is down", True),
        ("BUSY Redis is busy", True),
        ("ERR unknown command 'PING'", True),
        ("ERR Unknown subcommand or wrong number of arguments", True),
        ("ERR max number of clients + cluster connections reached", False),
        ("DENIED Redis is running in protected mode", False),
    ],
)
def test_only_some_refusals_of_a_greeting_leave_info_to_be_tried(
    text: str, *, expected: bool
) -> None:
    error = parsed(text)
    assert isinstance(error, exceptions.ResponseError)
    assert harmless(error) is expected
