"""What a report says: verdicts on promises, and what they were read from."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.catalogue.model import Kpi, Severity


class Verdict(StrEnum):
    """What became of a promise, the worst first.

    `undecidable` is what cannot be told from what is measured: bounds on both sides of
    the limit, or too little to judge. `shown` has no limit that could be broken.
    """

    BROKEN = "broken"
    UNDECIDABLE = "undecidable"
    NO_DATA = "no data"
    KEPT = "kept"
    SHOWN = "shown"


class Series(NamedTuple):
    """One series: its labels, and points of Unix time and value, the oldest first."""

    labels: dict[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        """The latest value."""
        return self.points[-1][1]


class Refusal(NamedTuple):
    """Why a question got no answer; `asked` is False for what cannot be asked here."""

    why: str
    asked: bool = True


Answer = tuple[Series, ...] | Refusal


class Trend(NamedTuple):
    """Where a value goes: its change over the period, and when it meets its limit.

    `change` is None where noise hides any; `reaches` are the seconds until the limit,
    None where it is not in sight.
    """

    change: float | None = None
    reaches: float | None = None


class Row(NamedTuple):
    """One series of a KPI, judged.

    `value` is the latest, `worst` that of the period. `limit` is the one passed, else
    the first to be met. `beyond` are the longest seconds in a row beyond it, up to
    `until` (Unix time).
    `quantiles` are of the whole period, by name. `budget` is the share left of the bad
    events that a month allows; below 0 it is overspent. `gone` (Unix time) is when it
    was there last, if it is there no more.
    """

    labels: dict[str, str]
    value: float
    worst: float
    verdict: Verdict
    severity: Severity | None = None
    limit: float | None = None
    beyond: float = 0.0
    until: float | None = None
    current: bool = False
    quantiles: tuple[tuple[str, float], ...] = ()
    budget: float | None = None
    trend: Trend = Trend()
    gone: float | None = None
    points: tuple[tuple[float, float], ...] = ()


class Line(NamedTuple):
    """A KPI in the report: its rows with the worst first, or why there are none.

    `causes` are the lines of its evidence.
    """

    kpi: Kpi
    subject: str
    verdict: Verdict
    promises: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    why: str = ""
    causes: tuple[str, ...] = ()
    severity: Severity | None = None


class Advice(NamedTuple):
    """What to do, about whom, what it was read from, and how to go about it."""

    title: str
    who: str
    evidence: tuple[str, ...]
    how: str


class Section(NamedTuple):
    """A list of findings under a title; `why` says so when there are none."""

    title: str
    findings: tuple[str, ...]
    why: str = ""


class Source(NamedTuple):
    """What was asked: its name, the period and its end (Unix time), the resolution.

    `seconds` is 0 for a snapshot, which knows no period. `remarks` say what it cannot
    tell.
    """

    name: str
    seconds: float
    end: float
    step: float
    remarks: tuple[str, ...] = ()


class Report(NamedTuple):
    """Everything that is written, in any format."""

    profile: str
    source: Source
    lines: tuple[Line, ...]
    sections: tuple[Section, ...] = ()
    advice: tuple[Advice, ...] = ()
    unanswered: tuple[str, ...] = ()

    def having(self, verdict: Verdict) -> Sequence[Line]:
        """Return the lines with a verdict."""
        return [line for line in self.lines if line.verdict is verdict]

    @property
    def broken(self) -> int:
        """How many promises are broken; what is `info` is only to be known."""
        return sum(line.severity in ("critical", "warning") for line in self.lines)

    @property
    def status(self) -> int:
        """The exit status: 1 for a broken promise, 2 when nothing could be judged.

        Answers that are missing make it 2 as well, for a gate must not open because
        nobody answered.
        """
        if self.broken:
            return 1
        silent = (Verdict.NO_DATA, Verdict.SHOWN)
        judged = any(line.verdict not in silent for line in self.lines)
        return 0 if judged and not self.unanswered else 2
