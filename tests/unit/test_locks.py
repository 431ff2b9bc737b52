"""The lock files: pinned, hashed, of one mind, and silent about where packages are."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tests.source import ROOT

DEPLOY, TESTS = "deploy/requirements.txt", "tests/requirements.txt"
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ ]+)(?: ; .+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")
REQUIREMENT = re.compile(r"[a-z0-9-]+")


def pins(path: str) -> dict[str, str]:
    """Return the versions by name; only pins, hashes and comments are understood."""
    found: dict[str, str] = {}
    for line in (ROOT / path).read_text().splitlines():
        if pin := PIN.match(line):
            found[pin["name"]] = pin["version"]
        else:
            assert HASH.match(line) or line.lstrip().startswith("#"), line
    return found


def wanted() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def names(requirements: list[str]) -> set[str]:
    return {match[0] for text in requirements if (match := REQUIREMENT.match(text))}


@pytest.mark.parametrize("path", [DEPLOY, TESTS])
def test_every_package_is_pinned_and_has_a_hash(path: str) -> None:
    text = (ROOT / path).read_text()
    without = re.findall(r"^(\S+==\S+).*\n(?!    --hash=)", text, re.MULTILINE)
    assert (without, len(pins(path)) > 0) == ([], True)


@pytest.mark.parametrize("path", [DEPLOY, TESTS])
def test_no_line_says_where_packages_are_fetched(path: str) -> None:
    assert (
        re.findall(r"://|^\s*-[^-]|^--", (ROOT / path).read_text(), re.MULTILINE) == []
    )


def test_both_files_pin_the_same_versions() -> None:
    assert pins(DEPLOY).items() <= pins(TESTS).items()


def test_what_runs_and_what_builds_is_locked_for_deployment() -> None:
    project = wanted()["project"]
    run = project["dependencies"] + project["optional-dependencies"]["demo"]
    build = wanted()["build-system"]["requires"]
    assert names(run + build) - pins(DEPLOY).keys() == set()


def test_what_only_developers_need_is_not_deployed() -> None:
    assert {"pytest", "mypy", "ruff", "uv"} & pins(DEPLOY).keys() == set()
