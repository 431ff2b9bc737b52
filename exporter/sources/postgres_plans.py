"""Asks for plans of other people's statements: never run, under a timeout of its own.

Planning runs IMMUTABLE functions with our role's rights, so it is only done where the
configuration says so.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, NamedTuple

import psycopg

from exporter.errors import Reason, SourceError
from exporter.sources.postgres_begin import ROLES_PATH

if TYPE_CHECKING:
    from typing import Any

    PostgresSource = Any  # which imports this module

GENERIC_SINCE = 160000
_LIMITS = (
    "set local {mark} statement_timeout = '250ms'; set local {mark} lock_timeout = "
    "'50ms'; set local {mark} plan_cache_mode = 'force_generic_plan'; " + ROLES_PATH
)
_NAME = "kpi_exporter_plan"
_KINDS = {
    Reason.PERMISSION: "permission",
    Reason.TIMEOUT: "timeout",
    Reason.LOCK: "lock",
    Reason.UNSUPPORTED: "unknown_name",
}


# By SQLSTATE; what the server says itself quotes values.
_WHY = {
    "22": "a value does not fit the type that it is compared with",
    "3F000": "there is no such schema",
    "42702": "a column's name may mean several: name its table",
    "42703": "there is no such column",
    "42704": "there is no such type",
    "42725": "there is more than one such function or operator: cast its arguments",
    "42803": "a column is neither grouped by nor aggregated",
    "42804": "types do not match",
    "42883": "there is no such function, or not for these types",
    "42P01": "there is no such table",
    "42P18": "a parameter's type cannot be told: cast it",
}
_OPERATOR = re.compile(r": ([\w ().\[\]]+ [-+*/<>=~!@#%^&|`?]+ [\w ().\[\]]+)$")


class Explained(NamedTuple):
    """What EXPLAIN (FORMAT JSON) gave, or the kind of refusal.

    `why` says more of a refusal for a reader, where more is known; without values.
    """

    document: Any = None
    refused: str = ""
    why: str = ""


async def explain(source: PostgresSource, text: str, parameters: int) -> Explained:
    """Plan a normalised statement generically; it is not executed.

    Raises SourceError only where the server did not answer.
    """

    async def plan(here: PostgresSource) -> Any:
        await here.command(_LIMITS.format(mark=here.mark))
        if here.version >= GENERIC_SINCE:
            prefix = f"explain {here.mark} (generic_plan, format json) "
            return await here.single(prefix + text)
        await here.command(f"prepare {_NAME} as {text}")
        arguments = f"({', '.join(['null'] * parameters)})" if parameters else ""
        prefix = f"explain {here.mark} (format json) execute "
        document = await here.single(prefix + _NAME + arguments)
        await _forget(here)
        return document

    try:
        return Explained(await source.attempt(plan))
    except SourceError as error:
        if not error.answered:
            raise
        if source.version < GENERIC_SINCE:
            with contextlib.suppress(SourceError):  # as it may never have been made
                await source.attempt(_forget)
        refused = _KINDS.get(error.reason, "not_plannable")
        return Explained(refused=refused, why=_why(error.__cause__))


def _why(error: BaseException | None) -> str:
    """Say what was wrong with a text, by the words of PostgreSQL that hold no value.

    Of an operator that is missing the types are told, as the server names them.
    """
    if not isinstance(error, psycopg.Error):
        return ""
    if error.diag.source_function == "op_error":
        found = _OPERATOR.search(error.diag.message_primary or "")
        types = f" for {found[1]}" if found else " for these types"
        return f"there is no operator{types}: cast one side to the other's type"
    state = error.sqlstate or ""
    return _WHY.get(state) or _WHY.get(state[:2], "")


async def _forget(source: PostgresSource) -> None:
    await source.command(f"deallocate {_NAME}")
