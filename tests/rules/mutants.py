"""Small changes of rules, each of which some rule test must notice."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    Rule = dict[str, Any]

_NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_COMPARISON = re.compile(
    rf"(?P<sign>==|[<>])(?P<bool> bool)? (?P<limit>{_NUMBER})(?![\w.])"
)
_OPERAND = re.compile(rf"((?<= [+*/] )|(?<=, )|^){_NUMBER}(?=$|\)| /| and)")
_BY = re.compile(r"\bby \((?P<labels>[^)]*)\)")
_GUARD = re.compile(r" and on \([^)]*\) \S+:judged$")
_FLIPPED = {"<": ("<=", ">"), ">": (">=", "<"), "==": ("!=",)}
_EVALUATION = 60
_NO_PERCENT = "ten percent of 0 is 0"


class Change(NamedTuple):
    """A rule that differs from what it was, and in what.

    `equal` says why no test can notice: the rule means the same as before.
    """

    what: str
    rule: Rule
    equal: str = ""


class Mutant(NamedTuple):
    """A changed rule, and the whole of the file that it stands in.

    `name` is what it records, or the name of the alert; `rule` says which one it is.
    """

    name: str
    rule: str
    change: str
    groups: dict[str, Any]
    equal: str


def mutants(groups: dict[str, Any]) -> Iterator[Mutant]:
    """Yield every mutant of a rule file, one change each."""
    for number, group in enumerate(groups["groups"]):
        for index, rule in enumerate(group["rules"]):
            for change in changes(rule):
                changed = deepcopy(groups)
                changed["groups"][number]["rules"][index] = change.rule
                which = _which(rule)
                yield Mutant(*which, change.what, changed, change.equal)


def changes(rule: Rule) -> Iterator[Change]:
    """Yield every change of a rule that is tried.

    Those are each figure by ten percent, each comparison, each label of each `by`, the
    guard, and of an alert its `for` by two evaluations and its severity.
    """
    yield from _comparisons(rule)
    yield from _labels(rule)
    if _GUARD.search(rule["expr"]):
        yield Change("no guard", {**rule, "expr": _GUARD.sub("", rule["expr"])})
    if rule.get("record", "").startswith("kpi:"):
        yield from _operands(rule)
    if "alert" in rule:
        yield from _holds(rule)
        yield _severity(rule)


def _which(rule: Rule) -> tuple[str, str]:
    name: str = rule.get("alert") or rule["record"]
    if not name.startswith("kpi:"):
        return name, name
    return name, f"{name} of {rule['labels']['kpi']} ({rule['labels']['severity']})"


def _comparisons(rule: Rule) -> Iterator[Change]:
    for match in _COMPARISON.finditer(rule["expr"]):
        sign, more, limit = match["sign"], match["bool"] or "", match["limit"]
        for other in _nearby(limit):
            equal = "" if float(limit) else _NO_PERCENT
            yield _put(rule, match, f"{sign}{more} {other}", equal)
        for flipped in _FLIPPED[sign]:
            yield _put(rule, match, f"{flipped}{more} {limit}")


def _operands(rule: Rule) -> Iterator[Change]:
    """Change what a value is compared with where all promises are comparable."""
    for match in _OPERAND.finditer(rule["expr"]):
        equal = "" if float(match[0]) else _NO_PERCENT
        for other in _nearby(match[0]):
            yield _put(rule, match, other, equal)


def _nearby(limit: str) -> Iterator[str]:
    for factor in (0.9, 1.1):
        yield f"{float(limit) * factor:.12g}"


def _put(rule: Rule, match: re.Match[str], text: str, equal: str = "") -> Change:
    expression = rule["expr"]
    changed = expression[: match.start()] + text + expression[match.end() :]
    return Change(f"{match[0]} → {text}", {**rule, "expr": changed}, equal)


def _holds(rule: Rule) -> Iterator[Change]:
    if "for" not in rule:
        return
    hold = int(rule["for"].removesuffix("s"))
    for seconds in (hold - 2 * _EVALUATION, hold + 2 * _EVALUATION):
        other = max(0, seconds)
        yield Change(f"for {hold}s → {other}s", {**rule, "for": f"{other}s"})


def _severity(rule: Rule) -> Change:
    other = "info" if rule["labels"]["severity"] != "info" else "warning"
    labels = {**rule["labels"], "severity": other}
    return Change(f"severity {other}", {**rule, "labels": labels})


def _labels(rule: Rule) -> Iterator[Change]:
    for match in _BY.finditer(rule["expr"]):
        labels = [label.strip() for label in match["labels"].split(",")]
        for label in labels:
            left = ", ".join(other for other in labels if other != label)
            changed = _put(rule, match, f"by ({left})")
            yield changed._replace(what=f"by without {label}")
