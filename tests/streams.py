"""Runs all tests as two pytest processes side by side: `python -m tests.streams`.

Tests mostly wait for servers, so two take little longer than one. What minds the clock
of a whole process is in the first; the second gives way to it, and is printed last.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

_INTEGRATION = Path("tests/integration")
_FIRST = ("test_alertmanager", "test_demo", "test_deploy", "test_e2e_", "test_readme")


def main() -> int:
    """Return 0 when both passed; what pytest ended with otherwise."""
    files = sorted(map(str, _INTEGRATION.glob("test_*.py")))
    first = [file for file in files if Path(file).name.startswith(_FIRST)]
    second = ["tests/unit", "tests/rules", *(f for f in files if f not in first)]
    pytest = [sys.executable, "-m", "pytest"]
    with tempfile.TemporaryFile() as said:
        beside = subprocess.Popen(
            ["nice", *pytest, *second], stdout=said, stderr=subprocess.STDOUT
        )
        try:
            status = subprocess.call([*pytest, *first])
            print("Waiting for the tests of rules and of single sources", flush=True)
        finally:  # Ctrl-C reaches it as well, and it stops its servers
            other = beside.wait()
            said.seek(0)
            sys.stdout.write(said.read().decode())
    return status or other


if __name__ == "__main__":
    sys.exit(main())
