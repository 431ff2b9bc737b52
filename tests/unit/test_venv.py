"""Which Python `make` chooses for .venv, and what it says when there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.source import ROOT

if TYPE_CHECKING:
    from pathlib import Path

RECENT_BUT_BARE = """#!/bin/sh
case "$2" in *version_info*) exit 0 ;; *) exit 1 ;; esac
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a folder with what `.ci/venv` reads, and nothing to install."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/venv", tmp_path / ".ci/venv")
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "lock").write_text("")
    return tmp_path


def venv(project: Path, *pythons: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [project / ".ci/venv", "lock"],
        env={**os.environ, "PYTHON": " ".join(pythons)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_python_it_says_which_one_is_needed(project: Path) -> None:
    done = venv(project, "no-such-python")
    assert done.returncode == 1
    assert done.stderr.startswith("Python 3.11 or later is needed")


def test_a_python_that_makes_no_environments_is_named_with_the_remedy(
    project: Path,
) -> None:
    bare = project / "bare"
    bare.write_text(RECENT_BUT_BARE)
    bare.chmod(0o755)
    done = venv(project, "no-such-python", str(bare))
    assert done.returncode == 1
    assert done.stderr.startswith(f"{bare} cannot make virtual environments")


def test_an_environment_made_from_the_same_lock_stays(project: Path) -> None:
    (project / ".venv/bin").mkdir(parents=True)
    (project / ".venv/bin/python").symlink_to(sys.executable)
    key = subprocess.run(
        "{ pwd && cat lock pyproject.toml; } | cksum",
        shell=True,
        cwd=project,
        capture_output=True,
        check=True,
    )
    (project / ".venv/made-from").write_bytes(key.stdout)
    done = venv(project, "no-such-python")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_changed_lock_makes_it_anew(project: Path) -> None:
    test_an_environment_made_from_the_same_lock_stays(project)
    (project / "lock").write_text("# changed\n")
    assert venv(project, "no-such-python").returncode == 1
