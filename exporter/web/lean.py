"""Loads aiohttp for a process that serves and never asks: 2 MiB less."""

import os

_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def load_aiohttp() -> None:
    """Load it without the system's certificate authorities, for whom there is no use.

    Its client reads them when it is imported, and would trust nobody after this.
    OpenSSL is told where they are by these variables; what is loaded later sees them as
    they were.
    """
    before = {name: os.environ.get(name) for name in _AUTHORITIES}
    os.environ.update(dict.fromkeys(_AUTHORITIES, os.devnull))
    try:
        import aiohttp  # noqa: F401 - loading it is all that is wanted
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
