"""The configuration: every key, every default, and what is refused."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from exporter import collectors
from exporter.catalogue import indexes
from exporter.collector import SourceKind

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}")


def seconds(value: object) -> object:
    """Read a duration such as `15s`, `500ms` or `1m30s` as seconds."""
    if isinstance(value, bool) or not isinstance(value, str):
        message = "a duration with a unit is wanted, such as 15s, 500ms or 1m30s"
        raise ValueError(message)
    if not _DURATION.fullmatch(value):
        message = f"{value!r} is not a duration; write it as 15s, 500ms or 1m30s"
        raise ValueError(message)
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))


Duration = Annotated[float, BeforeValidator(seconds), Field(ge=0.1, le=86400)]


class Strict(BaseModel):
    """Unknown keys are errors, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Filter(Strict):
    """Names to keep and names to leave out; an empty `include` keeps all."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class CollectorSettings(Strict):
    """What can be set per collector of a target."""

    enabled: bool = True
    interval: Duration | None = None


class Target(Strict):
    """One configured system: what all kinds of target have in common."""

    kind: ClassVar[SourceKind]
    _name: str = PrivateAttr("")

    interval: Duration = 15.0
    timeout: Duration | None = None
    series_limit: Annotated[int, Field(ge=1, le=1_000_000)] = 5000
    collectors: dict[str, CollectorSettings] = {}

    @property
    def name(self) -> str:
        """The target's name, which is its key in the configuration."""
        return self._name

    @property
    def deadline(self) -> float:
        """Seconds one collector may take: `timeout`, else a third of the interval."""
        return self.timeout or min(5.0, self.interval / 3)

    @field_validator("collectors")
    @classmethod
    def _known_collectors(
        cls, value: dict[str, CollectorSettings]
    ) -> dict[str, CollectorSettings]:
        known = collectors.names(cls.kind)
        for name in value:
            if name not in known:
                message = f"no collector {name!r}; there are {', '.join(known)}"
                raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _timeout_fits(self) -> Target:
        if self.timeout is not None and self.timeout > self.interval:
            message = "timeout must not be longer than interval"
            raise ValueError(message)
        return self


class WithSecret(Target):
    """A target that logs in; the secret is read again at each connect."""

    password_file: Path | None = None
    password_env: str | None = None
    password_command: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _one_secret(self) -> WithSecret:
        given = (self.password_file, self.password_env, self.password_command)
        if sum(value is not None for value in given) > 1:
            message = "give one of password_file, password_env, password_command"
            raise ValueError(message)
        return self


class Statements(Strict):
    """How many statements get series of their own, and whether their text is shown."""

    top: Annotated[int, Field(ge=0, le=1000)] = 100
    text: bool = True


class PostgresTarget(WithSecret):
    """A PostgreSQL server, reached through one database."""

    kind: ClassVar[SourceKind] = SourceKind.POSTGRES

    dsn: str
    databases: Filter = Filter()
    schemas: Filter = Filter()
    users: Filter = Filter()
    statements: Statements = Statements()

    @field_validator("dsn")
    @classmethod
    def _is_dsn(cls, value: str) -> str:
        if value.startswith(("postgresql://", "postgres://")):
            _check_port(value)
        elif "=" not in value:
            message = "a dsn is postgresql://user@host:5432/database or key=value pairs"
            raise ValueError(message)
        return value


class GraphQuery(Strict):
    """A read query of the application whose plan is watched."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,60}$")]
    cypher: Annotated[str, Field(min_length=1)]
    parameters: dict[str, object] = {}
    profile: bool = False
    must_seek: bool = False


class Neo4jTarget(WithSecret):
    """One Neo4j server, reached over Bolt."""

    kind: ClassVar[SourceKind] = SourceKind.NEO4J

    uri: str
    user: str | None = None
    databases: tuple[str, ...] = ("neo4j",)
    indexes: str | None = None
    queries: tuple[GraphQuery, ...] = ()

    @field_validator("uri")
    @classmethod
    def _is_bolt(cls, value: str) -> str:
        schemes = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
        if urlsplit(value).scheme not in schemes or not urlsplit(value).hostname:
            message = f"a uri is bolt://host:7687; its scheme is one of {', '.join(schemes)}"
            raise ValueError(message)
        if "@" in urlsplit(value).netloc:
            message = "no user or password in the uri; use user and password_file"
            raise ValueError(message)
        _check_port(value)
        return value

    @field_validator("indexes")
    @classmethod
    def _known_set(cls, value: str | None) -> str | None:
        known = indexes.names(SourceKind.NEO4J)
        if value is not None and value not in known:
            message = f"no index set {value!r}; there are {', '.join(known)}"
            raise ValueError(message)
        return value

    @field_validator("queries")
    @classmethod
    def _one_of_each(cls, value: tuple[GraphQuery, ...]) -> tuple[GraphQuery, ...]:
        names = [query.name for query in value]
        for name in names:
            if names.count(name) > 1:
                message = f"two queries are named {name!r}"
                raise ValueError(message)
        return value


class RedisTarget(WithSecret):
    """One Redis or Valkey server."""

    kind: ClassVar[SourceKind] = SourceKind.REDIS

    url: str
    user: str | None = None

    @field_validator("url")
    @classmethod
    def _is_redis(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("redis", "rediss", "unix"):
            message = "a url is redis://host:6379/0, rediss://… or unix:///path"
            raise ValueError(message)
        _check_port(value)
        return value


class HostTarget(Target):
    """The machine that the exporter runs on; `root` is where its file systems are seen."""

    kind: ClassVar[SourceKind] = SourceKind.HOST

    process_groups: tuple[str, ...] = ("python",)


class Web(Strict):
    """Where to listen; `config_file` is in the exporter-toolkit's format."""

    listen: str = "127.0.0.1:10099"
    config_file: Path | None = None

    @field_validator("listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        address(value)
        return value


class Links(Strict):
    """Where readers find us, from their side."""

    external_url: str | None = None


class Config(Strict):
    """The whole configuration, checked."""

    interval: Duration = 15.0
    postgres: dict[str, PostgresTarget] = {}
    neo4j: dict[str, Neo4jTarget] = {}
    redis: dict[str, RedisTarget] = {}
    host: dict[str, HostTarget] = {}
    web: Web = Web()
    links: Links = Links()
    log: Literal["text", "json"] = "text"

    @property
    def targets(self) -> tuple[Target, ...]:
        """All targets, by kind and then in the order of the file."""
        kinds = (self.postgres, self.neo4j, self.redis, self.host)
        return tuple(target for kind in kinds for target in kind.values())


def address(value: str) -> tuple[str, int]:
    """Split `host:port`, `[::1]:port` or `:port` (all addresses); raises ValueError."""
    host, colon, port = value.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        message = f"{value!r} is not an address; write it as 127.0.0.1:10099"
        raise ValueError(message)
    host = host.strip("[]")
    if host and host != "localhost":
        ip_address(host)
    return host or "0.0.0.0", int(port)  # noqa: S104 - asked for by writing `:port`


def _check_port(url: str) -> None:
    try:
        _ = urlsplit(url).port
    except ValueError as error:
        message = "the port must be a number from 1 to 65535"
        raise ValueError(message) from error
