"""Writes a statement so that an index can serve: by rules that keep its result.

Each rewrite uses the literals that are there, makes none, and says under which
condition the result is the same. A rewrite that does not parse to what was meant is
thrown away.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import sqlglot
from sqlglot import exp

from exporter.review.sql.compared import folded_name
from exporter.review.sql.read import MISTAKES, bare, conditions, conjuncts

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.review.sql.read import Statement

_MOST = 10
_LAST_YEAR = 9998
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_FLIPPED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.GT: exp.LT,
    exp.LT: exp.GT,
    exp.GTE: exp.LTE,
    exp.LTE: exp.GTE,
}
_ORDERED = (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_NUMBERS = "for integers and numerics that do not overflow"
_TIMES = "where {} is a date or a timestamp"


class Rewrite(NamedTuple):
    """A whole statement written anew, the rule it mends, and when it is the same."""

    rule: str
    text: str
    when: str


class _Change(NamedTuple):
    rule: str
    tree: exp.Expr
    when: str


def rewrites(statement: Statement) -> list[Rewrite]:
    """Return what can be written better, each on its own, at most 10."""
    if statement.dialect != "postgres":
        return []
    found: list[Rewrite] = []
    for place in range(len(_places(statement.tree))):
        tree = statement.tree.copy()
        node = _places(tree)[place]
        change = next((c for rule in _RULES if (c := rule(node))), None)
        if change is None:
            continue
        node.replace(change.tree)
        text = statement.sql(tree)
        if _means(text, tree, statement.dialect):
            found.append(Rewrite(change.rule, text, change.when))
    return found[:_MOST]


def _means(text: str, tree: exp.Expr, dialect: str) -> bool:
    try:
        return sqlglot.parse(text, dialect=dialect) == [tree]
    except MISTAKES:
        return False


def _places(tree: exp.Expr) -> list[exp.Expr]:
    """Return the conditions that all have to hold: there NULL is as good as false."""
    return [part for condition in conditions(tree) for part in conjuncts(condition)]


def _column_side(node: exp.Expr) -> tuple[exp.Expr, exp.Expr, type[exp.Expr]] | None:
    """Return changed side, value and comparison, as if the column stood left."""
    if type(node) not in _ORDERED:
        return None
    left, right = bare(node.this), bare(node.expression)
    if right.find(exp.Column, exp.Query) is None:
        return left, right, type(node)
    if left.find(exp.Column, exp.Query) is None:
        return right, left, _FLIPPED.get(type(node), exp.EQ)
    return None


def _day(node: exp.Expr) -> _Change | None:
    """Make a range of `ts::date = day` and of `date_trunc('day', ts) = day`."""
    sides = _column_side(node)
    if sides is None or sides[2] is not exp.EQ:
        return None
    side, value, _ = sides
    inside = bare(side.this) if isinstance(side, exp.Cast | exp.Date) else None
    if isinstance(side, exp.Cast) and side.to.this is not exp.DType.DATE:
        return None
    if isinstance(side, exp.TimestampTrunc) and side.text("unit").upper() == "DAY":
        inside = bare(side.this)
    if side.args.get("zone"):  # the range would begin and end in the session's own
        return None
    if not isinstance(inside, exp.Column) or not _is_day(value):
        return None
    day = exp.cast(value.copy(), exp.DType.DATE)
    low = exp.GTE(this=inside.copy(), expression=day)
    after = exp.Paren(this=exp.Add(this=day.copy(), expression=exp.Literal.number(1)))
    high = exp.LT(this=inside.copy(), expression=after)
    when = _TIMES.format(inside.name)
    return _Change("non_sargable", _both(low, high), when)


def _both(low: exp.Expr, high: exp.Expr) -> exp.Expr:
    """Join two conditions; in parentheses, as they stand in the place of one."""
    return exp.Paren(this=exp.And(this=low, expression=high))


def _is_day(value: exp.Expr) -> bool:
    """Tell whether a value is surely a day: a literal so written, or a cast to one."""
    if isinstance(value, exp.Cast):
        return value.to.this is exp.DType.DATE
    if isinstance(value, exp.CurrentDate):
        return True
    return value.is_string and bool(_DAY.fullmatch(value.name))


def _year(node: exp.Expr) -> _Change | None:
    """Make a range of a year of `extract(year from ts) = y`."""
    sides = _column_side(node)
    if sides is None or sides[2] is not exp.EQ:
        return None
    side, value, _ = sides
    if not isinstance(side, exp.Extract) or side.name.upper() != "YEAR":
        return None
    column = bare(side.expression)
    if not isinstance(column, exp.Column) or not _is_year(value):
        return None

    def first_of(year: exp.Expr) -> exp.Expr:
        one = exp.Literal.number(1)
        return exp.Anonymous(this="make_date", expressions=[year, one, one.copy()])

    following = exp.Add(this=value.copy(), expression=exp.Literal.number(1))
    low = exp.GTE(this=column.copy(), expression=first_of(value.copy()))
    high = exp.LT(this=column.copy(), expression=first_of(following))
    when = _TIMES.format(column.name)
    return _Change("non_sargable", _both(low, high), when)


def _is_year(value: exp.Expr) -> bool:
    """Tell whether a value is a year that has dates, and the one after it too."""
    plain = isinstance(value, exp.Literal) and value.is_int
    return plain and 1 <= int(value.name) <= _LAST_YEAR


def _moved(node: exp.Expr) -> _Change | None:
    """Make `n > 10 - 1` of `n + 1 > 10`: take off on the other side what is added."""
    sides = _column_side(node)
    if sides is None or not isinstance(sides[0], exp.Add | exp.Sub):
        return None
    side, value, comparison = sides
    column, added = bare(side.this), bare(side.expression)
    if isinstance(side, exp.Add) and isinstance(added, exp.Column):
        column, added = added, column
    plain = isinstance(added, exp.Literal) and not added.is_string
    if not isinstance(column, exp.Column) or not plain or not value.is_number:
        return None
    opposite = exp.Sub if isinstance(side, exp.Add) else exp.Add
    other = opposite(this=value.copy(), expression=added.copy())
    tree = comparison(this=column.copy(), expression=other)
    return _Change("non_sargable", tree, _NUMBERS)


def _coalesced(node: exp.Expr) -> _Change | None:
    """Make `n = 1` of `coalesce(n, 0) = 1`: the substitute is another value."""
    sides = _column_side(node)
    if (
        sides is None
        or sides[2] is not exp.EQ
        or not isinstance(sides[0], exp.Coalesce)
    ):
        return None
    side, value, _ = sides
    column, others = bare(side.this), side.expressions
    if not isinstance(column, exp.Column) or len(others) != 1:
        return None
    other = bare(others[0])
    literals = isinstance(other, exp.Literal) and isinstance(value, exp.Literal)
    if not literals or not (other.is_int and value.is_int):
        return None
    if int(other.name) == int(value.name):
        return None
    tree = exp.EQ(this=column.copy(), expression=value.copy())
    return _Change("non_sargable", tree, "always")


def _not_exists(node: exp.Expr) -> _Change | None:
    """Make NOT EXISTS of `o.a NOT IN (SELECT t.b FROM t)`.

    Only where the text says whose `b` is: alone it may be of the outer query.
    """
    inner = bare(node.this) if isinstance(node, exp.Not) else node
    query = inner.args.get("query") if isinstance(inner, exp.In) else None
    select = bare(query) if query is not None and inner is not node else None
    if not isinstance(select, exp.Select) or len(select.expressions) != 1:
        return None
    outer, column = bare(inner.this), select.expressions[0].unalias()
    simple = {"expressions", "from_", "where", "kind"} >= {
        key for key, value in select.args.items() if value
    }
    table = select.args["from_"].this if select.args.get("from_") else None
    plain = isinstance(outer, exp.Column) and isinstance(column, exp.Column)
    if not (simple and plain and isinstance(table, exp.Table)) or column.is_star:
        return None
    named = table.args["alias"].this if table.alias else table.this
    inside = folded_name(named)
    owners = [folded_name(one.args.get("table")) for one in (outer, column)]
    own = inside and owners[1] == inside and not column.args.get("db")
    if not own or owners[0] in ("", inside):
        return None  # a name that means another column where it would stand then
    same = exp.EQ(this=column.copy(), expression=outer.copy())
    exists = select.copy()
    exists.set("expressions", [exp.Literal.number(1)])
    tree = exp.Not(this=exp.Exists(this=exists.where(same, copy=False)))
    when = f"where neither {outer.sql()} nor {column.sql()} is NULL"
    return _Change("not_in_nulls", tree, when)


_RULES: tuple[Callable[[exp.Expr], _Change | None], ...] = (
    *(_day, _year, _moved, _coalesced, _not_exists),
)
