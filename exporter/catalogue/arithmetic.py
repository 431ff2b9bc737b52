"""Arithmetic of the catalogue's tests: figures as functions of a KPI's value."""

from __future__ import annotations

import ast
import operator
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_OPERATIONS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_ALLOWED = "only v, t, numbers and + - * / ** are allowed"
FIGURE = re.compile(r"\{(?P<sum>[^{}|]+?)(?P<duration> \| duration)?\}")
"""A figure in an expected line: `{arithmetic}` or `{arithmetic | duration}`."""


def calculate(text: str, value: float, at: float = 0.0) -> float:
    """Evaluate arithmetic on `v` and `t`; raises ValueError for anything else."""
    try:
        return _evaluate(ast.parse(text, mode="eval").body, {"v": value, "t": at})
    except (SyntaxError, ArithmeticError) as error:
        raise ValueError(f"{text!r} is not arithmetic: {_ALLOWED}") from error


def _evaluate(node: ast.AST, names: dict[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as constant):
            return float(constant)
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            apply = _OPERATIONS[type(op)]
            return apply(_evaluate(left, names), _evaluate(right, names))
        case _:
            raise ValueError(f"{ast.unparse(node)!r} is not arithmetic: {_ALLOWED}")
