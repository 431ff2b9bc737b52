"""Asks for plans of other people's statements: never run, under a timeout of its own.

Planning runs IMMUTABLE functions with our role's rights, so it is only done where the
configuration says so.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from exporter.errors import Reason, SourceError

if TYPE_CHECKING:
    from typing import Any

    PostgresSource = Any  # which imports this module

GENERIC_SINCE = 160000
_LIMITS = (
    "set local {mark} statement_timeout = '250ms'; set local {mark} lock_timeout = "
    "'50ms'; set local {mark} plan_cache_mode = 'force_generic_plan'"
)
_NAME = "kpi_exporter_plan"
_KINDS = {
    Reason.PERMISSION: "permission",
    Reason.TIMEOUT: "timeout",
    Reason.LOCK: "lock",
    Reason.UNSUPPORTED: "unknown_name",
}


class Explained(NamedTuple):
    """What EXPLAIN (FORMAT JSON) gave, or the kind of refusal."""

    document: Any = None
    refused: str = ""


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
        return Explained(refused=_KINDS.get(error.reason, "not_plannable"))


async def _forget(source: PostgresSource) -> None:
    await source.command(f"deallocate {_NAME}")
