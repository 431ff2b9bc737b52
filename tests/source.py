"""Reads the package's own source: its modules, what each imports, and where."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

import exporter

ROOT = Path(__file__).parents[1]
PACKAGE = Path(exporter.__file__).parent


class Use(NamedTuple):
    """A dotted name that a module imports or reaches, and the line where it does."""

    name: str
    line: int


def files() -> dict[str, Path]:
    """Return the package's modules by dotted name without `exporter.`."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(
            ".__init__"
        ): path
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def trees() -> dict[str, ast.Module]:
    """Return the parsed modules by dotted name without `exporter.`."""
    return {name: ast.parse(path.read_text()) for name, path in files().items()}


def uses(tree: ast.Module) -> list[Use]:
    """List what a module imports, and attributes of imported modules, by full name."""
    known: dict[str, str] = {}
    found: list[Use] = []
    for node in ast.walk(tree):
        for use, bound in _imported(node):
            top = use.name.split(".")[0]
            known[bound or top] = use.name if bound else top
            found.append(use)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            root, *rest = ast.unparse(node).split(".")
            if root in known:
                found.append(Use(".".join([known[root], *rest]), node.lineno))
    return found


def _imported(node: ast.AST) -> list[tuple[Use, str | None]]:
    """Say what a node imports, and the name that stands for it here when it is new."""
    if isinstance(node, ast.Import):
        return [(Use(a.name, node.lineno), a.asname) for a in node.names]
    if isinstance(node, ast.ImportFrom):
        return [
            (Use(f"{node.module}.{a.name}", node.lineno), a.asname or a.name)
            for a in node.names
        ]
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
        names = (a.value for a in node.args if isinstance(a, ast.Constant))
        return [(Use(str(name), node.lineno), None) for name in names]
    return []
