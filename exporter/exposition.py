"""Renders samples as Prometheus text 0.0.4: escaped, no duplicates, within a cap."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exporter.metrics import Metric, Sample

_CACHED_LABELS = 20_000
_GZIP = 31  # zlib's largest window, in a gzip file
_LEVEL = 1  # text this repetitive hardly shrinks further at higher ones
_AT_ONCE = 64  # parts given to zlib, which takes a microsecond for each call
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_LEAST, _MOST = float("-inf"), float("inf")
_SPECIAL = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


class Page:
    """A whole answer, out of its parts; joined or gzipped when somebody asks for that.

    Who is answered with gzip alone, as Prometheus is, needs no joined page in memory.
    """

    def __init__(self, parts: Sequence[bytes]) -> None:
        self._parts = parts

    @cached_property
    def plain(self) -> bytes:
        """All bytes."""
        return b"".join(self._parts)

    @cached_property
    def gzip(self) -> bytes:
        """The same bytes, compressed as quickly as zlib can."""
        packer = zlib.compressobj(_LEVEL, wbits=_GZIP)
        parts, starts = self._parts, range(0, len(self._parts), _AT_ONCE)
        blocks = (b"".join(parts[start : start + _AT_ONCE]) for start in starts)
        return b"".join([*map(packer.compress, blocks), packer.flush()])


class Rendered(NamedTuple):
    """What one poll said: the lines of each family, series written, series left out.

    Left out are duplicates of a series and whatever goes beyond the target's cap.
    """

    families: dict[Metric, bytes]
    series: int
    dropped: int


class _Texts(dict[tuple[str | None, ...], str]):
    """The texts of label sets that have the same names, by their values."""

    def __init__(self, target: str | None, names: tuple[str, ...]) -> None:
        super().__init__()
        self._target = target
        self._names = names

    def __missing__(self, values: tuple[str | None, ...]) -> str:
        if len(self) >= _CACHED_LABELS:
            self.clear()
        text = self[values] = label_text(self._target, self._names, values)
        return text


@dataclass(slots=True)
class Renderer:
    """Renders the samples of one collector of one target; remembers label texts."""

    target: str | None
    limit: int
    _texts: dict[tuple[str, ...], _Texts] = field(default_factory=dict)

    def render(self, samples: Iterable[Sample]) -> Rendered:
        """Write each sample once; absent values (None) are left out."""
        families: dict[Metric, dict[str, str]] = {}
        known: dict[str, tuple[_Texts, dict[str, str]]] = {}
        limit, series, dropped = self.limit, 0, 0
        for metric, value, labels, suffix in samples:
            if value is None:
                continue
            name = metric.name + suffix
            found = known.get(name)
            if found is None:
                family = families.setdefault(metric, {})
                found = known[name] = self._of(metric, suffix), family
            texts, family = found
            text = texts[labels]
            key = suffix + text
            if key in family or series >= limit:
                dropped += 1
                continue
            kind = value.__class__  # what `number` does is done here if it is quick
            if kind is int or (kind is float and _LEAST < value < _MOST):
                family[key] = f"{name}{text} {value!r}\n"
            else:
                family[key] = f"{name}{text} {number(value)}\n"
            series += 1
        lines = {
            metric: "".join(family.values()).encode("utf-8", "replace")
            for metric, family in families.items()
            if family
        }
        return Rendered(lines, series, dropped)

    def _of(self, metric: Metric, suffix: str) -> _Texts:
        names = (*metric.labels, "le") if suffix == "_bucket" else metric.labels
        if names not in self._texts:
            self._texts[names] = _Texts(self.target, names)
        return self._texts[names]


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
