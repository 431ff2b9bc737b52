"""Rules on how much a statement reads and returns: columns, rows, pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from exporter.review.sql.finding import Finding
from exporter.review.sql.read import conjuncts, ctes, is_table, root_selects, sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.review.sql.read import Statement


def select_star(statement: Statement) -> Iterator[Finding]:
    """Find `*` and `t.*` that stand for the columns of a table."""
    known = ctes(statement.tree)
    for select in statement.tree.find_all(exp.Select):
        if isinstance(select.parent, exp.Exists):
            continue
        for column in select.expressions:
            if column.is_star and not isinstance(column, exp.Count):
                names = [one for one in sources(select) if is_table(one, known)]
                meant = isinstance(column, exp.Column) and column.table.lower()
                if any(
                    not meant or one.alias_or_name.lower() == meant for one in names
                ):
                    yield Finding(
                        "select_star",
                        "warning",
                        statement.place(column, select),
                        "every column is read and sent, also wide ones and those that "
                        "are added later; no index alone can answer it",
                        "name the columns that are used",
                    )


def no_where(statement: Statement) -> Iterator[Finding]:
    """Find what changes or reads all rows of a table."""
    tree = statement.tree
    for change in tree.find_all(exp.Update, exp.Delete):
        if not _chooses(change) and not change.args.get("limit"):
            word = "updated" if isinstance(change, exp.Update) else "deleted"
            yield Finding(
                "no_where",
                "critical",
                statement.place(change.this, change),
                f"without WHERE every row of {_name(change.this)} is {word}",
                "say which rows: add WHERE; for all of them TRUNCATE or batches",
            )
    known = ctes(tree)
    for select in root_selects(tree):
        tables = [one for one in sources(select) if is_table(one, known)]
        if tables and not _chooses(select) and not _limited(select):
            yield Finding(
                "no_where",
                "info" if _one_row(select) else "warning",
                statement.place(tables[0], select),
                f"without WHERE all of {_name(tables[0])} is read",
                "say which rows: add WHERE, or LIMIT for a sample",
            )


def missing_limit(statement: Statement) -> Iterator[Finding]:
    """Find results that grow with the table."""
    tree = statement.tree
    known = ctes(tree)
    selects = list(root_selects(tree))
    read = [s for s in selects if any(is_table(o, known) for o in sources(s))]
    if not read or _limited(tree) or all(map(_bounded, read)):
        return
    whole = any(not _chooses(one) and not one.args.get("group") for one in read)
    yield Finding(
        "missing_limit",
        "warning" if whole else "info",
        statement.place(*read[0].expressions, read[0]),
        "nothing bounds the rows of the result, which grow with the table",
        "add ORDER BY and LIMIT, and read on from the last key seen",
    )


def offset_paging(statement: Statement) -> Iterator[Finding]:
    """Find pages that are reached by reading all pages before them."""
    for offset in statement.tree.find_all(exp.Offset):
        skipped = offset.expression
        if isinstance(skipped, exp.Literal) and skipped.name == "0":
            continue
        yield Finding(
            "offset_paging",
            "warning",
            statement.place(skipped, offset.parent),
            "the rows that OFFSET skips are read and thrown away: later pages are "
            "slower, and rows that come or go meanwhile are shown twice or never",
            "page by key: WHERE (order columns) > (last values seen) ORDER BY … LIMIT",
        )


def _name(table: exp.Expr) -> str:
    return table.name or "a table"


def _chooses(query: exp.Expr) -> bool:
    """Tell whether a WHERE is there that leaves some rows out."""
    where = query.args.get("where")
    return where is not None and not _always(where.this)


def _always(condition: exp.Expr) -> bool:
    """Tell whether a condition holds for all rows, as TRUE and 1 = 1 do."""
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        return _always(condition.left) and _always(condition.right)
    if isinstance(condition, exp.Or):
        return _always(condition.left) or _always(condition.right)
    if isinstance(condition, exp.EQ):
        value = condition.left.unnest()
        return isinstance(value, exp.Literal) and value == condition.right.unnest()
    if isinstance(condition, exp.Not):
        denied = condition.this.unnest()
        return isinstance(denied, exp.Boolean) and not denied.this
    return isinstance(condition, exp.Boolean) and bool(condition.this)


def _limited(query: exp.Expr) -> bool:
    """Tell whether a query, or one that it stands in, has a LIMIT or FETCH."""
    node: exp.Expr | None = query
    while node is not None:
        if node.args.get("limit"):
            return True
        node = node.parent if isinstance(node.parent, exp.Query) else None
    return False


def _one_row(select: exp.Select) -> bool:
    """Tell whether the SELECT gives one row: aggregates and nothing else."""
    return not select.args.get("group") and all(
        _aggregated(column) for column in select.expressions
    )


def _aggregated(column: exp.Expr) -> bool:
    if column.find(exp.Window):
        return False
    return bool(column.find(exp.AggFunc)) or not column.find(exp.Column, exp.Star)


def _bounded(select: exp.Select) -> bool:
    """Tell whether at most a row comes: aggregates, or `id` compared with a value."""
    if _limited(select) or _one_row(select):
        return True
    where = select.args.get("where")
    return where is not None and any(map(is_key, conjuncts(where.this)))


def is_key(condition: exp.Expr) -> bool:
    """Tell whether a condition says that a key is a value, which one row has."""
    if not isinstance(condition, exp.EQ):
        return False
    sides = (condition.left.unnest(), condition.right.unnest())
    names = {side.name.lower() for side in sides if isinstance(side, exp.Column)}
    values = [s for s in sides if not s.find(exp.Column, exp.Query)]
    return bool(values) and bool(names & {"id", "uuid"})
