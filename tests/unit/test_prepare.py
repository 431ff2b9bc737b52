"""What `make test` finds missing, and what it says about it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests import prepare

ROOT = Path(__file__).parents[2]


def test_says_what_each_missing_command_is_for() -> None:
    missing = [need for need in prepare.NEEDS if need.command == "mvn"]
    assert prepare.shopping_list(missing) == (
        "  mvn: fetching Neo4j and PostgreSQL 13-18 (maven)"
    )


def test_names_what_to_install_where_there_is_no_apt(tmp_path: Path) -> None:
    nothing = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.prepare"],
        cwd=ROOT,
        env=nothing,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    listed = [line.split(":")[0].strip() for line in done.stderr.splitlines()[1:-1]]
    assert listed == [need.command for need in prepare.NEEDS]
    assert done.stderr.splitlines()[-1].startswith("Install them")
