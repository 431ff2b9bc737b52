"""What can be set of a PostgreSQL server beside how it is reached and filtered."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
)

from exporter.config_values import Place, Strict, Text, Whole
from exporter.units import Duration, between

_SLUG = r"[a-z][a-z0-9]*(_[a-z0-9]+)*"
_TAKEN = {
    *("job", "instance", "target", "le", "quantile", "type"),
    *("region", "zone", "cluster", "env", "service", "team", "owner"),
}
_UNITS = {
    *("ms", "us", "ns", "msec", "usec", "millis", "milliseconds", "minutes", "hours"),
    *("kb", "mb", "gb", "kib", "mib", "percent", "pct"),
}


class Statements(Strict):
    """How many statements get series of their own, and whether their text is shown."""

    top: Annotated[Whole, Field(ge=0, le=1000)] = 100
    text: bool = True


class Sampling(Strict):
    """Whether running statements are looked at between polls, and how often."""

    enabled: bool = True
    interval: Annotated[Duration, between(0.2, 60)] = 1.0


class Plans(Strict):
    """Whether statements are planned, and how many: planning runs IMMUTABLE code."""

    enabled: bool = False
    top: Annotated[Whole, Field(ge=1, le=100)] = 20


class OwnMetric(Strict):
    """What a column of an own query becomes."""

    help: Annotated[str, Field(min_length=1, max_length=500)]
    type: Literal["gauge", "counter"] = "gauge"


def _is_metric(column: str) -> str:
    if not re.fullmatch(_SLUG, column):
        raise ValueError(f"the column {column!r} is no name of a-z 0-9 _")
    if column.endswith(("_sum", "_count", "_bucket")):
        raise ValueError(f"{column!r}: its end is that of a histogram's series")
    if wrong := _UNITS & {*column.split("_")}:
        said = f"{column!r}: {min(wrong)} is no base unit; use seconds, bytes, ratio"
        raise ValueError(said)
    return column


Column = Annotated[str, AfterValidator(_is_metric)]


class OwnQuery(Strict):
    """A query of the user's own: its columns are labels and metrics.

    The metrics are named `pg_own_NAME_COLUMN`, which must keep Prometheus' rules.
    """

    name: Annotated[str, Field(pattern=f"^{_SLUG}$", max_length=60)]
    sql: Annotated[Text, Field(max_length=10_000)]
    metrics: Annotated[dict[Column, OwnMetric], Field(min_length=1, max_length=50)]
    labels: Annotated[tuple[str, ...], Field(max_length=10)] = ()
    interval: Duration = 60.0

    @field_validator("sql")
    @classmethod
    def _is_one_query(cls, value: str) -> str:
        text = value.strip().removesuffix(";").strip()
        if ";" in text or not re.match(r"(?i)(select|with|table|values)\b", text):
            raise ValueError(
                "give one query that begins with SELECT or WITH, without ;"
            )
        return text

    @field_validator("metrics")
    @classmethod
    def _counters_say_so(cls, value: dict[str, OwnMetric]) -> dict[str, OwnMetric]:
        wrong = [
            repr(column)
            for column, metric in value.items()
            if (metric.type == "counter") != column.endswith("_total")
        ]
        if wrong:
            names = ", ".join(wrong)
            raise ValueError(f"{names}: a counter, and only one, ends in _total")
        return value

    @field_validator("labels")
    @classmethod
    def _may_be_labels(
        cls, value: tuple[str, ...], known: ValidationInfo
    ) -> tuple[str, ...]:
        for label in value:
            if label in known.data.get("metrics", ()):
                raise ValueError(f"{label!r} is a label and a metric")
            if not re.fullmatch(_SLUG, label) or label in _TAKEN:
                raise ValueError(
                    f"{label!r} cannot be a label; use a-z 0-9 _, but none of "
                    + ", ".join(sorted(_TAKEN))
                )
            if value.count(label) > 1:
                raise ValueError(f"the label {label!r} is given twice")
        return value


class PostgresSettings(Strict):
    """What a PostgreSQL target has of its own; for `PostgresTarget` alone."""

    connections: Annotated[Whole, Field(ge=1, le=100)] = 10
    statements: Statements = Statements()
    sampling: Sampling = Sampling()
    log: Place | None = None
    plans: Plans = Plans()
    queries: Annotated[tuple[OwnQuery, ...], Field(max_length=100)] = ()
    _promised: tuple[float, ...] = PrivateAttr(())

    @field_validator("queries")
    @classmethod
    def _one_of_each(cls, value: tuple[OwnQuery, ...]) -> tuple[OwnQuery, ...]:
        """Refuse two queries that would make series of one name."""
        names = [f"{q.name}_{column}" for q in value for column in q.metrics]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two queries make the metric pg_own_{name}")
        return value

    @property
    def sampled(self) -> bool:
        """Whether running statements are looked at between polls."""
        return self.sampling.enabled and self.connections > 1

    @property
    def promised(self) -> tuple[float, ...]:
        """The configuration's own limits for the latency of statements, in seconds."""
        return self._promised

    def promise(self, limits: tuple[float, ...]) -> None:
        """Tell the target its promised limits, once, while loading."""
        self._promised = limits
