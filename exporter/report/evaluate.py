"""Evaluates the catalogue's PromQL on a page of metrics, as far as a page can tell.

A page knows one moment: what needs history raises NeedsHistoryError. Rates are taken
between two pages, over the time that passed between the polls behind them.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import promql_parser
from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    StringLiteral,
    UnaryExpr,
    VectorSelector,
)

from exporter.render.promql import SIGNS
from exporter.report.matching import Sample, combined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from promql_parser import Expr

Labels = frozenset[tuple[str, str]]
Page = dict[str, dict[Labels, float]]
_TARGET = "target"
_REFERENCE = re.compile(r"\$(\d+)")


class NeedsHistoryError(Exception):
    """An expression asks for the past, which a page does not have."""


class FirstLookError(NeedsHistoryError):
    """An expression asks for a rate, which there is from the second page on."""


class Looks(NamedTuple):
    """A page, and an earlier one with the seconds since then by target ("": ours)."""

    now: Page
    before: Page
    seconds: dict[str, float]


def evaluate(expression: str, looks: Looks) -> list[Sample]:
    """Return what an expression gives on a page.

    Raises NeedsHistoryError for what a page cannot tell, ValueError for no PromQL.
    """
    return _vector(promql_parser.parse(expression), looks)


def _vector(node: Expr, looks: Looks) -> list[Sample]:
    found = _value(node, looks)
    return [Sample({}, found)] if isinstance(found, float) else found


def _value(node: Expr, looks: Looks) -> list[Sample] | float:
    found: list[Sample] | float
    match node:
        case NumberLiteral():
            found = float(node.val)
        case ParenExpr():
            found = _value(node.expr, looks)
        case UnaryExpr():
            found = _negated(_value(node.expr, looks))
        case VectorSelector():
            found = list(_selected(node, looks.now))
        case AggregateExpr():
            found = _aggregated(node, looks)
        case BinaryExpr():
            found = combined(node, _value(node.lhs, looks), _value(node.rhs, looks))
        case Call():
            found = _called(node, looks)
        case _:
            raise NeedsHistoryError
    return found


def _negated(found: list[Sample] | float) -> list[Sample] | float:
    if isinstance(found, float):
        return -found
    return [sample._replace(value=-sample.value) for sample in found]


def _selected(node: VectorSelector, page: Page) -> Iterator[Sample]:
    if node.offset is not None or node.at is not None:
        raise NeedsHistoryError
    tests = [_test(m.name, SIGNS[str(m.op)], m.value) for m in node.matchers.matchers]
    for labels, value in page.get(node.name or "", {}).items():
        found = dict(labels)
        if all(test(found) for test in tests):
            yield Sample(found, value)


def _test(label: str, sign: str, wanted: str) -> Callable[[dict[str, str]], bool]:
    if sign in ("=", "!="):
        return lambda labels: (labels.get(label, "") == wanted) == (sign == "=")
    pattern = re.compile(wanted)
    return lambda labels: (
        (pattern.fullmatch(labels.get(label, "")) is not None) == (sign == "=~")
    )


def _called(node: Call, looks: Looks) -> list[Sample]:
    name, arguments = node.func.name, node.args
    if name in ("rate", "increase"):
        return list(_grown(arguments[0], looks, each_second=name == "rate"))
    if name == "histogram_quantile":
        share = _number(arguments[0], looks)
        return list(_quantiles(share, _vector(arguments[1], looks)))
    if name == "label_replace":
        texts = [a.val for a in arguments[1:] if isinstance(a, StringLiteral)]
        return [_relabelled(s, texts) for s in _vector(arguments[0], looks)]
    if name == "clamp_min":
        least = _number(arguments[1], looks)
        found = _vector(arguments[0], looks)
        return [s._replace(value=max(s.value, least)) for s in found]
    if name == "abs":
        return [s._replace(value=abs(s.value)) for s in _vector(arguments[0], looks)]
    raise NeedsHistoryError


def _grown(node: Expr, looks: Looks, *, each_second: bool) -> Iterator[Sample]:
    """Yield what counters grew by since the earlier page; a reset begins at 0.

    An increase is what was seen between the pages: a lower bound of the range's.
    """
    if not isinstance(node, MatrixSelector):
        raise NeedsHistoryError
    if not looks.before:
        raise FirstLookError
    name = node.vector_selector.name or ""
    earlier = looks.before.get(name, {})
    for sample in _selected(node.vector_selector, looks.now):
        before = earlier.get(frozenset(sample.labels.items()))
        seconds = looks.seconds.get(sample.labels.get(_TARGET, ""), 0.0)
        if before is None or seconds <= 0:
            continue
        grown = sample.value - before if sample.value >= before else sample.value
        yield sample._replace(value=grown / seconds if each_second else grown)


def _aggregated(node: AggregateExpr, looks: Looks) -> list[Sample]:
    groups: dict[Labels, list[Sample]] = defaultdict(list)
    modifier = node.modifier
    names = set(modifier.labels) if modifier else set()
    without = modifier is not None and modifier.type == AggModifierType.Without
    for sample in _vector(node.expr, looks):
        kept = {k: v for k, v in sample.labels.items() if (k in names) != without}
        groups[frozenset(kept.items())].append(sample)
    operation = str(node.op)
    if operation in ("topk", "bottomk"):
        count = int(_number(node.param, looks))
        most = operation == "topk"
        return [
            sample
            for group in groups.values()
            for sample in sorted(group, key=lambda s: s.value, reverse=most)[:count]
        ]
    reduce = _REDUCE[operation]
    return [
        Sample(dict(key), reduce([s.value for s in group]))
        for key, group in groups.items()
    ]


def _number(node: Expr | None, looks: Looks) -> float:
    found = _value(node, looks) if node is not None else 0.0
    return found if isinstance(found, float) else 0.0


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


_REDUCE: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "max": max,
    "min": min,
    "avg": _mean,
    "count": lambda values: float(len(values)),
    "group": lambda _: 1.0,
}


def _quantiles(share: float, buckets: list[Sample]) -> Iterator[Sample]:
    """Yield quantiles as Prometheus does: a straight line within the bucket."""
    groups: dict[Labels, list[tuple[float, float]]] = defaultdict(list)
    for labels, value in buckets:
        bound = float(labels.get("le", "nan"))
        rest = frozenset((k, v) for k, v in labels.items() if k != "le")
        groups[rest].append((bound, value))
    for rest, group in groups.items():
        found = _quantile(share, group)
        if not math.isnan(found):
            yield Sample(dict(rest), found)


def _quantile(share: float, buckets: list[tuple[float, float]]) -> float:
    ordered = sorted(buckets)
    whole = ordered[-1][1]
    if whole <= 0:
        return math.nan
    low, below = 0.0, 0.0
    for bound, count in ordered:
        if count >= share * whole:
            if math.isinf(bound):
                return low
            inside = (share * whole - below) / (count - below) if count > below else 1.0
            return low + (bound - low) * inside
        low, below = bound, count
    return math.nan


def _relabelled(sample: Sample, texts: list[str]) -> Sample:
    made, template, source, pattern = texts
    match = re.fullmatch(pattern, sample.labels.get(source, ""))
    if match is None:
        return sample
    value = _REFERENCE.sub(lambda m: match[int(m[1])] or "", template)
    rest = {k: v for k, v in sample.labels.items() if k != made}
    return Sample({**rest, made: value} if value else rest, sample.value)
