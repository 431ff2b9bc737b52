"""What can be set of the sidecar: whom it keeps in step, proves and tells."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    field_validator,
    model_validator,
)

from exporter.config import Config
from exporter.config_values import Place, Strict, Text, Web
from exporter.units import Duration, between, check_http, seconds

_YEARS = 10 * 365 * 86400


def _base(value: str) -> str:
    check_http(value)
    return value.rstrip("/")


def _url(value: str) -> str:
    check_http(value)
    return value


Base = Annotated[str, AfterValidator(_base)]
"""The URL of a server, perhaps with a path; without a slash at its end."""
Url = Annotated[str, AfterValidator(_url)]
"""A URL that is called as it is."""


class Reload(Strict):
    """Whom to send SIGHUP when Prometheus runs without `--web.enable-lifecycle`."""

    pid: Annotated[int, Field(ge=1)] | None = None
    pid_file: Place | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.pid is None) == (self.pid_file is None):
            raise ValueError("give one of pid, pid_file; leave out reload for HTTP")
        return self


class Prometheus(Strict):
    """Which rules it is to have; without `url` they are written and not verified."""

    rules: Place
    url: Base | None = None
    reload: Reload | None = None


class Grafana(Strict):
    """Where dashboards go: a provisioned folder, or its API."""

    folder: Place | None = None
    url: Base | None = None
    token_file: Place | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.folder is None) == (self.url is None):
            raise ValueError("give one of folder, url")
        if self.token_file and not self.url:
            raise ValueError("token_file changes nothing without url")
        return self


class DeadMan(Strict):
    """The second way, for when alerts do not arrive: a URL, or a command."""

    url: Url | None = None
    command: tuple[Text, ...] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.url) == bool(self.command):
            raise ValueError("give one of url, command")
        return self


class Watchdog(Strict):
    """How long the Watchdog may be away, and who is told when it is for longer.

    A Prometheus that evaluates each minute sends it every two, and Alertmanager repeats
    it every 90 s by the routes of deploy/alertmanager: a new one comes within 210 s.
    Below two of Prometheus' resend delays (1m) every loss would be false: 3.5 of them
    are waited then.
    """

    interval: Duration = 300.0
    dead_man: DeadMan | None = None


class Receiver(Strict):
    """Whom incidents are told: any webhook, or one that reads as Slack does."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,50}$")]
    url: Url | None = None
    url_file: Place | None = None
    format: Literal["json", "slack"] = "json"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("give one of url, url_file")
        return self


class Incidents(Strict):
    """Where incidents are kept, for how long, and who is told of them.

    `evidence: false` keeps alerts alone. What begins within `window` is told in one
    message, whose links begin with `external_url`.
    """

    path: Place
    retention: Annotated[float, BeforeValidator(seconds), between(3600, _YEARS)] = (
        30 * 86400.0
    )
    most_megabytes: Annotated[int, Field(ge=1, le=1_000_000)] = 1024
    evidence: bool = True
    window: Duration = 10.0
    external_url: Base | None = None
    receivers: tuple[Receiver, ...] = ()

    @field_validator("receivers")
    @classmethod
    def _names_differ(cls, value: tuple[Receiver, ...]) -> tuple[Receiver, ...]:
        names = [receiver.name for receiver in value]
        if len(set(names)) < len(names):
            raise ValueError("two receivers have the same name")
        return value


class SidecarWeb(Web):
    """Where the sidecar listens."""

    listen: str = "127.0.0.1:10098"


class Sidecar(Strict):
    """The whole section; what is left out is not done.

    Each `interval` everything is looked at again.
    """

    interval: Duration = 15.0
    prometheus: Prometheus | None = None
    grafana: Grafana | None = None
    alertmanagers: tuple[Base, ...] = ()
    watchdog: Watchdog | None = None
    incidents: Incidents | None = None
    exporter: Base = "http://127.0.0.1:10099"
    web: SidecarWeb = SidecarWeb()


class WithSidecar(Config):
    """The whole configuration with its sidecar, whose models take 1 MiB."""

    sidecar: Sidecar | None = None


_PATHS = (
    ("prometheus", "rules"),
    ("prometheus", "reload", "pid_file"),
    ("grafana", "folder"),
    ("grafana", "token_file"),
    ("incidents", "path"),
    ("incidents", "receivers", "*", "url_file"),
    ("web", "config_file"),
)


def places(section: Any) -> list[tuple[dict[str, Any], str]]:
    """Return where the paths of a section stand, as it was read and not yet checked."""
    return [
        (holder, path[-1])
        for path in _PATHS
        for holder in _holders(section, path[:-1])
        if isinstance(holder, dict)
    ]


def _holders(value: Any, path: tuple[str, ...]) -> list[Any]:
    if not path:
        return [value]
    if path[0] == "*":
        items = value if isinstance(value, list) else []
        return [found for item in items for found in _holders(item, path[1:])]
    return _holders(value.get(path[0]), path[1:]) if isinstance(value, dict) else []
