"""Rules on conditions that no plain index can serve, or that mean something else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from exporter.review.sql.finding import Finding
from exporter.review.sql.read import bare, conditions, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.review.sql.read import Statement

_LIKES = (exp.Like, exp.ILike, exp.SimilarTo)
_REGULAR = (exp.RegexpLike, exp.RegexpILike)
COMPARISONS = (
    *(exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In),
    *(exp.Is, exp.NullSafeEQ, *_LIKES),
)
_FROM_JSON = (exp.JSONExtract, exp.JSONExtractScalar)
_NO_CHANGE = (exp.Column, exp.Paren, exp.Tuple, exp.Collate, exp.Any)
_WHOLE = re.compile(r"\d+\.0*")
_DECIMAL = re.compile(r"\d*\.\d+|\d+\.\d*|\d+(\.\d*)?[eE][+-]?\d+")


def leading_wildcard(statement: Statement) -> Iterator[Finding]:
    """Find patterns without a fixed beginning."""
    for node in _conditions_of(statement, *_LIKES, *_REGULAR):
        column = node.this.find(exp.Column)
        begin = _beginning(node.expression)
        if column is None or begin is None:
            continue
        regular = isinstance(node, _REGULAR)
        if (not begin.startswith("^")) if regular else begin.startswith(("%", "_")):
            yield Finding(
                "leading_wildcard",
                "warning",
                statement.place(node.expression, node),
                f"the pattern on {column.name} has no fixed beginning, so that a "
                "B-tree index cannot find where to look: every value is compared",
                "begin with what is known; else an index for it: "
                "USING gin (… gin_trgm_ops) of pg_trgm, or full text search",
            )


def non_sargable(statement: Statement) -> Iterator[Finding]:
    """Find columns that are compared only after something was done to them."""
    for node in _conditions_of(statement, *COMPARISONS):
        for side, others in _sides(node):
            changed = _changed(statement, side)
            if changed is None or any(map(_is_plain, others)):
                continue
            column, how = changed
            json = isinstance(side.unnest(), _FROM_JSON)
            yield Finding(
                "non_sargable",
                "info" if json else "warning",
                statement.place(side, node),
                f"{how} is compared, not {column} itself: an index on {column} "
                "does not serve",
                f"leave {column} alone on its side and change the other side, or make "
                "an index on the very expression",
                _without_casts(statement, side),
            )
    for node in _conditions_of(statement, exp.EQ):
        for side in (bare(node.this), bare(node.expression)):
            held = side.this.unnest() if isinstance(side, exp.Any) else None
            if isinstance(held, exp.Column):
                yield Finding(
                    "non_sargable",
                    "warning",
                    statement.place(side, node),
                    f"= ANY ({held.name}) looks into each row's array: no index serves",
                    f"write {held.name} @> ARRAY[…], which a GIN index on it serves",
                )


def implicit_cast(statement: Statement) -> Iterator[Finding]:
    """Find comparisons that convert the column, as far as the text alone shows it."""
    kinds: dict[str, set[bool]] = {}
    for node in _conditions_of(statement, *COMPARISONS):
        for column, literal in _pairs(node):
            said = kinds.setdefault(column.sql().lower(), set())
            said.add(bool(literal.is_string))
            decimal = not literal.is_string and _DECIMAL.fullmatch(literal.name)
            whole = decimal and _WHOLE.fullmatch(literal.name)
            if whole or (decimal and _is_key(column.name)):
                why = (
                    f"a decimal number is compared with {column.name}: if that is an "
                    "integer, each row's value is converted and its index not used"
                )
                fix = "write it as an integer"
            elif len(said) > 1:
                why = (
                    f"{column.name} is compared with text here and with a number "
                    "elsewhere: one of the two is converted, or refused"
                )
                fix = "write the value in the column's own type"
                said.clear()
            else:
                continue
            place = statement.place(literal, column)
            yield Finding("implicit_cast", "warning", place, why, fix)


def _conditions_of(statement: Statement, *kinds: type[exp.Expr]) -> Iterator[exp.Expr]:
    """Yield the comparisons in what decides which rows are read."""
    for condition in conditions(statement.tree):
        yield from (node for node in within(condition) if isinstance(node, kinds))


def _beginning(pattern: exp.Expr) -> str | None:
    """Return the literal that a pattern begins with, if there is one."""
    pattern = pattern.unnest()
    while isinstance(pattern, exp.DPipe | exp.Concat):
        inside = pattern.expressions if isinstance(pattern, exp.Concat) else ()
        pattern = (inside[0] if inside else pattern.this).unnest()
    return pattern.name if pattern.is_string else None


def _sides(node: exp.Expr) -> Iterator[tuple[exp.Expr, list[exp.Expr]]]:
    """Yield each side of a comparison, with what it is compared with."""
    if isinstance(node, exp.Between):
        yield node.this, [node.args["low"], node.args["high"]]
    elif isinstance(node, exp.In):
        yield node.this, []
    else:
        yield node.this, [node.expression]
        if not isinstance(node, exp.Is | exp.Like | exp.ILike | exp.SimilarTo):
            yield node.expression, [node.this]


def _changed(statement: Statement, side: exp.Expr) -> tuple[str, str] | None:
    """Return the column that a side hides, and in what; None when it is bare."""
    side = side.unnest()
    if isinstance(side, _NO_CHANGE) or side.find(exp.AggFunc, exp.Query, exp.Window):
        return None
    column = side.find(exp.Column)
    return None if column is None else (column.name, _described(statement, side))


def _described(statement: Statement, side: exp.Expr) -> str:
    """Name what is done to a column, without the literals in it."""
    if isinstance(side, exp.Cast):
        return f"a cast to {statement.sql(side.to).lower()}"
    if isinstance(side, _FROM_JSON):
        return "a value inside of JSON"
    name, open_, _ = statement.sql(side).partition("(")
    if isinstance(side, exp.Func) and open_ and name.isidentifier():
        return f"{name.lower()}(…)"
    return "a calculation" if isinstance(side, exp.Binary) else "an expression"


def _without_casts(statement: Statement, side: exp.Expr) -> str:
    """Write a side as a plan names it, but for casts, which the server adds itself."""
    whole = exp.Paren(this=side.unnest().copy())
    for cast in list(whole.find_all(exp.Cast)):
        cast.replace(cast.this)
    return statement.sql(whole.this)


def _is_plain(side: exp.Expr) -> bool:
    """Tell whether a side is a column as it is, for which an index can serve."""
    return isinstance(side.unnest(), exp.Column)


def _pairs(node: exp.Expr) -> Iterator[tuple[exp.Column, exp.Expr]]:
    """Yield each bare column with each literal that it is compared with."""
    if isinstance(node, exp.Is | exp.Like | exp.ILike | exp.SimilarTo):
        return
    parts = [node.this, *node.iter_expressions()]
    columns = [c for c in map(bare, parts) if isinstance(c, exp.Column)]
    for literal in map(bare, parts):
        if columns and isinstance(literal, exp.Literal):
            yield columns[0], literal


def _is_key(name: str) -> bool:
    return name.lower() == "id" or name.lower().endswith("_id")
