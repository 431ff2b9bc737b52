"""Who we are, when the server started, and what happened to pg_stat_statements."""

from __future__ import annotations

from dataclasses import dataclass

_OURSELVES = """
select extract(epoch from pg_postmaster_start_time())::float8 as started,
    (select oid from pg_roles where rolname = current_user) as role,
    extract(epoch from clock_timestamp())::float8 as now,
    case when current_setting('logging_collector')::bool
            and current_setting('log_destination') ~ 'csvlog|jsonlog'
            and current_setting('lc_messages') ~* '^(c|posix|en[^.]*)([.]|$)'
        then extract(epoch from current_setting('log_min_duration_statement')::interval)
        else -1 end::float8 as logged,
    current_setting('log_destination') as destination
"""
_SINCE_1_9 = """
    , dealloc, extract(epoch from stats_reset)::float8 as reset
from {schema}.pg_stat_statements_info
"""
INFO = {(1, 8): _OURSELVES, (1, 9): _OURSELVES + _SINCE_1_9}


@dataclass(frozen=True, slots=True)
class Info:
    """When the server started, who we are, what happened to the view.

    Statements of `logged` seconds and more are in the server's log, where `destination`
    says and in English; below 0 none are.
    """

    started: float
    role: int
    now: float
    logged: float
    dealloc: int | None = None
    reset: float | None = None
    destination: str = ""
