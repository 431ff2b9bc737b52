"""The statements around each read: they bound it, and leave nothing on the session."""

from __future__ import annotations

MARK = "/* kpi-exporter */"
RAW = f"; set local {MARK} client_encoding = 'SQL_ASCII'"  # else it refuses such text
COMMIT, ROLLBACK = f"commit {MARK}", f"rollback {MARK}"
ROLES_PATH = f"set local {MARK} search_path to default"
"""Lets names mean what they mean to our role, for statements that others wrote."""
_PATH = "pg_catalog, pg_temp"  # else what stands in a schema could run in our name
_STATEMENT_SHARE = 0.8  # of the deadline, so that the server gives up before we do
_LOCK_SHARE = 0.1
_IDLE_SHARE = 2  # if we are frozen; a role's own may be too short between two reads


def begin(deadline: float) -> str:
    """Return what begins a read that may take `deadline` seconds."""
    statement = int(deadline * 1000 * _STATEMENT_SHARE)
    lock = int(deadline * 1000 * _LOCK_SHARE)
    idle = int(deadline * 1000 * _IDLE_SHARE)
    return (
        f"begin {MARK} isolation level read committed read only; "
        f"set local {MARK} search_path = {_PATH}; "
        f"set local {MARK} extra_float_digits = 1; "
        f"set local {MARK} statement_timeout = {statement}; "
        f"set local {MARK} lock_timeout = {lock}; "
        f"set local {MARK} idle_in_transaction_session_timeout = {idle}"
    )
