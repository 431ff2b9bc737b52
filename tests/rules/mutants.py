"""Small changes of rules, each of which some rule test must notice."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_COMPARISON = re.compile(rf"(?P<sign>[<>]) (?P<limit>{_NUMBER})(?![\w.])")
_BY = re.compile(r"\bby \((?P<labels>[^)]*)\)")
_GUARD = re.compile(r" and on \([^)]*\) \S+:judged$")
_EVALUATION = 60


class Mutant(NamedTuple):
    """A changed file: what was changed, of which rule, and the whole of it.

    `equal` says why no test can notice: the rule means the same as before.
    """

    rule: str
    change: str
    groups: dict[str, Any]
    equal: str = ""


def mutants(groups: dict[str, Any]) -> Iterator[Mutant]:
    """Yield every mutant of a rule file, one change each."""
    for number, group in enumerate(groups["groups"]):
        for index, rule in enumerate(group["rules"]):
            for change, new, equal in _changes(rule):
                changed = deepcopy(groups)
                changed["groups"][number]["rules"][index] = new
                name = rule.get("alert") or rule["record"]
                yield Mutant(name, change, changed, equal)


def _changes(rule: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    if "record" in rule:
        if rule["record"].startswith("kpi:"):
            return
        yield from _labels(rule)
        return
    yield from _limits(rule)
    yield from _holds(rule)
    if _GUARD.search(rule["expr"]):
        yield "no guard", {**rule, "expr": _GUARD.sub("", rule["expr"])}, ""
    other = "info" if rule["labels"]["severity"] != "info" else "warning"
    labels = {**rule["labels"], "severity": other}
    yield f"severity {other}", {**rule, "labels": labels}, ""


def _limits(rule: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    for match in _COMPARISON.finditer(rule["expr"]):
        sign, limit = match["sign"], match["limit"]
        for factor in (0.9, 1.1):
            other = f"{float(limit) * factor:.12g}"
            equal = "" if float(limit) else "ten percent of 0 is 0"
            yield _put(rule, match, f"{sign} {other}", equal)
        for flipped in (f"{sign}=", {"<": ">", ">": "<"}[sign]):
            yield _put(rule, match, f"{flipped} {limit}", "")


def _put(
    rule: dict[str, Any], match: re.Match[str], text: str, equal: str
) -> tuple[str, dict[str, Any], str]:
    expression = rule["expr"]
    changed = expression[: match.start()] + text + expression[match.end() :]
    return f"{match[0]} → {text}", {**rule, "expr": changed}, equal


def _holds(rule: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    if "for" not in rule:
        return
    hold = int(rule["for"].removesuffix("s"))
    for seconds in (hold - 2 * _EVALUATION, hold + 2 * _EVALUATION):
        other = max(0, seconds)
        yield f"for {hold}s → {other}s", {**rule, "for": f"{other}s"}, ""


def _labels(rule: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    for match in _BY.finditer(rule["expr"]):
        labels = [label.strip() for label in match["labels"].split(",")]
        for label in labels:
            left = ", ".join(other for other in labels if other != label)
            expression = rule["expr"]
            start, end = match.span("labels")
            changed = expression[:start] + left + expression[end:]
            yield f"by without {label}", {**rule, "expr": changed}, ""
