"""Parses a text into statements whose nodes know where they stand in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlglot
from sqlglot import Dialect, exp
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.tokenizer_core import TokenType

from exporter.review.shape import MOST_STATEMENTS, Refusal, ReviewError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlglot.tokenizer_core import Token

MISTAKES = (SqlglotError, AttributeError, LookupError, TypeError, ValueError)
"""What sqlglot raises for trees that make no sense, beside its own errors."""

_SENSELESS = "the text cannot be parsed: it makes no sense"
_DEEP = "the text is nested too deeply to be read"
_KINDS: dict[type[exp.Expr], str] = {
    exp.Select: "select",
    exp.SetOperation: "select",
    exp.Subquery: "select",
    exp.Values: "select",
    exp.Insert: "insert",
    exp.Update: "update",
    exp.Delete: "delete",
    exp.Merge: "merge",
}
OTHER = "other"


class Place(NamedTuple):
    """A place in the text; line and column count from 1, in characters."""

    line: int
    column: int


class Statement(NamedTuple):
    """One statement: its tree, its kind in a word, and the whole text it is part of."""

    tree: exp.Expr
    kind: str
    source: str
    dialect: str

    def place(self, *nodes: exp.Expr | None) -> Place:
        """Return where the first of the nodes that has a place begins."""
        for node in nodes:
            if node is not None and (start := first(node)) is not None:
                return at(self.source, start)
        return at(self.source, first(self.tree) or 0)

    def sql(self, tree: exp.Expr) -> str:
        """Write a tree in the statement's dialect, on one line without comments.

        Raises ReviewError for a tree that makes no sense, which the parser let pass.
        """
        try:
            return tree.sql(dialect=self.dialect, comments=False)
        except MISTAKES as error:
            place = self.place(tree)._asdict()
            raise ReviewError(Refusal.UNREADABLE, _SENSELESS, **place) from error


def at(text: str, offset: int) -> Place:
    """Turn an offset into line and column."""
    before = text[:offset]
    return Place(before.count("\n") + 1, offset - before.rfind("\n"))


def first(node: exp.Expr) -> int | None:
    """Return the smallest offset of a node and all below it."""
    starts = (one.meta.get("start") for one in node.walk())
    return min((start for start in starts if start is not None), default=None)


def statements(text: str, dialect: str) -> list[Statement]:
    """Parse a text; raises ReviewError where it is unreadable or too much."""
    found = []
    for one in readings(text, dialect):
        if isinstance(one, ReviewError):
            raise one
        found.append(one)
    return found


def readings(text: str, dialect: str) -> list[Statement | ReviewError]:
    """Parse each statement of a text by itself; what is unreadable says why and where.

    Raises ReviewError where the text cannot be split, or is too much.
    """
    try:
        parts = list(_split(sqlglot.tokenize(text, read=dialect)))
    except TokenError as error:
        what = "the text cannot be split into words: a quote or comment does not end"
        raise ReviewError(Refusal.UNREADABLE, what) from error
    except MISTAKES as error:
        raise ReviewError(Refusal.UNREADABLE, _SENSELESS) from error
    if not parts:
        raise ReviewError(Refusal.MALFORMED, "there is no statement in the text")
    if len(parts) > MOST_STATEMENTS:
        what = f"the text has {len(parts)} statements; at most {MOST_STATEMENTS}"
        raise ReviewError(Refusal.TOO_LARGE, what)
    return [_reading(text, part, dialect) for part in parts]


def _split(tokens: list[Token]) -> Iterator[list[Token]]:
    """Yield the tokens of each statement that has any."""
    part: list[Token] = []
    for token in tokens:
        if token.token_type is not TokenType.SEMICOLON:
            part.append(token)
        elif part:
            yield part
            part = []
    if part:
        yield part


def _reading(text: str, part: list[Token], dialect: str) -> Statement | ReviewError:
    try:
        (tree,) = Dialect.get_or_raise(dialect).parser().parse(part, text)
    except ParseError as error:
        return _unreadable(text, part, error)
    except RecursionError as error:
        raise ReviewError(Refusal.TOO_COSTLY, _DEEP) from error
    except MISTAKES:
        tree = None
    if tree is None:
        place = at(text, part[0].start)._asdict()
        return ReviewError(Refusal.UNREADABLE, _SENSELESS, **place)
    return Statement(tree, kind(tree), text, dialect)


def kind(tree: exp.Expr) -> str:
    """Name a statement's kind: `other` for what is no query and changes no rows."""
    return next((word for of, word in _KINDS.items() if isinstance(tree, of)), OTHER)


def root_selects(tree: exp.Expr) -> Iterator[exp.Select]:
    """Yield the SELECTs whose rows are the statement's: all branches of a UNION."""
    if isinstance(tree, exp.Subquery):
        yield from root_selects(tree.this)
    elif isinstance(tree, exp.SetOperation):
        yield from root_selects(tree.left)
        yield from root_selects(tree.right)
    elif isinstance(tree, exp.Select):
        yield tree


def sources(select: exp.Expr) -> list[exp.Expr]:
    """Return what a SELECT, UPDATE or DELETE reads from, in the order of the text."""
    found = [select.this] if isinstance(select, exp.Update | exp.Delete) else []
    if isinstance(origin := select.args.get("from_"), exp.From):
        found.append(origin.this)
        found += [join.this for join in origin.this.args.get("joins") or ()]
    found += [
        one for one in select.args.get("using") or () if isinstance(one, exp.Expr)
    ]
    found += [join.this for join in select.args.get("joins") or ()]
    return found


def ctes(tree: exp.Expr) -> set[str]:
    """Return the names that WITH gives anywhere in a statement."""
    return {cte.alias.lower() for cte in tree.find_all(exp.CTE)}


def is_table(source: exp.Expr, known: set[str]) -> bool:
    """Tell whether a source is a table or view of the database, not a CTE."""
    return (
        isinstance(source, exp.Table)
        and isinstance(source.this, exp.Identifier)
        and (bool(source.db) or source.name.lower() not in known)
    )


def conditions(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Yield what decides which rows are read: each WHERE, and each ON of a join."""
    for where in tree.find_all(exp.Where):
        yield where.this
    for join in tree.find_all(exp.Join):
        if isinstance(on := join.args.get("on"), exp.Expr):
            yield on


def within(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield a node and all below it, but nothing of the queries inside of it."""

    def inner(one: exp.Expr) -> bool:
        return one is not node and isinstance(one, exp.Query)

    return (one for one in node.walk(prune=inner) if not inner(one))


def conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the parts that all have to hold."""
    pending = [condition]
    while pending:
        node = pending.pop()
        if isinstance(node, exp.Paren):
            pending.append(node.this)
        elif isinstance(node, exp.And):
            pending += [node.expression, node.this]
        else:
            yield node


def bare(node: exp.Expr) -> exp.Expr:
    """Take the parentheses off."""
    return node.unnest()


def _unreadable(text: str, part: list[Token], error: ParseError) -> ReviewError:
    """Say where the parser stopped; its own words quote the text."""
    known = error.errors[0] if error.errors else {}
    line, end = known.get("line"), known.get("col")
    what = "the text cannot be parsed"
    if line is None or end is None:
        place = at(text, part[0].start)._asdict()
        return ReviewError(Refusal.UNREADABLE, what, **place)
    lines = text.splitlines()
    width = len(lines[line - 1]) if line <= len(lines) else end
    column = max(1, min(end - len(known.get("highlight") or "") + 1, width + 1))
    return ReviewError(Refusal.UNREADABLE, what, line=line, column=column)
