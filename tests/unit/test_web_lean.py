"""Loading aiohttp without authorities leaves the environment as it was."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_NAMES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_LOAD = (
    "import os; before = dict(os.environ); "
    "from exporter.web.lean import load_aiohttp; load_aiohttp(); "
    "print(before == dict(os.environ)); "
    "from aiohttp import connector; "
    "print(len(connector._SSL_CONTEXT_VERIFIED.get_ca_certs()))"
)


@pytest.mark.parametrize("given", [{}, {"SSL_CERT_DIR": "/nowhere"}])
def test_loading_reads_no_authorities_and_leaves_the_environment(
    given: dict[str, str],
) -> None:
    others = {key: value for key, value in os.environ.items() if key not in _NAMES}
    done = subprocess.run(
        [sys.executable, "-c", _LOAD],
        env={**others, **given},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "0"]
