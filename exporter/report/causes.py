"""Evidence as lines, by the catalogue's own templates; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.catalogue.limits import Unit
from exporter.render.rules import who_label
from exporter.render.words import shown
from exporter.report.model import Refusal

if TYPE_CHECKING:
    from exporter.catalogue.model import Kpi
    from exporter.report.model import Answer, Series

_MOST = 5
_LONGEST = 300  # characters of a label
_WITH = re.compile(r"\{\{ with \.Labels\.(\w+) \}\}(.*?)\{\{ end \}\}")
_LABEL = re.compile(r"\{\{ \.Labels\.(\w+) \}\}")
_VALUE = re.compile(r"\{\{ \.Value \| (\w+) \}\}")
_UNITS = {
    "humanize": Unit.COUNT,
    "humanizeDuration": Unit.SECONDS,
    "humanizePercentage": Unit.RATIO,
    "humanize1024": Unit.BYTES,
}


def causes(kpi: Kpi, answer: Answer) -> dict[str, tuple[str, ...]]:
    """Return the lines that name causes by target or application, the worst first.

    What is 0 is no cause of anything.
    """
    if kpi.evidence is None or isinstance(answer, Refusal):
        return {}
    found: dict[str, list[str]] = {}
    ranked = sorted(answer, key=lambda series: -series.last)
    for series in filter(lambda series: series.last, ranked):
        who = series.labels.get(who_label(kpi), "")
        found.setdefault(who, []).append(_line(kpi.evidence.line, series))
    return {who: tuple(lines[:_MOST]) for who, lines in found.items()}


def _line(template: str, series: Series) -> str:
    """Fill a template in one pass, so that no label is taken for a part of it."""
    labels = {k: v[:_LONGEST] for k, v in series.labels.items()}
    pattern = re.compile("|".join(p.pattern for p in (_WITH, _LABEL, _VALUE)))

    def fill(match: re.Match[str]) -> str:
        optional, inside, label, function = match.groups()
        if optional:
            value = labels.get(optional, "")
            return inside.replace("{{ . }}", value) if value else ""
        if label:
            return labels.get(label, "")
        text = shown(series.last, _UNITS[function])
        return text.removesuffix("B") if function == "humanize1024" else text

    return pattern.sub(fill, template)
