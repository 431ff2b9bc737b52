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
    selects = list(tree.find_all(exp.Select))
    known: dict[str, int] = {}
    for _ in range(_ROUNDS):
        before = dict(known)
        for named in tree.find_all(exp.Subquery, exp.CTE):
            if named.alias and not _repeats(named):
                parts = root_selects(named.this)
                weight = max((_output(one, known) for one in parts), default=1)
                name = named.alias.lower()
                known[name] = max(weight, known.get(name, 1))
        total = sum(_weight(one, one, known) for one in selects)
        if known == before or total > MOST:
            return total
    return MOST + 1


def _repeats(named: exp.Expr) -> bool:
    """Tell whether it is a recursive CTE, which is computed and not put in place."""
    over = named.parent
    return isinstance(over, exp.With) and bool(over.recursive)


def _output(select: exp.Select, known: dict[str, int]) -> int:
    """Return the weight of the heaviest column that a SELECT gives."""
    weights = (_weight(column, select, known) for column in select.expressions)
    return max(weights, default=1)


def _weight(node: exp.Expr, select: exp.Select, known: dict[str, int]) -> int:
    names = [source.alias_or_name.lower() for source in sources(select)]
    most = max((known.get(name, 1) for name in names), default=1)
    total = 1
    for column in node.find_all(exp.Column, exp.Star):
        table = column.table.lower() if isinstance(column, exp.Column) else ""
        total += known.get(table, 1) if table else most
    return total
