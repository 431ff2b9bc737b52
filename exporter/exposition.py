"""Renders samples as Prometheus text 0.0.4: escaped, no duplicates, within a cap."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from gzip import compress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.metrics import Metric, Sample

_CACHED_SERIES = 20_000
_LEVEL = 1  # text this repetitive hardly shrinks further at higher ones
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_SPECIAL = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


class Page:
    """A whole answer; gzipped once, when somebody first asks for that."""

    def __init__(self, plain: bytes) -> None:
        self.plain = plain

    @cached_property
    def gzip(self) -> bytes:
        """The same bytes, compressed as quickly as zlib can."""
        return compress(self.plain, _LEVEL, mtime=0)


class Rendered(NamedTuple):
    """What one poll said: the lines of each family, series written, series left out.

    Left out are duplicates of a series and whatever goes beyond the target's cap.
    """

    families: dict[Metric, bytes]
    series: int
    dropped: int


@dataclass(slots=True)
class Renderer:
    """Renders the samples of one collector of one target; remembers series' texts."""

    target: str | None
    limit: int
    _texts: dict[tuple[str, str, tuple[str | None, ...]], str] = field(
        default_factory=dict
    )

    def render(self, samples: Iterable[Sample]) -> Rendered:
        """Write each sample once; absent values (None) are left out."""
        families: dict[str, tuple[Metric, dict[str, str]]] = {}
        series = dropped = 0
        known = self._texts.get
        for metric, value, labels, suffix in samples:
            if value is None:
                continue
            name = metric.name
            if name not in families:
                families[name] = (metric, {})
            lines = families[name][1]
            text = known((name, suffix, labels)) or self._series(metric, labels, suffix)
            if text in lines or series >= self.limit:
                dropped += 1
                continue
            written = str(value) if value.__class__ is int else number(value)
            lines[text] = f"{text} {written}\n"
            series += 1
        texts = {
            metric: "".join(lines.values()).encode("utf-8", "replace")
            for metric, lines in families.values()
            if lines
        }
        return Rendered(texts, series, dropped)

    def _series(
        self, metric: Metric, values: tuple[str | None, ...], suffix: str
    ) -> str:
        """Write a series' name and labels, and remember them."""
        names = (*metric.labels, "le") if suffix == "_bucket" else metric.labels
        if len(self._texts) >= _CACHED_SERIES:
            self._texts.clear()
        text = metric.name + suffix + label_text(self.target, names, values)
        self._texts[metric.name, suffix, values] = text
        return text


def label_text(
    target: str | None, names: tuple[str, ...], values: tuple[str | None, ...]
) -> str:
    """Write a label set with `target` first; raises ValueError when counts differ."""
    pairs = [] if target is None else [f'target="{target.translate(_ESCAPES)}"']
    pairs += [
        f'{name}="{(value or "").translate(_ESCAPES)}"'
        for name, value in zip(names, values, strict=True)
    ]
    return "{" + ",".join(pairs) + "}" if pairs else ""


def number(value: float) -> str:
    """Write a value so that nothing of it is lost: whole numbers in full."""
    if value.__class__ is int:
        return str(value)
    text = repr(float(value))
    return _SPECIAL.get(text, text)


def header(metric: Metric) -> bytes:
    """Write the HELP and TYPE lines of a family."""
    text = metric.help.replace("\\", "\\\\").replace("\n", "\\n")
    lines = f"# HELP {metric.name} {text}\n# TYPE {metric.name} {metric.kind}\n"
    return lines.encode()
