"""The configuration: every key, every default, and which values are refused."""

from __future__ import annotations

import re
from math import inf
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import (
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
)

from exporter.catalogue.profiles import Profile
from exporter.collector import SourceKind
from exporter.config_host import HostSettings
from exporter.config_indexes import TableIndexes
from exporter.config_neo4j import Neo4jSettings
from exporter.config_postgres import PostgresSettings, Sampling
from exporter.config_redis import KeySampling
from exporter.config_tables import Tables
from exporter.config_values import Names, Place, Strict, Text, Web, Whole
from exporter.sources.address import check
from exporter.units import Duration, check_base, check_plain, check_port

_SELECTOR = re.compile(r'\s*\w+\s*(=|!=|=~|!~)\s*".*"\s*')


class Filter(Strict):
    """Names to keep and names to leave out; an empty `include` keeps all."""

    include: Names = ()
    exclude: Names = ()

    @field_validator("exclude")
    @classmethod
    def _not_both(cls, value: Names, known: ValidationInfo) -> Names:
        for name in value:
            if name in known.data.get("include", ()):
                raise ValueError(f"{name!r} is included as well")
        return value


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
    series_limit: Annotated[Whole, Field(ge=1, le=1_000_000)] = 5000
    collectors: dict[str, CollectorSettings] = Field(default={})

    @property
    def name(self) -> str:
        """The target's name, which is its key in the configuration."""
        return self._name

    def name_it(self, name: str) -> None:
        """Tell the target its name, once, while loading."""
        self._name = name

    @property
    def deadline(self) -> float:
        """Seconds one collector may take: `timeout`, else a third of the interval."""
        return self.timeout or min(5.0, self.interval / 3)

    @field_validator("timeout")
    @classmethod
    def _timeout_fits(cls, value: float | None, known: ValidationInfo) -> float | None:
        if value is not None and value > known.data.get("interval", value):
            raise ValueError("must not be longer than interval")
        return value


class WithSecret(Target):
    """A target that logs in; the secret is read again at each connect."""

    password_file: Place | None = None
    password_env: Annotated[Text, Field(pattern="^[^=]*$")] | None = None
    password_command: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None

    @field_validator("password_env", "password_command")
    @classmethod
    def _one_secret(cls, value: object, known: ValidationInfo) -> object:
        before = (known.data.get("password_file"), known.data.get("password_env"))
        if value is not None and any(other is not None for other in before):
            raise ValueError(
                "give one of password_file, password_env, password_command"
            )
        return value


class PostgresTarget(TableIndexes, PostgresSettings, WithSecret):
    """A PostgreSQL server, reached through one database.

    `connections` is the most that we hold at once, one for each database we read in and
    one for `sampling`.
    """

    kind: ClassVar[SourceKind] = SourceKind.POSTGRES

    dsn: Text
    databases: Filter = Filter()
    schemas: Filter = Filter()
    users: Filter = Filter()
    tables: Tables = Tables()

    @field_validator("dsn")
    @classmethod
    def _is_dsn(cls, value: str) -> str:
        is_url = value.startswith(("postgresql://", "postgres://"))
        if not is_url and "=" not in value:
            raise ValueError(
                "a dsn is postgresql://user@host:5432/database or key=value pairs"
            )
        check(cls.kind, value)
        return value

    @field_validator("sampling")
    @classmethod
    def _looks_between_polls(cls, value: Sampling, known: ValidationInfo) -> Sampling:
        if value.enabled and value.interval > known.data.get("interval", inf):
            raise ValueError("its interval must not be longer than that of the target")
        return value


class Neo4jTarget(Neo4jSettings, WithSecret):
    """One Neo4j server, reached over Bolt."""

    kind: ClassVar[SourceKind] = SourceKind.NEO4J


class RedisTarget(WithSecret):
    """One Redis or Valkey server, perhaps the seed of a cluster, or a Sentinel."""

    kind: ClassVar[SourceKind] = SourceKind.REDIS

    url: Text
    user: Text | None = None
    members: Annotated[Whole, Field(ge=0, le=1000)] = 32
    keys: KeySampling = KeySampling()

    @field_validator("url")
    @classmethod
    def _is_redis(cls, value: str) -> str:
        check_plain(value)
        if urlsplit(value).scheme not in ("redis", "rediss", "unix"):
            raise ValueError("a url is redis://host:6379/0, rediss://… or unix:///path")
        check_port(value)
        check(cls.kind, value)
        return value


class HostTarget(HostSettings, Target):
    """The machine that the exporter runs on, or that whose files it is shown."""

    kind: ClassVar[SourceKind] = SourceKind.HOST


class Links(Strict):
    """Where readers find things, from their side: bases of URLs."""

    external_url: str | None = None
    runbooks: str | None = None
    dashboards: str | None = None

    @field_validator("external_url", "runbooks", "dashboards")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None:
            check_base(value)
        return value


class Application(Strict):
    """An application: whose series are its own, and which targets stand behind it."""

    selector: str
    targets: Names = ()
    naming: Literal["prometheus", "opentelemetry"] = "prometheus"
    names: dict[str, str] = Field(default={})

    @field_validator("selector")
    @classmethod
    def _is_selector(cls, value: str) -> str:
        if not _SELECTOR.fullmatch(value):
            raise ValueError(
                "a selector is what PromQL has in its braces, such as "
                'job="shop", env=~"prod|canary"'
            )
        return value


class Limits(Strict):
    """Limits with units, by severity; what they may be depends on the KPI."""

    info: object = None
    warning: object = None
    critical: object = None


class KpiLimits(Limits):
    """A KPI's limits in place of the profile's, and those of single targets."""

    targets: dict[str, Limits] = Field(default={})


class ExporterWeb(Web):
    """Where the exporter listens, and whether it has pages of evidence."""

    evidence: bool = True


class Config(Strict):
    """The whole configuration, checked.

    `sidecar` is checked by config_sidecar.py, which is loaded where there is one.
    """

    profile: Profile = Profile.MCP_SECURITY_PLATFORM
    interval: Duration = 15.0
    postgres: dict[str, PostgresTarget] = Field(default={})
    neo4j: dict[str, Neo4jTarget] = Field(default={})
    redis: dict[str, RedisTarget] = Field(default={})
    host: dict[str, HostTarget] = Field(default={})
    web: ExporterWeb = ExporterWeb()
    links: Links = Links()
    applications: dict[str, Application] = Field(default={})
    kpis: dict[str, KpiLimits] = Field(default={})
    sidecar: Any = None
    log: Literal["text", "json"] = "text"

    @property
    def targets(self) -> tuple[Target, ...]:
        """All targets, by kind and then in the order of the file."""
        kinds = (self.postgres, self.neo4j, self.redis, self.host)
        return tuple(target for kind in kinds for target in kind.values())
