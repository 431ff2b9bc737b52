"""Takes a Redis URL apart as redis-py does, and says what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from redis.asyncio.connection import Connection, SSLConnection, parse_url

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

_ANY = ("host", "port", "path")
_OF_THE_LOGIN = ("db", "username", "password")


def moved(url: str, address: str) -> str:
    """Return the url of another server that is reached with the same login and TLS.

    A node that does not know its own host yet calls itself `:6379`: it is the seed's.
    """
    parts = urlsplit(url)
    host, _, port = address.rpartition(":")
    host = host or parts.hostname or "localhost"
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    login = parts.netloc.rpartition("@")[0]
    scheme = "rediss" if parts.scheme == "rediss" else "redis"
    netloc = f"{login}@{place}" if login else place
    return urlunsplit((scheme, netloc, "", parts.query, ""))


def parse(url: str) -> tuple[type[AbstractConnection], dict[str, Any]]:
    """Return the driver's class and its arguments without those of the login.

    Raises ValueError without a part of the url in it.
    """
    try:
        options: dict[str, Any] = dict(parse_url(url))
    except ValueError as error:
        raise ValueError("the url has a bad option") from error
    _check_database(url, options)
    kind = options.pop("connection_class", Connection)
    for name in _OF_THE_LOGIN:
        options.pop(name, None)
    for name in options:
        if name in _ANY:
            continue
        if not (name.startswith("ssl_") and issubclass(kind, SSLConnection)):
            raise ValueError(
                "the url has an unknown option; there are ssl_ca_certs, "
                "ssl_certfile, ssl_keyfile and ssl_cert_reqs, all of rediss://"
            )
    return kind, options


def _check_database(url: str, options: dict[str, Any]) -> None:
    """Refuse a number of a database that is none; the driver would take it for 0."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        if not parts.path.strip("/"):
            raise ValueError("the url has no path of a socket")
        named = ""
    else:
        named = parts.path.removeprefix("/")
    number = options.get("db", 0)
    if number < 0 or (named and not (named.isascii() and named.isdigit())):
        raise ValueError("the database is a number from 0 on, as in redis://host/0")
