"""The checks of cloudflare/pint that need no server, over rules as they are rendered.

Each returns what is wrong in words; the names are pint's.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import promql_parser
from promql_parser import BinaryExpr, Call, ParenExpr, StringLiteral

from exporter.render.needs import kpi_of, template_queries
from exporter.render.promql import uses
from tests.rules.known import NUMBER, SCRAPED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.render.promql import Matcher, Use
    from tests.rules.known import Known

    Rule = dict[str, Any]
    Check = Callable[[Rule, Known], Iterator[str]]

COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")
SETS = ("and", "or", "unless")
PER_SECOND = ("rate", "irate", "increase", "resets")
OF_GAUGES = ("deriv", "delta", "idelta", "predict_linear")
EXISTENCE = ("absent", "absent_over_time", "present_over_time", "count", "group")
FLAPPING = ("topk", "bottomk", "limitk", "limit_ratio", "count_values")
SEVERITIES = ("critical", "warning", "info", "none")
_SPECIAL = re.compile(r"[.*+?()\[\]{}|\\^$]")
_VALUE = re.compile(r"\$value|\.Value")
_LABEL = re.compile(r"\$labels\.(\w+)")
_ASKS = re.compile(r"\{\{[^}]*(?<![.\w])query\b")
_RECORD = re.compile(r"[a-z_]+:[a-z0-9_]+:[a-z0-9_]+")
_FOR = re.compile(r"[1-9]\d*s")


def name_of(rule: Rule) -> str:
    return str(rule.get("alert") or rule["record"])


def is_watchdog(rule: Rule) -> bool:
    """Whether a rule fires always, on purpose, and is routed to nobody."""
    severity: str = rule["labels"]["severity"]
    return str(rule["expr"]) == "vector(time())" and severity == "none"


def alerts_comparison(rule: Rule, _: Known) -> Iterator[str]:
    judges = "alert" in rule and not is_watchdog(rule)
    if judges and not _filters(promql_parser.parse(rule["expr"])):
        yield "fires whenever its series is there: it compares nothing"


def _filters(node: promql_parser.Expr) -> bool:
    match node:
        case ParenExpr():
            return _filters(node.expr)
        case Call():
            return node.func.name in ("absent", "absent_over_time")
        case BinaryExpr() if str(node.op) == "or":
            return _filters(node.lhs) and _filters(node.rhs)
        case BinaryExpr() if str(node.op) == "and":
            return _filters(node.lhs)
        case BinaryExpr():
            is_bool = node.modifier is not None and node.modifier.return_bool
            return str(node.op) in (*COMPARISONS, "unless") and not is_bool
    return False


def alerts_template(rule: Rule, known: Known) -> Iterator[str]:
    for label, text in rule.get("labels", {}).items():
        if _VALUE.search(text):
            yield f"the label {label} changes with the value"
    if "alert" in rule:
        there = (known.result(rule["expr"]) or frozenset()) | {*rule["labels"]}
        for key, text in rule["annotations"].items():
            yield from _wrong_words(key, text, there)
            yield from _wrong_queries(key, text, known)


def _wrong_words(key: str, text: str, there: frozenset[str]) -> Iterator[str]:
    for label in _LABEL.findall(text):
        if label not in there:
            yield f"{key} shows the label {label}, which is not there"
    for shown in re.findall(r"\{\{ (\$value[^}]*) \}\}", text):
        if "humanize" not in shown:
            yield f"{key} shows a value as it is"


def _wrong_queries(key: str, text: str, known: Known) -> Iterator[str]:
    if _ASKS.search(text) and not template_queries(text):
        yield f"{key} asks in a form that nobody checks"
    for query in template_queries(text):
        try:
            there = known.result(query) or frozenset()
        except ValueError as error:
            yield f"{key} asks what is no PromQL: {error}"
            continue
        for label in re.findall(r"\.Labels\.(\w+)", text):
            if label not in there:
                yield f"{key} shows the label {label}, which is not there"


def alerts_annotation(rule: Rule, _: Known) -> Iterator[str]:
    if "alert" not in rule or is_watchdog(rule):
        return
    for key in ("summary", "description", "runbook_url"):
        if not rule["annotations"].get(key):
            yield f"has no {key}"


def alerts_for(rule: Rule, _: Known) -> Iterator[str]:
    if "for" in rule and not _FOR.fullmatch(rule["for"]):
        yield f"waits for {rule['for']!r}"


def promql_counter(rule: Rule, known: Known) -> Iterator[str]:
    for use in uses(rule["expr"]):
        if use.name in known.counters and use.function not in (*PER_SECOND, *EXISTENCE):
            yield f"takes the counter {use.name} as it is"


def promql_rate(rule: Rule, known: Known) -> Iterator[str]:
    for use in uses(rule["expr"]):
        counted = use.function in PER_SECOND
        if counted and use.name not in known.counters:
            yield f"{use.function} of {use.name}, which is no counter"
        if use.function in OF_GAUGES and use.name in known.counters:
            yield f"{use.function} of the counter {use.name}"
        if counted and use.seconds < 120:
            yield f"{use.function} of {use.name} over less than two slow scrapes"


def promql_series(rule: Rule, known: Known) -> Iterator[str]:
    for use in uses(rule["expr"]):
        if use.name not in known.labels:
            yield f"nobody gives {use.name}"


def promql_fragile(rule: Rule, _: Known) -> Iterator[str]:
    if rule.get("record", "").endswith(":evidence"):
        return
    for operator in _operators(rule["expr"]):
        if operator in FLAPPING:
            yield f"{operator} changes its labels from one evaluation to the next"


def promql_regexp(rule: Rule, _: Known) -> Iterator[str]:
    for use in uses(rule["expr"]):
        for matcher in use.matchers:
            yield from _needless(matcher)


def _needless(matcher: Matcher) -> Iterator[str]:
    label, sign, value = matcher
    if sign not in ("=~", "!~"):
        return
    if not _SPECIAL.search(value):
        yield f"{label}{sign}{value!r} needs no regular expression"
    if value in (".*", ".+") or value.startswith("^") or value.endswith("$"):
        yield f"{label}{sign}{value!r} is written simpler without"


def promql_impossible(rule: Rule, known: Known) -> Iterator[str]:
    """What is matched, grouped or joined by must be a label of the series."""
    for use in uses(rule["expr"]):
        there = known.labels.get(use.name, use.labels)
        for label in sorted(use.labels - there):
            yield f"{use.name} has no label {label}"
        yield from _contradictory(use)


def _contradictory(use: Use) -> Iterator[str]:
    equal: dict[str, str] = {}
    for matcher in use.matchers:
        value = equal.get(matcher.label)
        if matcher.sign == "=":
            if value not in (None, matcher.value):
                yield f"{use.name} cannot have {matcher.label} twice"
            equal[matcher.label] = matcher.value
        if matcher.sign == "!=" and value == matcher.value:
            yield f"{use.name} cannot have {matcher.label} and not have it"


def promql_vector_matching(rule: Rule, known: Known) -> Iterator[str]:
    """Both sides of an operation must have the same labels, unless it says which."""
    for node in _nodes(rule["expr"]):
        if not isinstance(node, BinaryExpr) or str(node.op) == "or":
            continue
        if node.modifier is not None and node.modifier.matching is not None:
            continue
        left, right = (known.result(side.prettify()) for side in (node.lhs, node.rhs))
        if left is not NUMBER and right is not NUMBER and left != right:
            apart = sorted(left ^ right)
            yield f"two sides of {node.op!s} differ in {', '.join(apart)}"


def promql_aggregate(rule: Rule, known: Known) -> Iterator[str]:
    if "record" in rule:
        lost = SCRAPED - (known.result(rule["expr"]) or frozenset())
        for label in sorted(lost):
            yield f"loses the label {label}"


def rule_name(rule: Rule, _: Known) -> Iterator[str]:
    if "record" in rule and not _RECORD.fullmatch(rule["record"]):
        yield "is not named level:metric:operations"


def rule_label(rule: Rule, _: Known) -> Iterator[str]:
    if "alert" not in rule:
        return
    if rule["labels"].get("severity") not in SEVERITIES:
        yield f"has the severity {rule['labels'].get('severity')!r}"
    if not rule["labels"].get("kpi"):
        yield "has no label kpi"


def rule_duplicate(rules: list[Rule]) -> list[str]:
    seen = Counter(
        (name_of(rule), tuple(sorted(rule.get("labels", {}).items()))) for rule in rules
    )
    return [f"{name} is there {n} times" for (name, _), n in seen.items() if n > 1]


def rule_dependency(rules: list[Rule]) -> list[str]:
    """Find rules that read what another KPI records: then KPIs cannot be cut apart."""
    owner = {rule["record"]: kpi_of(rule) for rule in rules if "record" in rule}
    return [
        f"{name_of(rule)} reads {use.name}"
        for rule in rules
        for use in uses(rule["expr"])
        if owner.get(use.name, kpi_of(rule)) != kpi_of(rule)
    ]


def _operators(expression: str) -> list[str]:
    return [str(getattr(node, "op", "")) for node in _nodes(expression)]


def _nodes(expression: str) -> list[promql_parser.Expr]:
    found: list[promql_parser.Expr] = []
    promql_parser.walk(promql_parser.parse(expression), pre_visit=found.append)
    return [node for node in found if not isinstance(node, StringLiteral)]


CHECKS: tuple[Check, ...] = (
    alerts_comparison,
    alerts_template,
    alerts_annotation,
    alerts_for,
    promql_counter,
    promql_rate,
    promql_series,
    promql_fragile,
    promql_regexp,
    promql_impossible,
    promql_vector_matching,
    promql_aggregate,
    rule_name,
    rule_label,
)


def problems(rules: list[Rule], known: Known) -> list[str]:
    """Return what any check says about any of the rules."""
    found = [
        f"{name_of(rule)}: {check.__name__}: {problem}"
        for rule in rules
        for check in CHECKS
        for problem in check(rule, known)
    ]
    return found + rule_duplicate(rules) + rule_dependency(rules)
