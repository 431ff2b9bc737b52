"""What a rule finds: where, how bad, why it is slow or wrong, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from exporter.review.sql.read import Place


class Finding(NamedTuple):
    """One finding; `severity` is `critical`, `warning` or `info`.

    `why` and `fix` name tables, columns and functions, never a literal. `expression` is
    what an index would have to be made on, with its literals: for the planner alone.
    """

    rule: str
    severity: str
    place: Place
    why: str
    fix: str
    expression: str = ""
