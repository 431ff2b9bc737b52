"""Runs all tests as three pytest processes side by side: `python -m tests.streams`.

Tests mostly wait for servers, so three take little longer than one. What minds the
clock of a whole process is in the first; the others give way to it, and are printed
when it is over.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

_INTEGRATION = Path("tests/integration")
_FIRST = ("test_alertmanager", "test_demo", "test_deploy", "test_e2e_", "test_readme")
_SECOND = ("test_incidents_", "test_report_", "test_review_", "test_sidecar_")


def main() -> int:
    """Return 0 when all passed; what pytest ended with otherwise."""
    files = sorted(map(str, _INTEGRATION.glob("test_*.py")))
    first, second = (
        [file for file in files if Path(file).name.startswith(names)]
        for names in (_FIRST, _SECOND)
    )
    others = [file for file in files if file not in {*first, *second}]
    pytest = [sys.executable, "-m", "pytest"]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as also_said:
        beside = [
            (subprocess.Popen(["nice", *pytest, *chosen], stdout=out, stderr=out), out)
            for chosen, out in (
                (second, said),
                (["tests/unit", "tests/rules", *others], also_said),
            )
        ]
        try:
            status = subprocess.call([*pytest, *first])
            print("Waiting for the tests beside these", flush=True)
        finally:  # Ctrl-C reaches them as well, and they stop their servers
            ends = [process.wait() for process, _ in beside]
            for _, out in beside:
                out.seek(0)
                sys.stdout.write(out.read().decode())
    return status or next(filter(None, ends), 0)


if __name__ == "__main__":
    sys.exit(main())
