"""The shape of the catalogue: what a KPI says about itself, checked strictly."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from exporter.catalogue.limits import Unit, check_limit, parse_limit
from exporter.catalogue.profiles import Profile  # noqa: TC001 - pydantic reads it
from exporter.catalogue.texts import (  # noqa: TC001 - pydantic reads it at run time
    BurnPromql,
    Expected,
    Formula,
    Promql,
    SeriesName,
    Text,
)
from exporter.units import Duration  # noqa: TC001 - pydantic reads it at run time

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Strict(BaseModel):
    """Unknown keys are errors, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Severity(StrEnum):
    """Who acts: `critical` wakes somebody, `warning` is a ticket, `info` is shown."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class _Refused(str):
    """Stands where a limit was written that cannot be read, and says why."""

    __slots__ = ()


def _readable(limit: object) -> object:
    if isinstance(limit, _Refused):
        raise ValueError(str(limit))  # noqa: TRY004 - pydantic reports ValueErrors
    return limit


class Alert(Strict):
    """A limit that must not be passed for longer than `for` seconds."""

    severity: Severity
    limit: Annotated[float, BeforeValidator(_readable)]
    hold: Duration = Field(alias="for")


class Input(Strict):
    """A series of the KPI's tests, as a function of the KPI's value `v`.

    `series` is written as in PromQL. `value` is what it holds, `rate` what it grows by
    each second, from `start` on: arithmetic on `v`, and on `t`, the seconds after which
    the value must be reached. `quantile` makes the buckets of a histogram (whose
    `series` is named without `_bucket`) of which `v` is that quantile.
    """

    series: SeriesName
    value: Formula | None = None
    rate: Formula | None = None
    start: Formula = "0"
    quantile: Annotated[float, Field(gt=0, lt=1)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Input:
        given = (self.value, self.rate, self.quantile)
        if sum(part is not None for part in given) != 1:
            raise ValueError("give one of value, rate, quantile")
        return self


class Evidence(Strict):
    """What is written beside a broken promise: at most five lines from series.

    `title` says what they are, above their graph. `expr` is recorded, so that a
    notification costs one look-up; it keeps the label that says whom the KPI is about.
    `line` is a template over one result. `inputs` are the series of its test where the
    KPI's own do not serve, `expected` the lines that they must give; `{arithmetic on
    v}` in them is a humanized number, and with `| duration` a humanized duration.
    """

    title: Text
    expr: Promql
    line: Text
    inputs: tuple[Input, ...] = ()
    expected: tuple[Expected, ...] = Field(min_length=1, max_length=5)


class Edge(Strict):
    """A figure at which a recording ends on purpose: too few events, nothing to name.

    `of` is the recording, which is there beyond `above` and not at it; without `above`
    it is there though one might think otherwise. `inputs` are the series of its test,
    where `v` is the figure.
    """

    of: Literal["value", "judged", "evidence"]
    above: float | None = None
    inputs: tuple[Input, ...] = Field(min_length=1)


def _share(written: object) -> float:
    return parse_limit(written, Unit.RATIO)


class Burn(Strict):
    """How a KPI's error budget is spent: bad and all events over `$window`.

    `budget` is the share of events that may be bad in 30 days; without it, the limit of
    the promise is: that of `info` where there is one, else of the warning. `$limit` in
    `bad` is that limit, written as a regular expression that a bucket's `le` matches in
    any spelling. `inputs` are the series of its test, where `v` is the share of bad
    events.
    """

    bad: BurnPromql
    total: BurnPromql
    budget: Annotated[float, BeforeValidator(_share)] | None = None
    inputs: tuple[Input, ...] = Field(min_length=1)


class Panel(Strict):
    """Where the KPI is drawn: the row that asks its question, and the kind of panel.

    `states` are bars that are green at 0 and red above. `together` is the title of a
    panel that KPIs of one row share.
    """

    row: Text
    kind: Literal["timeseries", "states"] = "timeseries"
    together: Text | None = None


class Measured(Strict):
    """Which source answers, where several could, and what its figure is worth.

    Exact is what was counted; bounded what lies within the bucket that is named for it;
    estimated what may be otherwise.
    """

    by: Text
    figure: Literal["exact", "bounded", "estimated"]
    note: Text | None = None

    def __str__(self) -> str:
        """Say it as the end of a sentence, as notifications and runbooks do."""
        note = f", {self.note}" if self.note else ""
        return f"{self.by}; the figure is {self.figure}{note}"


class Kpi(Strict):
    """One measurable promise.

    `page` says that the exporter's evidence page has tables for it as well.
    `unbounded` says of a ratio that it may be above 1.
    """

    id: Slug
    title: Text
    question: Text
    unit: Unit
    better: Literal["lower", "higher"]
    unbounded: bool = False
    scope: Literal["target", "application", "exporter"] = "target"
    by: tuple[Slug, ...] = ()
    expr: Promql
    guard: Promql | None = None
    alerts: tuple[Alert, ...] = ()
    profiles: dict[Profile, dict[Severity, Alert]] = {}
    burn: Burn | None = None
    evidence: Evidence | None = None
    page: bool = False
    why: Text
    measured: Measured | None = None
    runbook: Text
    panel: Panel
    inputs: tuple[Input, ...] = Field(min_length=1)
    edges: tuple[Edge, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _limits_in_base_units(cls, data: Any) -> Any:
        """Read the limits by the KPI's unit, and a profile's as changes of the default.

        A profile may say `{warning: 80%}`, and `{warning: {limit: 10ms, for: 5m}}`
        where the default states no such severity.
        """
        if not isinstance(data, dict):
            return data
        unit = Unit(data["unit"]) if data.get("unit") in list(Unit) else None
        alerts, profiles = data.get("alerts", ()), data.get("profiles", {})
        if isinstance(alerts, list | tuple):
            alerts = [_with_limit(alert, unit) for alert in alerts]
            if isinstance(profiles, dict):
                profiles = {n: _changed(alerts, c, unit) for n, c in profiles.items()}
        return {**data, "alerts": alerts, "profiles": profiles}

    @field_validator("alerts")
    @classmethod
    def _alerts_in_order(
        cls, value: tuple[Alert, ...], info: ValidationInfo
    ) -> tuple[Alert, ...]:
        _check_limits(value, info.data)
        return value

    @field_validator("profiles")
    @classmethod
    def _profiles_in_order(
        cls, value: dict[Profile, dict[Severity, Alert]], info: ValidationInfo
    ) -> dict[Profile, dict[Severity, Alert]]:
        for name, alerts in value.items():
            try:
                _check_limits(tuple(alerts.values()), info.data)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        return value

    def check_limit(self, limit: float) -> None:
        """Refuse a limit that every value breaks, or none can; raises ValueError."""
        check_limit(limit, self.unit, self.better, unbounded=self.unbounded)

    def alerts_of(self, profile: Profile) -> tuple[Alert, ...]:
        """Return the alerts of a profile, which are the default's unless it differs."""
        own = self.profiles.get(profile)
        return self.alerts if own is None else tuple(own.values())


class Subject(Strict):
    """One file of the catalogue: the KPIs of one subject, in the order of triage."""

    subject: Slug
    title: Text
    kpis: tuple[Kpi, ...] = Field(min_length=1)


def check_order(alerts: tuple[Alert, ...], better: str | None) -> None:
    """Refuse two alerts of one severity, and a severe one milder than a lesser one."""
    limits = {alert.severity: alert.limit for alert in alerts}
    if len(limits) < len(alerts):
        raise ValueError("two alerts have the same severity")
    ranked = [severity for severity in Severity if severity in limits]
    for severe, lesser in pairwise(ranked):
        high, low = limits[severe], limits[lesser]
        if (better == "lower" and high < low) or (better == "higher" and high > low):
            raise ValueError(f"{severe} ({high:g}) is milder than {lesser} ({low:g})")


def _check_limits(alerts: tuple[Alert, ...], known: dict[str, Any]) -> None:
    """Check limits by what of the KPI is known to be good."""
    unit, better = known.get("unit"), known.get("better")
    check_order(alerts, better)
    if unit and better:
        unbounded = known.get("unbounded", False)
        for alert in alerts:
            check_limit(alert.limit, unit, better, unbounded=unbounded)


def _with_limit(alert: Any, unit: Unit | None) -> Any:
    if not isinstance(alert, dict) or "limit" not in alert:
        return alert
    if unit is None:  # which is a problem of its own
        return {**alert, "limit": 0.0}
    try:
        return {**alert, "limit": parse_limit(alert["limit"], unit)}
    except ValueError as error:
        return {**alert, "limit": _Refused(error)}


def _changed(alerts: list[Any], changes: Any, unit: Unit | None) -> Any:
    if not isinstance(changes, dict):
        return changes
    merged = {
        a["severity"]: a for a in alerts if isinstance(a, dict) and "severity" in a
    }
    for severity, change in changes.items():
        own = change if isinstance(change, dict) else {"limit": change}
        base = merged.get(severity, {"severity": severity})
        merged[severity] = {**base, **_with_limit(own, unit)}
    return merged
