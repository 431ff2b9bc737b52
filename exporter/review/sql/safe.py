"""Decides whether a statement may be planned, and writes the text that is sent.

What is sent is written anew from the tree that was looked at, and parsed again: what
another reader of the same text could take for something else never reaches a server.
Everything is refused that is not known to be harmless.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from exporter.review.shape import MOST_CHARACTERS_PLANNED
from exporter.review.sql.allowed import FUNCTIONS, NODES, SYNTAX, TYPES
from exporter.review.sql.compared import folded_name, table_name
from exporter.review.sql.expansion import MOST, expansion
from exporter.review.sql.read import MISTAKES

if TYPE_CHECKING:
    from sqlglot.tokenizer_core import Token

    from exporter.review.sql.read import Statement

_NUMBER = re.compile(r"\d{1,40}(\.\d{0,40})?([eE][+-]?\d{1,2})?|\.\d{1,40}")
# sqlglot writes units in capitals: an index on date_trunc('day', …) would not fit.
_UNIT = re.compile(r"DATE_TRUNC\('[A-Z]+'(?=,)")
_UNCLEAR = re.compile(
    r"[\\\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)  # servers read them otherwise
_MOST_LENGTH = 10_000  # of a type: '' as char(n) is n bytes, made while planning
_MOST_SHOWN = 200  # characters of names
_DIFFERENT = "it cannot be written anew with the same meaning"
_POSTGRES = "postgres"


class Unsafe(Exception):  # noqa: N818 - it is no error: the statement is reviewed all the same
    """The statement is not planned; the text says why, without its literals."""


class Planned(NamedTuple):
    """A text that may be planned, and the names that the server has to vouch for."""

    text: str
    functions: tuple[str, ...]
    types: tuple[str, ...]
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    parameters: int


def plannable(statement: Statement) -> Planned:
    """Return what may be sent to the planner; raises Unsafe."""
    tree = _unquoted(statement.tree)
    if statement.kind != "select":
        raise Unsafe(f"only queries are planned, not {statement.kind} statements")
    for node in tree.walk():
        _check(node)
    if expansion(tree) > MOST:
        raise Unsafe("its subqueries would be multiplied while planning")
    text = _written(tree)
    if len(text) > MOST_CHARACTERS_PLANNED:
        raise Unsafe(f"longer than {MOST_CHARACTERS_PLANNED} characters")
    if _UNCLEAR.search(text):
        raise Unsafe("a backslash or a control character is in it")
    called = _called(text, tree)
    if unknown := sorted(called - FUNCTIONS - SYNTAX):
        shown = ", ".join(unknown[:5])[:_MOST_SHOWN]
        raise Unsafe(f"functions that are not known to be harmless: {shown}")
    return Planned(
        text,
        tuple(sorted(called - SYNTAX)),
        tuple(sorted(_types(tree))),
        tuple(sorted(_tables(tree))),
        tuple(sorted(_columns(tree))),
        _parameters(tree),
    )


def _written(tree: exp.Expr) -> str:
    """Write a tree; raises Unsafe where the text does not give the same tree again."""
    try:
        text = tree.sql(dialect=_POSTGRES, comments=False)
        text = _UNIT.sub(lambda found: found[0].lower(), text)
        same = sqlglot.parse(text, dialect=_POSTGRES) == [tree]
    except MISTAKES as error:
        raise Unsafe(_DIFFERENT) from error
    if not same:
        raise Unsafe(_DIFFERENT)
    return text


def _unquoted(tree: exp.Expr) -> exp.Expr:
    """Return a copy where texts in dollar quotes are ordinary ones."""
    copied = tree.copy()
    for raw in list(copied.find_all(exp.RawString)):
        raw.replace(exp.Literal.string(raw.name))
    return copied


def _check(node: exp.Expr) -> None:
    """Raise Unsafe for a part that is not known to do no more than read."""
    name = type(node).__name__
    if not isinstance(node, exp.Func) and name not in NODES:
        raise Unsafe(f"{_words(name)} is not planned")
    if isinstance(node, exp.Pow):
        raise Unsafe("powers are not planned")
    if isinstance(node, exp.Literal) and not node.is_string:
        if not _NUMBER.fullmatch(node.name):
            raise Unsafe("a number is too long")
    elif isinstance(node, exp.Parameter):
        if not (isinstance(node.this, exp.Literal) and node.this.is_int):
            raise Unsafe("parameters are $1, $2, …")
    elif isinstance(node, exp.DataType):
        _check_type(node)


def _check_type(node: exp.DataType) -> None:
    named = isinstance(node.this, exp.DType)
    kind = str(node.this.value).lower() if named else "of an interval"
    if node.this is not exp.DType.USERDEFINED and kind not in TYPES:
        raise Unsafe(f"the type {kind} is not planned")
    for length in node.find_all(exp.DataTypeParam):
        if not length.name.isdigit() or int(length.name) > _MOST_LENGTH:
            raise Unsafe("the length of a type is too great")


def _called(text: str, tree: exp.Expr) -> set[str]:
    """Return what stands before an opening parenthesis in the text, in lower case."""
    tokens = sqlglot.tokenize(text, read=_POSTGRES)
    if any(token.token_type is TokenType.SEMICOLON for token in tokens):
        raise Unsafe("there is more than one statement")
    named = {a.name.lower() for a in tree.find_all(exp.TableAlias) if a.columns}
    named -= {one.name.lower() for one in tree.find_all(exp.Anonymous)}
    found: set[str] = set()
    before: list[Token | None] = [None, None, *tokens]
    for place, token in enumerate(tokens):
        if token.token_type is not TokenType.L_PAREN or place == 0:
            continue
        name, dot, owner = tokens[place - 1], before[place], before[place - 1]
        word = name.text.lower()
        if not _is_word(name) or word in named:
            continue
        if dot is not None and dot.token_type is TokenType.DOT:
            if owner is None or owner.text.lower() != "pg_catalog":
                word = f"{owner.text if owner else ''}.{name.text}"
        elif name.token_type is TokenType.IDENTIFIER and name.text != word:
            word = name.text
        found.add(word)
    return found


def _is_word(token: Token) -> bool:
    """Tell whether a token may name a function; one of two words is grammar."""
    if token.token_type is TokenType.IDENTIFIER:
        return True
    plain = token.token_type not in (TokenType.STRING, TokenType.NUMBER)
    return plain and token.text.replace("$", "_").isidentifier()


def _types(tree: exp.Expr) -> set[str]:
    """Return the names of the types of the database's own, without their schema."""
    return {
        kind.name if isinstance(kind, exp.Expr) else str(kind)
        for node in tree.find_all(exp.DataType)
        if (kind := node.args.get("kind")) is not None
    }


def _tables(tree: exp.Expr) -> set[str]:
    """Return all names of tables, also those that a WITH gives in another place."""
    return {
        table_name(one)
        for one in tree.find_all(exp.Table)
        if isinstance(one.this, exp.Identifier)
    }


def _columns(tree: exp.Expr) -> set[str]:
    """Return all names that stand where columns do: `t.f` may call f(t)."""
    named = tree.find_all(exp.Column, exp.Dot)
    parts = (part for one in named for part in one.find_all(exp.Identifier))
    return {folded_name(part) for part in parts}


def _parameters(tree: exp.Expr) -> int:
    found = (int(one.name) for one in tree.find_all(exp.Parameter))
    return max(found, default=0)


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
