"""The HTTP side: pages, discovery, health, TLS and users; collects nothing itself."""

import os

_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def _load_without_authorities() -> None:
    """Load aiohttp without all certificate authorities of the system.

    Its client, which pages have no use for, reads them when it is imported: 2 MiB.
    OpenSSL is told where they are by these variables; what is loaded later sees them as
    they were.
    """
    before = {name: os.environ.get(name) for name in _AUTHORITIES}
    os.environ.update(dict.fromkeys(_AUTHORITIES, os.devnull))
    try:
        import aiohttp  # noqa: F401 - it is loaded here so that no other module does it
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_load_without_authorities()
