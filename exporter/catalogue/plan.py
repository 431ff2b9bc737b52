"""What is judged: the catalogue with a profile's and a user's limits applied."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exporter.catalogue.applications import Application
from exporter.catalogue.model import Alert, Kpi, Severity, check_order
from exporter.catalogue.profiles import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.catalogue.model import Subject

_HOLD = 300.0  # seconds that a limit waits for which nobody else has a `for`


@dataclass(frozen=True, slots=True)
class Links:
    """Where the reader of a notification gets on: bases of URLs, without a slash."""

    runbooks: str = "http://127.0.0.1:10099/runbooks"
    dashboards: str = "http://127.0.0.1:3000/d"
    evidence: str | None = "http://127.0.0.1:10099/evidence"


@dataclass(frozen=True, slots=True)
class Promise:
    """One alert to render: a KPI's limit for all targets, or for one of them.

    `target` is whose limit it is, None the general one; `apart` are the targets that
    have limits of their own and are left out of the general one.
    """

    kpi: Kpi
    alert: Alert
    target: str | None = None
    apart: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Override:
    """A user's limits of one KPI by severity, and those of single targets."""

    limits: dict[Severity, float] = field(default_factory=dict)
    targets: dict[str, dict[Severity, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that rendering reads: subjects, profile, overrides, links.

    `interval` is that of polls, in seconds. `speed` is for trials: windows and waits
    are that many times shorter.
    """

    subjects: Sequence[Subject]
    profile: Profile = Profile.MCP_SECURITY_PLATFORM
    overrides: dict[str, Override] = field(default_factory=dict)
    links: Links = field(default_factory=Links)
    labels: dict[str, str] = field(default_factory=dict)
    applications: tuple[Application, ...] = (Application(),)
    interval: float = 15.0
    speed: int = 1

    def promises(self, kpi: Kpi) -> Iterator[Promise]:
        """Yield a KPI's alerts: the general ones first, then those of single targets.

        Raises ValueError when an override makes a critical alert milder than a warning.
        """
        override = self.overrides.get(kpi.id, Override())
        general = _limited(kpi, kpi.alerts_of(self.profile), override.limits)
        own = {
            name: _limited(kpi, general, limits)
            for name, limits in override.targets.items()
        }
        for alert in general:
            apart = tuple(sorted(n for n, a in own.items() if alert not in a))
            if not self._are_all(kpi, apart):
                yield Promise(kpi, alert, apart=apart)
        for name in sorted(own):
            for alert in own[name]:
                if alert not in general:
                    yield Promise(kpi, alert, target=name)

    def _are_all(self, kpi: Kpi, names: tuple[str, ...]) -> bool:
        """Whether nobody is left for the general alert; targets may yet be added."""
        if kpi.scope != "application":
            return False
        return {a.name for a in self.applications} <= {*names}


def _limited(
    kpi: Kpi, alerts: tuple[Alert, ...], limits: dict[Severity, float]
) -> tuple[Alert, ...]:
    """Put other limits in place; a severity that is new waits as long as the others."""
    changed = {alert.severity: alert for alert in alerts}
    for severity, limit in limits.items():
        hold = alerts[0].hold if alerts else _HOLD
        fresh: dict[str, Any] = {"severity": severity, "limit": limit, "for": hold}
        base = changed.get(severity) or Alert.model_construct(**fresh)
        changed[severity] = base.model_copy(update={"limit": limit})
    result = tuple(changed.values())
    check_order(result, kpi.better)
    return result
