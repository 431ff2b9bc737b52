"""The rule on NOT IN: one NULL in it, and no row is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from exporter.review.sql.compared import folded_name
from exporter.review.sql.finding import Finding
from exporter.review.sql.read import bare, conjuncts, sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.review.sql.read import Statement

# True only where the column is not NULL; ALL is true of no rows at all, whatever it is.
_NOT_OF_NULL = (
    *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE),
    *(exp.Between, exp.In, exp.Like, exp.ILike),
)
_SERIES = (exp.GenerateSeries, exp.ExplodingGenerateSeries)
_TOTALS = (exp.Rollup, exp.Cube, exp.GroupingSets)


def not_in_nulls(statement: Statement) -> Iterator[Finding]:
    """Find NOT IN that gives no row at all once there is a NULL."""
    for node in statement.tree.find_all(exp.Not, exp.NEQ):
        inside = _denied(node)
        if inside is None:
            continue
        listed, query = inside
        if any(isinstance(one, exp.Null) for one in listed):
            yield Finding(
                "not_in_nulls",
                "critical",
                statement.place(node),
                "NOT IN a list with NULL is never true: no row is found",
                "take NULL out of the list, and add IS NOT NULL where it is meant",
            )
        elif query is not None and not _never_null(query):
            yield Finding(
                "not_in_nulls",
                "warning",
                statement.place(node),
                "if the subquery gives one NULL, NOT IN is true for no row; and it "
                "cannot be planned as an anti join",
                "write NOT EXISTS (SELECT … WHERE inner = outer)",
            )


def _never_null(query: exp.Expr) -> bool:
    """Tell whether the text shows that a subquery's one column is not NULL."""
    select = query.unnest()
    if not isinstance(select, exp.Select) or len(select.expressions) != 1:
        return False
    column = select.expressions[0].unalias().unnest()
    if isinstance(column, exp.Literal | exp.Count) or _is_made(column):
        return True
    if isinstance(column, exp.Coalesce):
        return any(isinstance(one, exp.Literal) for one in column.expressions)
    group = select.args.get("group")
    if group is not None and group.find(*_TOTALS):
        return False  # whose totals have NULL for the column
    if not isinstance(column, exp.Column | exp.Star):
        return False
    where = select.args.get("where")
    parts = conjuncts(where.this) if where is not None else ()
    return _is_of_made(column, select) or any(_excludes_null(p, column) for p in parts)


def _is_made(node: exp.Expr) -> bool:
    """Tell whether it is rows made of values that are not NULL."""
    if isinstance(node, _SERIES):
        return True
    arrays = node.expressions if isinstance(node, exp.Unnest) else [node.this]
    return isinstance(node, exp.Unnest | exp.Explode) and all(
        isinstance(array, exp.Array)
        and all(
            isinstance(bare(one), exp.Literal | exp.Neg) for one in array.expressions
        )
        for array in arrays
    )


def _is_of_made(column: exp.Expr, select: exp.Select) -> bool:
    """Tell whether a column is that of the only source, which makes its rows."""
    found = sources(select)
    made = found[0].this if found and isinstance(found[0], exp.Table) else None
    if len(found) != 1 or not _is_made(made or found[0]):
        return False
    alias = found[0].args.get("alias")
    names = [alias.this, *alias.columns] if alias is not None else []
    known = {folded_name(name) for name in names}
    return column.is_star or folded_name(column.this) in known


def _excludes_null(part: exp.Expr, column: exp.Expr) -> bool:
    """Tell whether a condition holds for no row where the column is NULL."""
    if isinstance(part, exp.Is):
        negated = bool(part.args.get("negate"))
        null = negated and isinstance(part.expression, exp.Null)
        return null and _is_same(part.this, column)
    if isinstance(part, exp.Not):
        inner = bare(part.this)
        null = isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null)
        return null and _is_same(inner.this, column)
    if not isinstance(part, _NOT_OF_NULL):
        return False
    sides = [part.this]
    if isinstance(part, exp.Binary):
        sides.append(part.expression)
    whole = any(isinstance(bare(side), exp.All) for side in sides)
    return not whole and any(_is_same(side, column) for side in sides)


def _is_same(side: exp.Expr, column: exp.Expr) -> bool:
    """Tell whether both are one column; a name without a table's is never of two."""
    side = bare(side)
    if not isinstance(side, exp.Column) or not isinstance(column, exp.Column):
        return False
    owners = {folded_name(one.args.get("table")) for one in (side, column)} - {""}
    return len(owners) <= 1 and folded_name(side.this) == folded_name(column.this)


def _denied(node: exp.Expr) -> tuple[list[exp.Expr], exp.Expr | None] | None:
    """Return what NOT IN, <> ALL or NOT = ANY compares with: a list and a subquery."""
    if isinstance(node, exp.NEQ):
        right = node.right.unnest()
        if isinstance(right, exp.All) and isinstance(right.this, exp.Query):
            return [], right.this
        return None
    inner = node.this.unnest()
    if isinstance(inner, exp.In):
        return inner.expressions, inner.args.get("query")
    if isinstance(inner, exp.EQ):
        right = inner.right.unnest()
        if isinstance(right, exp.Any) and isinstance(right.this, exp.Query):
            return [], right.this
    return None
