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

_NAME = r"(`(?:[^`]|``)+`|\w+)"
_SCANNED = re.compile(rf"{_NAME}:({_NAME}(?:[|&]{_NAME})*)$")
_SCANNED_TYPE = re.compile(rf"\([^()]*\)<?-\[{_NAME}:({_NAME})\]->?\([^()]*\)$")
_EQUAL = rf"\b{{}}\.{_NAME} (?:=|IN) "
_MIRRORED_EQUAL = rf" = {{}}\.{_NAME}"
_RANGED = rf"\b{{}}\.{_NAME} (?:<|>|<=|>=|STARTS WITH) "
_MIRRORED = rf" (?:<|>|<=|>=) {{}}\.{_NAME}"
_WITHIN = rf"\b{{}}\.{_NAME} (?:CONTAINS|ENDS WITH) "
_CACHED = re.compile(r"\bcache\w*\[([^\]]*)\]")
_NEGATED = re.compile(rf"\bNOT (?:\([^()]*\)|[\w$]+\.{_NAME})")
_ALTERNATIVES = re.compile(r"\([^()]*\b(?:X?OR)\b[^()]*\)")
_OR = re.compile(r"\bX?OR\b")
_WHERE = re.compile(r"\bWHERE\b", re.IGNORECASE)
_LONGEST = 120
_NO_LABEL = "name the label in the query: no index serves one that has none"
_NOT_SERVED = (
    "no index serves it as it is written: compare a property of the label as it is "
    "stored, by =, IN, <, >, STARTS WITH or CONTAINS"
)


class Wanted(NamedTuple):
    """What a scan looks for: properties of labels, those compared for equality first.

    `either` says that they are alternatives, which no common index serves; `kind` is
    that of the index which serves; `related` that the labels are types.
    """

    variable: str
    labels: tuple[str, ...]
    properties: tuple[str, ...]
    either: bool
    kind: str
    related: bool

    @property
    def covered(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return the label and the properties of each index that is needed."""
        lists = [self.properties]
        if self.either:
            lists = [(one,) for one in self.properties]
        return [(label, names) for label in self.labels for names in lists]


class Rewrite(NamedTuple):
    """A predicate that lets an index serve which is there, and the query with it."""

    predicate: str
    cypher: str


def wanted(plan: Plan) -> list[Wanted]:
    """Return what each scan of a label looks for, as far as the plan shows it."""
    above: list[Operator] = []
    found: list[Wanted] = []
    for one in plan.operators:
        del above[one.depth :]
        if scans(one):
            # A join reads both of its sides, whatever indexes there are.
            said = (up.details for up in above if "Join" not in up.name)
            wants = _wanted(one, "\n".join(said))
            found += [] if wants is None or wants in found else [wants]
        above.append(one)
    return found


def _wanted(scan: Operator, said: str) -> Wanted | None:
    related = "Relationship" in scan.name
    found = (_SCANNED_TYPE if related else _SCANNED).match(scan.details)
    compared = _compared(found[1], said) if found else None
    if found is None or compared is None:
        return None
    labels = tuple(_bare(one) for one in re.findall(_NAME, found[2]))
    if "&" in found[2]:  # all of them hold, so the index of one is enough
        labels = labels[:1]
    return Wanted(_bare(found[1]), labels, *compared, related)


def _compared(variable: str, text: str) -> tuple[tuple[str, ...], bool, str] | None:
    """Return the properties to index, whether as alternatives, and the kind."""
    text = _NEGATED.sub("", _CACHED.sub(r"\1", text))
    sure = _ALTERNATIVES.sub("", text)
    for part, kind in ((sure, "RANGE"), (text, "RANGE"), (sure, "TEXT")):
        names = _ranged(variable, part) if kind == "RANGE" else _within(variable, part)
        if names:
            return names, bool(_OR.search(part)), kind
    return None


def _ranged(variable: str, text: str) -> tuple[str, ...]:
    equal = _all((_EQUAL, _MIRRORED_EQUAL), variable, text)
    # Behind a range, a range index narrows nothing down further.
    ranged = _all((_RANGED, _MIRRORED), variable, text)[:1]
    return tuple(dict.fromkeys((*equal, *ranged)))


def _within(variable: str, text: str) -> tuple[str, ...]:
    return tuple(_all((_WITHIN,), variable, text)[:1])


def _all(patterns: Iterable[str], variable: str, text: str) -> list[str]:
    return [
        _bare(name)
        for pattern in patterns
        for name in re.findall(pattern.format(re.escape(variable)), text)
    ]


def _bare(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def statement(plan: Plan) -> str:
    """Return the statements that would spare the scans, or why there are none."""
    found = [
        create(label, names, kind=one.kind, related=one.related)
        for one in wanted(plan)
        for label, names in one.covered
    ]
    if not found:
        blind = any("All" in one.name for one in plan.operators if scans(one))
        return _NO_LABEL if blind else _NOT_SERVED
    return "; ".join(found)


def remedy(plan: Plan) -> str:
    """Return the indexes that would spare the scans in a few words; none, nothing."""
    names = [
        f"{label}({', '.join(names)}){' as text' if one.kind == 'TEXT' else ''}"
        for one in wanted(plan)
        for label, names in one.covered
    ]
    if not names:
        return ""
    what = "an index" if len(names) == 1 else "indexes"
    text = f"{what} on {' and '.join(names)}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def create(
    label: str, properties: Iterable[str], *, kind: str = "RANGE", related: bool = False
) -> str:
    """Return the statement that makes an index."""
    covered = ", ".join(f"n.{_quoted(name)}" for name in properties)
    named = f":{_quoted(label)}"
    on = f"()-[n{named}]-()" if related else f"(n{named})"
    what = "INDEX" if kind == "RANGE" else f"{kind} INDEX"
    return f"CREATE {what} FOR {on} ON ({covered})"


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def _plain(name: str) -> str:
    return name if name.isidentifier() else _quoted(name)


def rewrites(cypher: str, plan: Plan, indexes: Iterable[Covers]) -> Iterator[Rewrite]:
    """Yield ways to ask for more, so that a composite index serves which is there.

    It serves only when all of its properties are compared. The answer stays the same
    where all nodes have those properties.
    """
    places = _WHERE.findall(cypher)
    scanned = wanted(plan)
    if len(scanned) != 1 or len(places) != 1 or scanned[0].either:
        return
    (found,) = scanned
    for one in indexes:
        covered = tuple(one.properties or ())
        fits = one.kind in SERVING and [*(one.labels or ())] == [*found.labels]
        if fits and set(found.properties) < set(covered):
            missing = [name for name in covered if name not in found.properties]
            predicate = " AND ".join(
                f"{found.variable}.{_plain(name)} IS NOT NULL" for name in missing
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
