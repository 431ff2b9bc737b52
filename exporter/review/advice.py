"""Which index would help a plan, and what the types of columns do to it; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from exporter.review.shape import Answer

_FEW = 0.1  # of a table: beyond, reading all of it is as quick as an index
_SMALL = 1000.0  # rows: such a table is read as a whole in any case
_TUPLE_COST = 0.0125  # cpu_tuple_cost and cpu_operator_cost as they are shipped
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
# What cannot name a column without quotes; pg_get_keywords() has them as R and T.
_RESERVED = """
    all analyse analyze and any array as asc asymmetric authorization binary both
    case cast check collate collation column concurrently constraint create cross
    current_catalog current_date current_role current_schema current_time
    current_timestamp current_user default deferrable desc distinct do else end
    except false fetch for foreign freeze from full grant group having ilike in
    initially inner intersect into is isnull join lateral leading left like limit
    localtime localtimestamp natural not notnull null offset on only or order
    outer overlaps placing primary references returning right select session_user
    similar some symmetric system_user table tablesample then to trailing true
    union unique user using variadic verbose when where window with
"""
_AGAIN = re.compile(r"_\d+$")  # EXPLAIN numbers an alias that comes twice
_FAMILIES = (
    {"int2", "int4", "int8"},
    {"numeric"},
    {"float4", "float8"},
    {"text", "varchar", "name"},
    {"bpchar"},
    {"date", "timestamp", "timestamptz"},
)
_INTEGERS = _FAMILIES[0]


class Table(NamedTuple):
    """What the server knows of a table; `rows` and `pages` as the planner has them.

    `columns` are types by column; `indexes` the columns of each usable index, in
    order, an expression being "".
    """

    name: str
    schema: str
    relation: str
    rows: float
    pages: float
    columns: Mapping[str, str]
    indexes: tuple[tuple[str, ...], ...]
    page_cost: float


class Scan(NamedTuple):
    """A node that reads a whole table: rows that it gives, and what it costs."""

    alias: str
    relation: str
    rows: float
    cost: float


class Candidate(NamedTuple):
    """An index that may help: columns or one expression, and the scan it replaces."""

    table: Table
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    scan: Scan

    @property
    def there(self) -> bool:
        """Whether an index begins with these columns already."""
        wanted, count = set(self.columns), len(self.columns)
        plain = self.keys == tuple(map(quoted, self.columns))
        return plain and any(set(i[:count]) == wanted for i in self.table.indexes)

    def statement(self, *, online: bool) -> str:
        """Write the statement that makes it; `online` lets writers go on meanwhile."""
        how = "CREATE INDEX CONCURRENTLY" if online else "CREATE INDEX"
        on = f"{quoted(self.table.schema)}.{quoted(self.table.relation)}"
        return f"{how} ON {on} ({', '.join(self.keys)})"


def quoted(name: str) -> str:
    """Write a name as an identifier, with quotes where they are needed."""
    if _PLAIN.fullmatch(name) and name not in _RESERVED.split():
        return name
    return '"' + name.replace('"', '""') + '"'


def scans(node: Mapping[str, Any]) -> Iterator[Scan]:
    """Yield the nodes of a plan that read a whole table."""
    if node["Node Type"] == "Seq Scan":
        rows, cost = float(node["Plan Rows"]), float(node["Total Cost"])
        relation = node["Relation Name"]
        yield Scan(node.get("Alias", relation), relation, rows, cost)
    for below in node.get("Plans", ()):
        yield from scans(below)


def uses_hypothetical(node: Mapping[str, Any]) -> bool:
    """Tell whether a plan reads an index that hypopg has made up."""
    below = node.get("Plans", ())
    named = str(node.get("Index Name", "")).startswith("<")
    return named or any(map(uses_hypothetical, below))


def candidates(
    root: Mapping[str, Any],
    compared: Sequence[Mapping[str, Any]],
    tables: Mapping[str, Table],
) -> list[Candidate]:
    """Return the indexes worth trying: for each scan what is compared of its table."""
    found: dict[tuple[str, tuple[str, ...]], Candidate] = {}
    for scan in scans(root):
        for entry in compared:
            table = tables.get(entry["table"])
            if table is None or not _is_of(scan, entry, table):
                continue
            for keys, columns in _keys(entry, table):
                one = Candidate(table, keys, columns, scan)
                found.setdefault((table.name, keys), one)
    return list(found.values())


def _is_of(scan: Scan, entry: Mapping[str, Any], table: Table) -> bool:
    alias = _AGAIN.sub("", scan.alias)
    return scan.relation == table.relation and entry["alias"] in (scan.alias, alias)


def _keys(
    entry: Mapping[str, Any], table: Table
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield keys of indexes and their columns: equal first, then one range."""
    equal, ranged, joined, order = (
        tuple(name for name in entry[kind] if name in table.columns)
        for kind in ("equal", "ranged", "joined", "order")
    )
    further = ranged[:1] or order
    wanted = [(*equal, *(one for one in further if one not in equal)), joined]
    if equal:
        wanted.append(equal)
    for columns in dict.fromkeys(wanted):
        if columns:
            yield tuple(map(quoted, columns)), columns
    for function, column in entry["folded"]:
        if column in table.columns:
            yield (f"{function}({quoted(column)})",), (column,)


def estimated(candidate: Candidate, total: float) -> Answer | None:
    """Judge an index by the planner's own estimate of rows; None if it would not help.

    `total` is the cost of the whole plan. Each row is taken to cost a page of its own,
    at random: the dearest case.
    """
    table, scan = candidate.table, candidate.scan
    if table.rows < _SMALL or scan.rows > _FEW * table.rows:
        return None
    fetched = min(scan.rows, max(table.pages, 1.0)) + 2  # and the way down the index
    cost = fetched * table.page_cost + scan.rows * _TUPLE_COST
    if cost >= scan.cost:
        return None
    why = (
        f"the planner expects {scan.rows:,.0f} of {table.rows:,.0f} rows of "
        f"{table.relation} and reads all of them; at best, and not proved: "
        "extension hypopg would prove it"
    )
    after = total - scan.cost + cost
    return said(candidate, "estimate", (total, after), why)


def proved(candidate: Candidate, costs: tuple[float, float]) -> Answer:
    """Say that the planner takes an index once it is there; costs before and after."""
    why = (
        "the planner takes it: planned with a hypothetical index of hypopg, which "
        "exists for that plan alone"
    )
    return said(candidate, "hypothetical index", costs, why)


def said(
    candidate: Candidate, proof: str, costs: tuple[float, float], why: str
) -> Answer:
    """Return an advice as the answer has it; costs in the planner's units."""
    return {
        "statement": candidate.statement(online=True),
        "table": f"{candidate.table.schema}.{candidate.table.relation}",
        "columns": list(candidate.columns),
        "proof": proof,
        "cost_before": round(costs[0], 2),
        "cost_after": round(costs[1], 2),
        "why": why,
    }


def converted(
    compared: Sequence[Mapping[str, Any]], tables: Mapping[str, Table]
) -> Iterator[Answer]:
    """Yield findings on columns whose values have to be converted to be compared."""
    by_alias = {entry["alias"]: tables.get(entry["table"]) for entry in compared}
    for entry in compared:
        table = tables.get(entry["table"])
        for pair in entry["pairs"] if table else ():
            mine = table.columns.get(pair["column"]) if table else None
            owner = by_alias.get(pair["other_alias"])
            if pair["other"]:
                other = owner.columns.get(pair["other"]) if owner else None
            else:
                other = "numeric"
            if mine and other and _is_converted(mine, other):
                yield _conversion(pair, mine, other)


def _is_converted(mine: str, other: str) -> bool:
    """Tell whether a column of one type is converted to meet the other."""
    ranks = {name: rank for rank, names in enumerate(_FAMILIES) for name in names}
    if mine not in ranks or other not in ranks or ranks[mine] == ranks[other]:
        return False
    if mine == "bpchar":
        return other in _FAMILIES[3]
    return ranks[mine] < ranks[other] and ranks[other] <= ranks["float8"]


def _conversion(pair: Mapping[str, Any], mine: str, other: str) -> Answer:
    column = pair["column"]
    what = f"{pair['other']} ({other})" if pair["other"] else "a decimal number"
    literal = mine in _INTEGERS and not pair["other"]
    fix = "write it as an integer" if literal else "give both columns the same type"
    return {
        "rule": "implicit_cast",
        "severity": "warning",
        "line": pair["line"],
        "column": pair["at"],
        "why": f"{column} ({mine}) is compared with {what}: each of its values is "
        f"converted to {other}, so that an index on {column} does not serve",
        "fix": fix,
    }
