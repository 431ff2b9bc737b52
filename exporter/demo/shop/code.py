"""What the shop does with submitted code: looks for flaws, and works out small sums."""

from __future__ import annotations

import ast
import hashlib
import math
import operator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST = 2000
_LARGEST = 1e12
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class CodeError(Exception):
    """The submitted code cannot be used; the text says why."""


def lint(source: str) -> list[str]:
    """Name what is imported and never used; raises CodeError for what is not Python."""
    tree = _parse(source)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    imported = [
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for name in node.names
    ]
    return [f"{name} is imported and not used" for name in imported if name not in used]


def execute(source: str) -> float:
    """Work out a sum of numbers and + - * /; raises CodeError for anything else."""
    body = _parse(source).body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise CodeError("one expression is wanted")
    return _value(body[0].value)


def embed(text: str) -> str:
    """Make a vector of 16 numbers from a text, as pgvector writes it."""
    digest = hashlib.sha256(text.encode()).digest()
    return "[" + ",".join(str(byte / 255) for byte in digest[:16]) + "]"


def _parse(source: str) -> ast.Module:
    if len(source) > _LONGEST:
        raise CodeError(f"longer than {_LONGEST} characters")
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise CodeError("this is not Python") from error


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        work = _OPERATORS[type(node.op)]
        try:
            result = work(_value(node.left), _value(node.right))
        except ZeroDivisionError as error:
            raise CodeError("division by zero") from error
        if not math.isfinite(result) or abs(result) > _LARGEST:
            raise CodeError("the numbers get too large")
        return result
    raise CodeError("only numbers and + - * / are known")
