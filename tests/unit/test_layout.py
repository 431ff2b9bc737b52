"""What files there are, how long they get, and what none of them may hold."""

from __future__ import annotations

import ast
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.source import PACKAGE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

TOP = {
    *("pyproject.toml", "exporter", "rules", "dashboards", "deploy", "tests"),
    *("README.md", "Makefile", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"),
    *(".ci", ".dockerignore", ".gitignore"),
}
FILE_LINES = 300
FUNCTION_LINES = 40

# Spelt with \. and [x], so that this file does not find itself.
UNWANTED = {
    "a path of one machine": r"(^|[^a-z.])/(wor[k]|far[m]|roo[t])/",
    "a package registry's host": r"pypi\.org|pythonhosted\.org|repo1?\.maven"
    r"|npmjs\.org|proxy\.golang|crates\.io|deb\.debian\.org",
    "an unfinished end": r"TOD[O]|FIXM[E]|XX[X]|NotImplemented[E]rror"
    r"|pragma: n[o] cover",
    "a test that does not run": r"pytest\.(skip|mark\.(skip|xfail)|xfail)",
    "a mock of what can be real": r"unittest\.mock|Magic[M]ock|Async[M]ock"
    r"|monkeypatch\.setattr",
}


def tracked() -> dict[str, Path]:
    """Return every file under version control; the package's as they are installed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")[:-1]
    return {
        name: (PACKAGE.parent if name.startswith("exporter/") else ROOT) / name
        for name in listed
    }


def python_files() -> dict[str, str]:
    return {n: p.read_text() for n, p in tracked().items() if n.endswith(".py")}


def too_long_functions(tree: ast.Module) -> list[str]:
    return [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES
    ]


def opens_with_docstring(text: str) -> bool:
    return text.startswith('"""') and ast.get_docstring(ast.parse(text)) is not None


def unwanted(text: str) -> list[str]:
    return [
        what
        for what, pattern in UNWANTED.items()
        if re.search(pattern, text, re.MULTILINE)
    ]


def test_the_top_level_holds_only_what_the_design_names() -> None:
    assert {name.split("/")[0] for name in tracked()} - TOP == set()


def test_no_file_of_python_is_longer_than_a_reader_bears() -> None:
    lengths = {name: text.count("\n") for name, text in python_files().items()}
    assert {n: lines for n, lines in lengths.items() if lines > FILE_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = {n: too_long_functions(ast.parse(t)) for n, t in python_files().items()}
    assert {name: functions for name, functions in long.items() if functions} == {}


def test_every_file_of_python_says_first_what_it_is_for() -> None:
    files = python_files()
    assert [
        name for name, text in files.items() if not opens_with_docstring(text)
    ] == []


def test_no_file_names_a_machine_a_registry_or_unfinished_work() -> None:
    found = {n: unwanted(p.read_text()) for n, p in tracked().items()}
    assert {name: what for name, what in found.items() if what} == {}


def test_a_long_function_is_found() -> None:
    line = "    f()\n"
    short = "def short():\n" + line * (FUNCTION_LINES - 1)
    tree = ast.parse(short + "async def long():\n" + line * FUNCTION_LINES)
    assert too_long_functions(tree) == ["long"]


@pytest.mark.parametrize(
    "text",
    [
        "see /wor" + "k/main",
        "index-url = https://pypi" + ".org/simple",
        "# TOD" + "O",
        "@pytest" + ".mark.xfail",
        "from unittest" + ".mock import patch",
    ],
)
def test_unwanted_text_is_found(text: str) -> None:
    assert len(unwanted(text)) == 1


@pytest.mark.parametrize(
    "text", ["", "# a comment\n", "import os\n", '\n"""Late."""\n']
)
def test_a_file_without_its_purpose_on_the_first_line_is_found(text: str) -> None:
    assert not opens_with_docstring(text)
