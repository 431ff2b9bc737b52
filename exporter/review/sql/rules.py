"""All rules, and what they find in a statement in the order of its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.review.sql.rules_join import cartesian_join
from exporter.review.sql.rules_null import not_in_nulls
from exporter.review.sql.rules_rows import (
    missing_limit,
    no_where,
    offset_paging,
    select_star,
)
from exporter.review.sql.rules_where import (
    implicit_cast,
    leading_wildcard,
    non_sargable,
)

if TYPE_CHECKING:
    from exporter.review.sql.finding import Finding
    from exporter.review.sql.read import Statement

_RULES = (
    *(select_star, no_where, leading_wildcard, non_sargable, implicit_cast),
    *(offset_paging, missing_limit, cartesian_join, not_in_nulls),
)
_MOST = 100


def findings(statement: Statement) -> list[Finding]:
    """Return what all rules find, at most 100."""
    found = {one for rule in _RULES for one in rule(statement)}
    return sorted(found, key=lambda one: (one.place, one.rule))[:_MOST]
