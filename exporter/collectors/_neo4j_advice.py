"""What would turn a scan into a seek: an index to make, or a predicate to add."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from exporter.collectors._neo4j_index import SERVING
from exporter.collectors._neo4j_plan import scans

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exporter.collectors._neo4j_index import Covers
    from exporter.sources.neo4j_plan import Operator, Plan

_SCANNED = re.compile(r"`?(\w+)`?:`?(\w+)`?$")
_EQUAL = r"\b{}\.`?(\w+)`? (?:=|IN) "
_RANGED = r"\b{}\.`?(\w+)`? (?:<|>|<=|>=|STARTS WITH) "
_MIRRORED = r" (?:<|>|<=|>=) {}\.`?(\w+)`?"
_WHERE = re.compile(r"\bWHERE\b", re.IGNORECASE)
_OR = re.compile(r"\b(?:OR|XOR)\b", re.IGNORECASE)
_GENERAL = "CREATE INDEX FOR (n:LABEL) ON (n.PROPERTY) for what the query looks up"


class Wanted(NamedTuple):
    """What a scan looks for: properties of a label, those compared for equality first.

    `either` says that they are alternatives, which no common index serves.
    """

    variable: str
    label: str
    properties: tuple[str, ...]
    either: bool


class Rewrite(NamedTuple):
    """A predicate that lets an index serve which is there, and the query with it."""

    predicate: str
    cypher: str


def wanted(plan: Plan) -> Wanted | None:
    """Return what the first scan of a label looks for, as far as the plan shows it."""
    for scan in filter(scans, plan.operators):
        found = _SCANNED.match(scan.details)
        if found is None:
            continue
        filters = [one.details for one in plan.operators if one is not scan]
        text = "\n".join(filters)
        equal = _compared(_EQUAL, found[1], text)
        ranged = [
            name
            for pattern in (_RANGED, _MIRRORED)
            for name in _compared(pattern, found[1], text)
        ]
        # Behind a range, a range index narrows nothing down further.
        names = tuple(dict.fromkeys((*equal, *ranged[:1])))
        if names:
            return Wanted(found[1], found[2], names, bool(_OR.search(text)))
    return None


def _compared(pattern: str, variable: str, text: str) -> list[str]:
    return re.findall(pattern.format(re.escape(variable)), text)


def statement(plan: Plan) -> str:
    """Return the statement that would spare the scan."""
    found = wanted(plan)
    if found is None:
        return _GENERAL
    lists = [[one] for one in found.properties] if found.either else [found.properties]
    return "; ".join(create(found.label, names) for names in lists)


def create(label: str, properties: Iterable[str]) -> str:
    """Return the statement that makes a range index."""
    covered = ", ".join(f"n.`{name}`" for name in properties)
    return f"CREATE INDEX FOR (n:`{label}`) ON ({covered})"


def rewrites(cypher: str, plan: Plan, indexes: Iterable[Covers]) -> Iterator[Rewrite]:
    """Yield ways to ask for more, so that a composite index serves which is there.

    It serves only when all of its properties are compared. The answer stays the same
    where all nodes have those properties.
    """
    found = wanted(plan)
    if found is None or found.either or len(_WHERE.findall(cypher)) != 1:
        return
    for one in indexes:
        covered = tuple(one.properties or ())
        fits = one.kind in SERVING and one.labels == [found.label]
        if fits and set(found.properties) < set(covered):
            missing = [name for name in covered if name not in found.properties]
            predicate = " AND ".join(
                f"{found.variable}.{name} IS NOT NULL" for name in missing
            )
            yield Rewrite(predicate, _WHERE.sub(rf"\g<0> {predicate} AND", cypher))


class Used(NamedTuple):
    """The index that an operator reads."""

    kind: str
    label: str
    properties: str


_USED = re.compile(
    r"(?:UNIQUE (?=[A-Z]+ INDEX))?([A-Z]+)(?: INDEX)? [^:]*:`?(\w+)`?\(([\w`, ]*)\)"
)


def used(operator: Operator) -> Used | None:
    """Return the index that an operator names in its details; its name is not there."""
    found = _USED.match(operator.details) if "Index" in operator.name else None
    if found is None:
        return None
    names = [name.strip(" `") for name in found[3].split(",")]
    kind = "range" if found[1] == "UNIQUE" else found[1].lower()
    return Used(kind, found[2], ",".join(names))
