"""What is kept of an alert: the incident, its frozen evidence, its likely causes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCOPES = ("target", "application", "instance")
"""The labels that may say whom an alert is about, the narrowest first."""

NAMELESS = "an alert without a name"
"""What stands where a name would."""


def id_of(fingerprint: str, starts: float) -> str:
    """Name the incident of an alert: 16 hexadecimal digits, the same at each call."""
    return hashlib.sha256(f"{fingerprint} {starts:.6f}".encode()).hexdigest()[:16]


def scope_of(labels: Mapping[str, str]) -> str:
    """Return the label that says whom an alert is about; empty when about nobody."""
    return next((name for name in SCOPES if labels.get(name)), "")


class Series(NamedTuple):
    """A line of a plot: labels, and values by Unix time."""

    labels: dict[str, str]
    points: list[tuple[float, float]]


class Change(NamedTuple):
    """What something costs now and cost an hour ago, by its labels.

    `before` is None when nobody knows: there was no series of its kind at all.
    """

    labels: dict[str, str]
    now: float
    before: float | None


class Comparison(NamedTuple):
    """The dearest of a kind, the dearest first; `unit` is what the figures are in.

    `total` is all of that kind, with what is not listed; 0 where nobody asked for it.
    """

    kind: str
    title: str
    unit: str
    changes: list[Change]
    total: float = 0.0


class Evidence(NamedTuple):
    """All that was seen around an incident at the Unix time `at`.

    `tables` are those of the exporter's evidence, by target, as its API has them.
    `missing` says what could not be had, and why. `limit` is what was promised.
    """

    at: float
    unit: str = ""
    limit: float | None = None
    series: Sequence[Series] = ()
    comparisons: Sequence[Comparison] = ()
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = {}
    missing: Sequence[str] = ()


class Cause(NamedTuple):
    """A likely cause in words, why it is thought to be one, and its weight."""

    text: str
    why: str
    kind: str
    weight: float


class Incident(NamedTuple):
    """One alert from its start to its end; times are Unix seconds.

    `frozen` says that its evidence is complete; `evidence` is where that is kept.
    """

    id: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    opened: float
    closed: float | None
    frozen: bool = False
    evidence: int | None = None
    causes: Sequence[Cause] = ()

    @property
    def alert(self) -> str:
        """The alert's name."""
        return self.labels.get("alertname", "").strip() or NAMELESS

    @property
    def severity(self) -> str:
        """How urgent it is."""
        return self.labels.get("severity", "")

    @property
    def kpi(self) -> str:
        """The promise that is broken; empty for rules that are not ours."""
        return self.labels.get("kpi", "")

    @property
    def who(self) -> str:
        """Whom it is about."""
        return self.labels.get(self.scope, "")

    @property
    def scope(self) -> str:
        """Which label says so."""
        return scope_of(self.labels)

    @property
    def summary(self) -> str:
        """The alert's own summary, else its name."""
        return self.annotations.get("summary", "").strip() or self.alert

    @property
    def first_cause(self) -> Cause | None:
        """The likeliest cause, once evidence was looked at."""
        return self.causes[0] if self.causes else None
