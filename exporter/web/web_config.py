"""Reads `--web.config.file`, in the format of the Prometheus exporter-toolkit."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError

from exporter import yaml_file
from exporter.config_values import Strict
from exporter.errors import ConfigError
from exporter.explain import explain
from exporter.file_print import print_of
from exporter.units import seconds
from exporter.web import tls

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.file_print import FilePrint
    from exporter.yaml_file import Document, Location

_HEADERS: dict[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
_HASH = re.compile(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")
_PRINTABLE = re.compile(r"[\t\x20-\x7e]*")

_log = logging.getLogger(__name__)

Problem = tuple["Location", str]


class HttpServer(Strict):
    """The keys of `http_server_config`; `X-XSS-Protection: 0` is a text, too."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    http2: bool = False
    headers: dict[str, str] = Field(default={})


def _interval(value: object) -> object:
    return 0.0 if value in (0, "0") else seconds(value)


class RateLimit(Strict):
    """A request each `interval` seconds (0: no limit), and `burst` of them at once."""

    interval: Annotated[float, BeforeValidator(_interval)] = 0.0
    burst: Annotated[int, Field(ge=0)] = 0


class Settings(Strict):
    """A whole web configuration."""

    tls_server_config: tls.TlsServer = tls.TlsServer()
    http_server_config: HttpServer = HttpServer()
    basic_auth_users: dict[str, str] = Field(default={}, repr=False)
    rate_limit: RateLimit = RateLimit()

    @property
    def wants_tls(self) -> bool:
        """Whether anything is said about TLS: then certificate and key are needed."""
        return bool(self.tls_server_config.model_fields_set)


class Loaded(NamedTuple):
    """Settings, and the TLS context made from them (None: plain HTTP)."""

    settings: Settings
    context: ssl.SSLContext | None


class WebConfig:
    """A web configuration file that is followed while the process runs.

    Users, headers, limits, certificates, keys and client CAs may all change.
    """

    def __init__(self, path: Path) -> None:
        """Read the file; raises ConfigError with every problem in it."""
        self._path = path
        self._seen: dict[Path, FilePrint] = {}
        self._loaded = self._read()

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._loaded.settings

    @property
    def context(self) -> ssl.SSLContext | None:
        """The TLS context in force; another object after each change."""
        return self._loaded.context

    def refresh(self) -> bool:
        """Read again if a file changed; a broken one is logged and changes nothing.

        Returns whether something new is in force. A half-written pair of certificate
        and key is such a broken file until its second half is there.
        """
        if all(print_of(path) == seen for path, seen in self._seen.items()):
            return False
        try:
            self._loaded = self._read()
        except ConfigError as error:
            _log.error(
                "the changed web configuration is not used",
                extra={"fields": {"problems": "; ".join(error.problems)}},
            )
            return False
        _log.info(
            "web configuration read again", extra={"fields": {"file": str(self._path)}}
        )
        return True

    def _read(self) -> Loaded:
        self._seen = {self._path: print_of(self._path)}
        document = yaml_file.load(self._path)
        settings = check(document)
        section = settings.tls_server_config
        folder = self._path.parent
        for name in section.files:
            self._seen[folder / name] = print_of(folder / name)
        if not settings.wants_tls:
            return Loaded(settings, None)
        try:
            return Loaded(settings, tls.context(section, folder))
        except tls.UnusableError as error:
            place = ("tls_server_config", error.key)
            raise ConfigError([document.problem(place, str(error))]) from error


def check(document: Document) -> Settings:
    """Check a document; raises ConfigError with every problem, file, line and key."""
    problems = list(document.problems)
    data = _without_blanks(document.data)
    if not isinstance(data, dict):
        raise ConfigError([document.problem((), "keys and values are wanted")])
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        problems += [explain(document, Settings, each) for each in error.errors()]
    else:
        problems += [document.problem(*found) for found in _unusable(settings)]
    if problems:
        start = len(f"{document.path}:")
        problems.sort(key=lambda problem: int(problem[start:].partition(":")[0]))
        raise ConfigError(problems)
    return settings


def _unusable(settings: Settings) -> Iterator[Problem]:
    if settings.wants_tls:
        for key, message in tls.problems(settings.tls_server_config):
            yield ("tls_server_config", *([key] if key else ())), message
    yield from _http_problems(settings.http_server_config)
    for user, hashed in settings.basic_auth_users.items():
        place = ("basic_auth_users", user)
        if ":" in user:
            yield place, "a user's name cannot hold a colon"
        if not _HASH.fullmatch(hashed):
            yield place, "is no bcrypt hash; make one with: htpasswd -nBC 10 USER"
    if settings.rate_limit.interval and not settings.rate_limit.burst:
        message = "at least 1 is needed, or nothing would be answered"
        yield ("rate_limit", "burst"), message


def _http_problems(http: HttpServer) -> Iterator[Problem]:
    if http.http2:
        message = "aiohttp has no HTTP/2; leave the key out or say false"
        yield ("http_server_config", "http2"), message
    for name, value in http.headers.items():
        if problem := _header_problem(name, value):
            yield ("http_server_config", "headers", name), problem


def _header_problem(name: str, value: str) -> str | None:
    if name not in _HEADERS:
        return f"cannot be set; there are {', '.join(_HEADERS)}"
    allowed = _HEADERS[name]
    if value and allowed and value not in allowed:
        return f"{value!r} is not allowed; write {' or '.join(allowed)}"
    if not _PRINTABLE.fullmatch(value):
        return "must be one line of ASCII text"
    return None


def _without_blanks(value: Any) -> Any:
    """Leave out keys without a value, which count as not written."""
    if not isinstance(value, dict):
        return value
    kept = {key: _without_blanks(item) for key, item in value.items()}
    return {key: item for key, item in kept.items() if item is not None}
