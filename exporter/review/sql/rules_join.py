"""The rule on joins: every table has to be connected with the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from exporter.review.sql.finding import Finding
from exporter.review.sql.read import conjuncts, sources
from exporter.review.sql.rules_rows import is_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.review.sql.read import Statement

_TWO = 2


def cartesian_join(statement: Statement) -> Iterator[Finding]:
    """Find tables of which every row is paired with every row of the others."""
    for query in statement.tree.find_all(exp.Select, exp.Update, exp.Delete):
        found = [one for one in sources(query) if _multiplies(one)]
        if len(found) < _TWO:
            continue
        single = _single(query)
        groups = [
            group
            for group in _connected(query, found)
            if not {one.alias_or_name.lower() for one in group} <= single
        ]
        loose = groups[1:]
        meant = {id(j.this) for j in query.args.get("joins") or () if _is_meant(j)}
        for group in loose:
            source = group[0]
            name = source.alias_or_name or "a subquery"
            yield Finding(
                "cartesian_join",
                "info" if id(source) in meant else "warning",
                statement.place(source, query),
                f"nothing connects {name} with what stands before it: every row of one "
                "is paired with every row of the other",
                "join by the columns that belong together: JOIN … ON",
            )


def _multiplies(source: exp.Expr) -> bool:
    """Tell whether a source can have many rows of its own."""
    if isinstance(source, exp.Table):
        return isinstance(source.this, exp.Identifier)
    if not isinstance(source, exp.Subquery):
        return False
    inner = source.unnest()
    if inner.args.get("limit"):
        return False
    return not (
        isinstance(inner, exp.Select)
        and not inner.args.get("group")
        and inner.expressions
        and all(column.find(exp.AggFunc) for column in inner.expressions)
    )


def _single(query: exp.Expr) -> set[str]:
    """Return the names of the sources of which a key is given: one row each."""
    return {
        column.table.lower()
        for condition in filter(is_key, _all_conditions(query))
        for column in condition.find_all(exp.Column)
    }


def _connected(query: exp.Expr, found: list[exp.Expr]) -> list[list[exp.Expr]]:
    """Group the sources by what connects them, in the order of the text."""
    group = list(range(len(found)))
    for places in _links(query, found):
        joined = {group[place] for place in places}
        group = [min(joined) if mine in joined else mine for mine in group]
    return [
        [one for one, mine in zip(found, group, strict=True) if mine == number]
        for number in dict.fromkeys(group)
    ]


def _links(query: exp.Expr, found: list[exp.Expr]) -> Iterator[list[int]]:
    """Yield the places of sources that something connects."""
    names = [one.alias_or_name.lower() for one in found]
    for join in query.args.get("joins") or ():
        if join.args.get("using") or join.method == "NATURAL":
            for place, one in enumerate(found):
                if one is join.this:
                    yield [*range(place + 1)]
    for condition in _all_conditions(query):
        columns = list(condition.find_all(exp.Column))
        said = {column.table.lower() for column in columns}
        if len({column.sql() for column in columns}) < _TWO:
            continue
        # Whose a column without a table is, the text does not say: it may be anybody's.
        yield [i for i, name in enumerate(names) if "" in said or name in said]


def _all_conditions(query: exp.Expr) -> Iterator[exp.Expr]:
    if where := query.args.get("where"):
        yield from conjuncts(where.this)
    joins = [*(query.args.get("joins") or ())]
    if origin := query.args.get("from_"):
        joins += origin.this.args.get("joins") or ()
    for join in joins:
        if on := join.args.get("on"):
            yield from conjuncts(on)


def _is_meant(join: exp.Expr) -> bool:
    """Tell whether the text says outright that all pairs are wanted."""
    on = join.args.get("on")
    return join.args.get("kind") == "CROSS" or (
        isinstance(on, exp.Boolean) and bool(on.this)
    )
