"""Values with units as people write them: durations and addresses."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_LAST_PORT = 65535
_LINK = re.compile(r"[^\s\x00-\x20\x7f{}\"'<>#?`\\]+")
_ADDRESS = re.compile(
    r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<v4>[0-9.]+)|(?P<name>localhost)?)"
    r":(?P<port>[0-9]{1,5})"
)

_HOST = re.compile(
    r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?=[^:]{1,253}(?::|$))"
    r"[A-Za-z0-9_](?:[-A-Za-z0-9_.]*[A-Za-z0-9_.])?)(?::(?P<port>[0-9]{1,5}))?"
)


def seconds(value: object) -> float:
    """Read a duration such as `15s`, `500ms` or `1m30s`; raises ValueError."""
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise ValueError(f"{value!r} is not a duration; write 15s, 500ms or 1m30s")
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(value))


def between(least: float, most: float) -> AfterValidator:
    """Make a validator of durations: so many seconds at least, and at most."""

    def check(value: float) -> float:
        if not least <= value <= most:
            raise ValueError(f"from {least:.9g}s to {most:.9g}s is wanted")
        return value

    return AfterValidator(check)


Duration = Annotated[float, BeforeValidator(seconds), between(0.1, 86400)]


def address(value: str) -> tuple[str, int]:
    """Split `host:port`, `[::1]:port` or `:port` (all addresses); raises ValueError."""
    found = _ADDRESS.fullmatch(value)
    if not found or int(found["port"]) > _LAST_PORT:
        raise ValueError(f"{value!r} is not an address; write it as 127.0.0.1:10099")
    if found["v6"]:
        IPv6Address(found["v6"])
    elif found["v4"]:
        IPv4Address(found["v4"])
    host = found["v6"] or found["v4"] or found["name"]
    return host or "0.0.0.0", int(found["port"])  # noqa: S104 - asked for by `:port`


def is_host(text: str) -> bool:
    """Tell whether a text is host or host:port as an HTTP client names whom it asks."""
    found = _HOST.fullmatch(text)
    if not found or (found["port"] and not 0 < int(found["port"]) <= _LAST_PORT):
        return False
    try:
        _ = IPv6Address(found["v6"]) if found["v6"] else None
    except ValueError:
        return False
    return True


def check_plain(url: str) -> None:
    """Refuse a URL with blanks or control characters, some of which parsers drop."""
    if not url.isprintable() or " " in url:
        raise ValueError("holds a blank or a control character")


def check_port(url: str) -> None:
    """Refuse a URL whose port is no port; raises ValueError."""
    try:
        _ = urlsplit(url).port
    except ValueError as error:
        raise ValueError("the port must be a number from 1 to 65535") from error


def check_http(url: str) -> None:
    """Refuse what is no http or https URL with a host; raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("a URL is https://host or http://host:10099/path")
    check_port(url)


def check_base(url: str) -> None:
    """Refuse what cannot be the beginning of links that people see; raises ValueError.

    It stands in annotations, which are Go templates.
    """
    check_http(url)
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ValueError("no user or password: the link is in every notification")
    if not _LINK.fullmatch(url):
        raise ValueError("a path is added: no ? or #, no braces, quotes or spaces")


def check_bolt(value: str) -> None:
    """Raise ValueError unless a text is the URI of a Neo4j server, without a login."""
    check_plain(value)
    parts = urlsplit(value)
    schemes = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
    if parts.scheme not in schemes or not parts.hostname:
        message = "a uri is scheme://host:7687; schemes: " + ", ".join(schemes)
        raise ValueError(message)
    if "@" in parts.netloc:
        raise ValueError("no user or password in the uri; use user and password_file")
    check_port(value)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("nothing follows the port; databases are a key of their own")
