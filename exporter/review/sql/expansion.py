"""How far a statement grows when its subqueries are put in place of their names.

PostgreSQL's planner does so: `SELECT x || x FROM (SELECT x || x AS x FROM …)` doubles
at each level, in memory that no timeout bounds.
"""

from __future__ import annotations

from sqlglot import exp

from exporter.review.sql.read import root_selects, sources

MOST = 5000
"""Columns that a statement which is planned may have when it has grown."""

_ROUNDS = 25


def expansion(tree: exp.Expr) -> int:
    """Return the columns of a grown statement, an upper bound; beyond `MOST`, any."""
    named = {
        id(one): one
        for one in tree.find_all(exp.Subquery, exp.CTE)
        if not _repeats(one)
    }
    ctes = {
        one.alias.lower(): key for key, one in named.items() if isinstance(one, exp.CTE)
    }
    columns = {
        id(column): _origins(column, ctes)
        for column in tree.find_all(exp.Column, exp.Star)
    }
    weights: dict[int, int] = {}
    for _ in range(_ROUNDS):
        known = {
            c: max((weights.get(o, 1) for o in os), default=1)
            for c, os in columns.items()
        }
        before, weights = (
            weights,
            {key: _output(one, known) for key, one in named.items()},
        )
        if weights == before or sum(known.values()) > MOST:
            return sum(known.values())
    return MOST + 1


def _repeats(named: exp.Expr) -> bool:
    """Tell whether it is a recursive CTE, which is computed and not put in place."""
    over = named.parent
    return isinstance(over, exp.With) and bool(over.recursive)


def _origins(column: exp.Expr, ctes: dict[str, int]) -> list[int]:
    """Return the subqueries and CTEs that a column may come from."""
    table = column.text("table").lower()
    select = column.find_ancestor(exp.Select)
    while select is not None:
        near = sources(select)
        found = [s for s in near if not table or s.alias_or_name.lower() == table]
        if found:
            return [_key(source, ctes) for source in found]
        select = select.find_ancestor(exp.Select)
    return []


def _key(source: exp.Expr, ctes: dict[str, int]) -> int:
    return ctes.get(source.name.lower(), id(source))


def _output(named: exp.Expr, known: dict[int, int]) -> int:
    """Return the weight of the heaviest column that a subquery gives."""
    weights = (
        sum(known[id(one)] for one in column.find_all(exp.Column, exp.Star))
        for select in root_selects(named.this)
        for column in select.expressions
    )
    return max(weights, default=1)
