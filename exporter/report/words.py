"""How the parts of a report are said, the same in every format; pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from exporter.render.words import humanize_duration, shown
from exporter.report.model import Verdict
from exporter.report.sections import who_of

if TYPE_CHECKING:
    from exporter.catalogue.model import Kpi
    from exporter.report.model import Line, Report, Row

_MINUTE = 60.0
_MINOR = "only to be known (info)"
_UNSEEN = dict.fromkeys((*range(32), *range(127, 160)), " ")
_ROUGH = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


def visible(text: str) -> str:
    """Put spaces in place of control characters, which a terminal would obey."""
    return text.translate(_UNSEEN)


def headline(report: Report) -> str:
    """Write the verdict on everything in one line.

    What is broken is counted as its section has it, also where it is only to be known.
    """
    broken = len(report.having(Verdict.BROKEN))
    minor = broken - report.broken
    kept = len(report.having(Verdict.KEPT))
    unsure = len(report.having(Verdict.UNDECIDABLE))
    if report.broken:
        said = f"{broken} {'promise is' if broken == 1 else 'promises are'} broken"
        said += f", {minor} of them {_MINOR}" if minor else ""
    elif report.status:
        said = "No verdict: not enough was answered"
        said += f"; {minor} broken {_MINOR}" if minor else ""
    else:
        said = "No promise is broken"
        said += f" but {minor} {_MINOR}" if minor else ""
    return f"{said}; {kept} kept, {unsure} undecidable"


def about(report: Report) -> str:
    """Write what was asked, over which period."""
    source = report.source
    end = _moment(source.end)
    period = (
        f"the {rough(source.seconds)} until {end}" if source.seconds else f"at {end}"
    )
    step = f", every {humanize_duration(source.step)}" if source.step else ""
    return f"profile {report.profile}, {source.name}, {period}{step}"


def rough(seconds: float) -> str:
    """Write a time in the largest unit that gives at least two."""
    for size, unit in _ROUGH:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def value(kpi: Kpi, row: Row) -> str:
    """Write the latest value, and the worst where it differs."""
    now, worst = shown(row.value, kpi.unit), shown(row.worst, kpi.unit)
    return now if now == worst else f"{now}, at worst {worst}"


def verdict(row: Row) -> str:
    """Write a row's verdict: how severe it is and for how long."""
    if row.verdict is not Verdict.BROKEN:
        return str(row.verdict)
    lasted = f" for {rough(row.beyond)}" if row.beyond >= _MINUTE else ""
    ended = ", and is now"
    if not row.current and row.until is not None:
        ended = f", until {_moment(row.until)}"
    return f"broken ({row.severity}){lasted}{ended}"


def details(kpi: Kpi, row: Row) -> list[str]:
    """Write what else is known of a row: quantiles, trend, forecast, budget."""
    found = []
    if row.gone is not None:
        found.append(f"not there since {_moment(row.gone)}")
    if row.verdict is Verdict.KEPT and row.severity:
        lasted = f"beyond its limit for {rough(row.beyond)}"
        found.append(f"{lasted}, which is too short to break the promise")
    if row.quantiles:
        parts = (f"{name} {shown(each, kpi.unit)}" for name, each in row.quantiles)
        found.append(f"over the period {', '.join(parts)}")
    change = row.trend.change
    if change is not None:
        word = "rising" if change > 0 else "falling"
        found.append(f"{word} by {shown(abs(change), kpi.unit)}")
    if row.trend.reaches is not None:
        found.append(f"meets its limit in {rough(row.trend.reaches)} if it goes on so")
    if row.budget is not None:
        found.append(budget(row.budget))
    return found


def budget(left: float) -> str:
    """Write what is left of the month's bad events."""
    if left < 0:
        return f"the month's error budget is overspent by {-left * 100:.3g}%"
    return f"{left * 100:.3g}% of the month's error budget are left"


def who(line: Line, row: Row) -> str:
    """Name whom a row is about; somebody without a name is the exporter."""
    return who_of(line.kpi, row) or "exporter"


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
