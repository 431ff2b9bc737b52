"""Draws series over time as inline SVG, with their limit and a moment; pure."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from exporter.catalogue.limits import Unit
from exporter.render.words import humanize, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.sidecar.incidents.incident import Series

_WIDTH, _HEIGHT = 600.0, 160.0  # units of the drawing, which is stretched to its place
_MOST = 5  # series
_ABOVE = 1.08  # so that the highest point does not lie on the edge
_GAP = 2.5  # steps without a value, after which a line ends
_NOT_NAMED = ("job", "instance", "target", "application")


class Frame(NamedTuple):
    """What is drawn around the lines; times are Unix seconds."""

    title: str
    unit: str
    moment: float
    limit: float | None = None


class _Scale(NamedTuple):
    """How times and values become places."""

    begin: float
    end: float
    top: float

    def x(self, at: float) -> float:
        return (at - self.begin) / ((self.end - self.begin) or 1.0) * _WIDTH

    def y(self, value: float) -> float:
        return _HEIGHT - max(0.0, value) / self.top * _HEIGHT


def plot(series: Sequence[Series], frame: Frame) -> str:
    """Write a figure as HTML; empty when there is no point to draw.

    The first five series are drawn, from 0 up to the highest value or the limit.
    """
    drawn = [each for each in series if each.points][:_MOST]
    if not drawn:
        return ""
    times = [at for each in drawn for at, _ in each.points]
    values = [value for each in drawn for _, value in each.points]
    end = max(*times, frame.moment)
    top = max(*values, frame.limit or 0.0, 0.0) * _ABOVE or 1.0
    scale = _Scale(min(times), end, top)
    lines = "".join(
        f'<path class="s{index}" d="{_path(each, scale)}"/>'
        for index, each in enumerate(drawn)
    )
    legend = "".join(
        f'<li class="s{index}">{escape(_label(each))}: '
        f"{_value(each.points[-1][1], frame.unit)}"
        for index, each in enumerate(drawn)
    )
    hidden = len(series) - len(drawn)
    more = f"<li>and {hidden} more" if hidden else ""
    return (
        f"<figure>\n<figcaption><b>{escape(frame.title)}</b> "
        f"{escape(_range(max(values), frame))}</figcaption>\n"
        f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" preserveAspectRatio="none" '
        f'role="img" aria-label="{escape(frame.title)}">{_marks(frame, scale)}{lines}'
        f'</svg>\n<p class="axis"><span>{_clock(scale.begin)}</span>'
        f"<span>{_clock(end)} UTC</span></p>\n"
        f'<ul class="legend">{legend}{more}</ul>\n</figure>\n'
    )


def _path(series: Series, scale: _Scale) -> str:
    times = [at for at, _ in series.points]
    steps = [after - at for at, after in pairwise(times)]
    gap = min(steps, default=0.0) * _GAP
    return "".join(_moves(series, scale, gap))


def _moves(series: Series, scale: _Scale, gap: float) -> Iterator[str]:
    last: float | None = None
    for at, value in series.points:
        pen = "M" if last is None or at - last > gap else "L"
        yield f"{pen}{scale.x(at):.1f} {scale.y(value):.1f}"
        last = at
    if len(series.points) == 1:
        yield "h2"  # a line of no length is not seen


def _marks(frame: Frame, scale: _Scale) -> str:
    moment = scale.x(min(max(frame.moment, scale.begin), scale.end))
    marks = f'<path class="moment" d="M{moment:.1f} 0V{_HEIGHT:g}"/>'
    if frame.limit is not None:
        marks += f'<path class="limit" d="M0 {scale.y(frame.limit):.1f}H{_WIDTH:g}"/>'
    return marks


def _range(highest: float, frame: Frame) -> str:
    said = f"highest {_value(highest, frame.unit)}"
    if frame.limit is None:
        return said
    return f"{said}, limit {_value(frame.limit, frame.unit)} (dashed)"


def _value(value: float, unit: str) -> str:
    return shown(value, Unit(unit)) if unit in list(Unit) else humanize(value)


def _label(series: Series) -> str:
    named = [text for key, text in series.labels.items() if key not in _NOT_NAMED]
    return " ".join(named) or series.labels.get("target") or "value"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M")
