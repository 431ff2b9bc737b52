"""Takes a PostgreSQL dsn apart as libpq does, and says what is wrong with it."""

from __future__ import annotations

import psycopg
from psycopg.conninfo import conninfo_to_dict

_LAST_PORT = 65535


def parse(dsn: str) -> dict[str, str]:
    """Return the parameters of a dsn; raises ValueError without a part of it in it."""
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:  # its text may show a part of the password
        raise ValueError(
            "the dsn cannot be understood; mend its quotes, the names of its options, "
            "or write / @ : % in a password as %2F %40 %3A %25"
        ) from None
    parameters = {key: str(value) for key, value in given.items() if value is not None}
    for port in filter(None, parameters.get("port", "").split(",")):
        if not (port.isascii() and port.isdigit() and 0 < int(port) <= _LAST_PORT):
            raise ValueError(
                "the port must be a number from 1 to 65535; write / @ : % in a "
                "password as %2F %40 %3A %25"
            )
    return parameters
