"""Combines two instant vectors as PromQL's binary operators do."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, NamedTuple

from promql_parser import BinaryExpr, LabelModifierType, VectorMatchCardinality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Key = frozenset[tuple[str, str]]


class Sample(NamedTuple):
    """One value of an instant vector; its labels are without the name."""

    labels: dict[str, str]
    value: float


def _divided(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if not left else math.copysign(math.inf, left)


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
}
_COMPARISON: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


def combined(
    node: BinaryExpr, left: list[Sample] | float, right: list[Sample] | float
) -> list[Sample] | float:
    """Apply a binary operator to what stands on its sides."""
    if isinstance(left, float):
        if isinstance(right, float):
            return _calculated(node, left, right) or 0.0
        return list(_each(node, [(s, left, s.value) for s in right]))
    if isinstance(right, float):
        return list(_each(node, [(s, s.value, right) for s in left]))
    if str(node.op) in ("and", "or", "unless"):
        return _sets(node, left, right)
    return list(_matched(node, left, right))


def _each(
    node: BinaryExpr, pairs: list[tuple[Sample, float, float]]
) -> Iterator[Sample]:
    for sample, left, right in pairs:
        value = _calculated(node, left, right, kept=sample.value)
        if value is not None:
            yield sample._replace(value=value)


def _calculated(
    node: BinaryExpr, left: float, right: float, kept: float = 1.0
) -> float | None:
    """Return the result, None for what a comparison leaves out."""
    sign = str(node.op)
    if sign in _ARITHMETIC:
        return _ARITHMETIC[sign](left, right)
    holds = _COMPARISON[sign](left, right)
    if node.modifier is not None and node.modifier.return_bool:
        return float(holds)
    return kept if holds else None


def _sets(node: BinaryExpr, left: list[Sample], right: list[Sample]) -> list[Sample]:
    theirs = {_key(node, s) for s in right}
    if str(node.op) == "and":
        return [s for s in left if _key(node, s) in theirs]
    if str(node.op) == "unless":
        return [s for s in left if _key(node, s) not in theirs]
    mine = {_key(node, s) for s in left}
    return left + [s for s in right if _key(node, s) not in mine]


def _matched(
    node: BinaryExpr, left: list[Sample], right: list[Sample]
) -> Iterator[Sample]:
    modifier = node.modifier
    card = modifier.card if modifier else VectorMatchCardinality.OneToOne
    turned = card == VectorMatchCardinality.OneToMany
    many, one = (right, left) if turned else (left, right)
    there = {_key(node, s): s for s in one}
    grouped = card != VectorMatchCardinality.OneToOne
    more = set(modifier.group_labels or ()) if modifier else set()
    for sample in many:
        other = there.get(_key(node, sample))
        if other is None:
            continue
        first, second = (other, sample) if turned else (sample, other)
        value = _calculated(node, first.value, second.value, kept=first.value)
        if value is None:
            continue
        labels = sample.labels if grouped else dict(_key(node, sample))
        taken = {k: v for k, v in other.labels.items() if k in more}
        rest = {k: v for k, v in labels.items() if k not in more}
        yield Sample({**rest, **taken}, value)


def _key(node: BinaryExpr, sample: Sample) -> Key:
    matching = node.modifier.matching if node.modifier else None
    if matching is None:
        return frozenset(sample.labels.items())
    names, on = set(matching.labels), matching.type == LabelModifierType.Include
    items = sample.labels.items()
    return frozenset((k, v) for k, v in items if (k in names) == on)
