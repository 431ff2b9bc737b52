"""Debian's promtool: checks rules and runs their tests, several files at a time."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from exporter.demo.servers.process import ServerError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def promtool(arguments: Sequence[str | Path], folder: Path) -> tuple[bool, str]:
    """Run it in a folder; returns whether it is content, and what it wrote."""
    program = shutil.which("promtool")
    if program is None:
        raise ServerError("no promtool is installed; Debian: apt install prometheus")
    done = subprocess.run(
        [program, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode == 0, done.stdout + done.stderr


def failures(paths: Sequence[Path]) -> str:
    """Run test files side by side; returns what the failing ones wrote."""

    def run(path: Path) -> str:
        works, text = promtool(["test", "rules", path.name], path.parent)
        return "" if works else f"{path}:\n{text}"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return "".join(pool.map(run, paths))
