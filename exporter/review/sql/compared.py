"""What a statement compares of each table: what an index would have to begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlglot import exp

from exporter.review.sql.read import bare, conjuncts, ctes, is_table, sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.review.sql.read import Statement

_FOLDED: dict[type[exp.Expr], str] = {exp.Lower: "lower", exp.Upper: "upper"}


class Pair(NamedTuple):
    """A column that is compared with another one, or with a decimal number."""

    column: str
    other_alias: str
    other: str
    line: int
    at: int


class Compared(NamedTuple):
    """A table of a statement, and which of its columns are compared how.

    A column without a table's name may be of any table beside it: whose it is only the
    server knows. `table` is the table's name in SQL. `equal` and `ranged` are compared
    with values, `joined` are equal to columns of others. `folded` are pairs of `lower`
    or `upper` and a column; `order` is what the rows are sorted by before a LIMIT,
    where all is ascending. `pairs` are what the server may have to convert.
    """

    alias: str
    table: str
    equal: tuple[str, ...]
    ranged: tuple[str, ...]
    joined: tuple[str, ...]
    folded: tuple[tuple[str, str], ...]
    order: tuple[str, ...]
    pairs: tuple[Pair, ...]


def compared(statement: Statement) -> list[Compared]:
    """Return each table that is read, with what is compared of it."""
    known = ctes(statement.tree)
    return [
        _of(statement, source, conditions)
        for select in statement.tree.find_all(exp.Select)
        if (conditions := list(_conditions(select))) or select.args.get("order")
        for source in sources(select)
        if is_table(source, known)
    ]


def _of(statement: Statement, source: exp.Expr, conditions: list[exp.Expr]) -> Compared:
    alias = source.alias_or_name
    kinds: dict[str, dict[str, None]] = {"equal": {}, "ranged": {}, "joined": {}}
    folded: dict[tuple[str, str], None] = {}
    pairs: list[Pair] = []
    for condition in conditions:
        for side, other in _sides(condition):
            name = _mine(side, alias)
            inner = _mine(side.this, alias) if type(side) in _FOLDED else None
            if name:
                kinds[_kind(condition, other)][name] = None
                pairs += _pairs(statement, side, other)
            elif inner and isinstance(condition, exp.EQ):
                folded[_FOLDED[type(side)], inner] = None
    named = source.args["alias"].this if source.alias else source.this
    return Compared(
        alias=folded_name(named),
        table=table_name(source),
        equal=tuple(kinds["equal"]),
        ranged=tuple(kinds["ranged"]),
        joined=tuple(kinds["joined"]),
        folded=tuple(folded),
        order=tuple(_order(source.find_ancestor(exp.Select), alias)),
        pairs=tuple(pairs),
    )


def table_name(table: exp.Expr) -> str:
    """Return a table's name in SQL, with its schema where the text has it."""
    parts = exp.Table(this=table.this.copy(), db=table.args.get("db"))
    return parts.sql(dialect="postgres")


def _kind(condition: exp.Expr, other: exp.Expr | None) -> str:
    if isinstance(other, exp.Column):
        return "joined"
    return "equal" if isinstance(condition, exp.EQ | exp.In) else "ranged"


def _pairs(
    statement: Statement, side: exp.Expr, other: exp.Expr | None
) -> Iterator[Pair]:
    column, name = isinstance(other, exp.Column), folded_name(side.this)
    if other is None or not (column or _is_decimal(other)):
        return
    place = statement.place(other, side)
    alias = folded_name(other.args.get("table")) if column else ""
    yield Pair(name, alias, folded_name(other.this) if column else "", *place)


def _is_decimal(value: exp.Expr) -> bool:
    literal = isinstance(value, exp.Literal) and not value.is_string
    return literal and not value.name.isdigit()


def _conditions(select: exp.Select) -> Iterator[exp.Expr]:
    if where := select.args.get("where"):
        yield from conjuncts(where.this)
    for join in select.args.get("joins") or ():
        if on := join.args.get("on"):
            yield from conjuncts(on)


def _sides(condition: exp.Expr) -> list[tuple[exp.Expr, exp.Expr | None]]:
    """Return the sides of a comparison that an index could serve, and their others."""
    if isinstance(condition, exp.EQ | exp.GT | exp.GTE | exp.LT | exp.LTE):
        left, right = bare(condition.this), bare(condition.expression)
        return [(left, right), (right, left)]
    listed = isinstance(condition, exp.In) and not condition.args.get("negate")
    if listed or isinstance(condition, exp.Between):
        return [(bare(condition.this), None)]
    return []


def _mine(side: exp.Expr, alias: str) -> str | None:
    """Return the column if it is one, and of this table as far as the text says."""
    if not isinstance(side, exp.Column) or side.is_star:
        return None
    if side.table and side.table.lower() != alias.lower():
        return None
    return folded_name(side.this)


def folded_name(identifier: exp.Expr | None) -> str:
    """Return a name as the catalog has it: in lower case unless it was quoted."""
    if not isinstance(identifier, exp.Identifier):
        return ""
    return identifier.name if identifier.quoted else identifier.name.lower()


def _order(select: exp.Expr | None, alias: str) -> Iterator[str]:
    if select is None:
        return
    order = select.args.get("order")
    if order is None or not select.args.get("limit"):
        return
    for one in order.expressions:
        name = _mine(one.this, alias)
        if name is None or one.args.get("desc"):
            return
        yield name
