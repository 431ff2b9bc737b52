"""Plans on the evidence page: each as a tree, and what would spare its scans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors._neo4j_advice import statement
from exporter.collectors._neo4j_plan import fingerprint, scans
from exporter.collectors._neo4j_text import redacted
from exporter.evidence import Evidence
from exporter.sources.neo4j_plan import Plan, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PLANS = (
    *("neo4j_plan_scans", "neo4j_plan_worse", "neo4j_plan_changes"),
    *("neo4j_plan_hits_per_row", "neo4j_plan_estimate_error", "neo4j_query_p50"),
    *("neo4j_query_p99", "neo4j_plan_pages_loaded"),
)
_COLUMNS = ("operator", "scans", "expected_rows", "rows", "db_hits", "plan")


def shown(
    plans: Iterable[tuple[str, Plan | Refusal, Plan | Refusal | None]],
) -> Iterator[Evidence]:
    """Yield a tree for each query, of its run if there was one, and the advice.

    The hash in the title keeps the plan before a change beside the one after it.
    """
    advice: list[tuple[str, str]] = []
    refused: list[tuple[str, str]] = []
    for query, plan, run in plans:
        refused += [
            (query, one.message) for one in (plan, run) if isinstance(one, Refusal)
        ]
        if isinstance(plan, Plan):
            title = f"Plan of {query} ({fingerprint(plan)})"
            yield _tree(title, run if isinstance(run, Plan) else plan)
            if any(map(scans, plan.operators)):
                advice.append((query, statement(plan)))
    yield Evidence(
        ("neo4j_plan_scans", "neo4j_plan_worse"),
        "Indexes that would spare a scan",
        ("query", "statement"),
        tuple(advice),
    )
    yield Evidence(
        ("neo4j_plan_unread",),
        "Queries that the server did not plan or run",
        ("query", "message"),
        tuple((query, redacted(message)) for query, message in refused),
    )


def _tree(title: str, plan: Plan) -> Evidence:
    rows = tuple(
        (
            one.name,
            "scans" if scans(one) else None,
            one.estimated_rows,
            one.rows,
            one.db_hits,
            redacted(one.details),
        )
        for one in plan.operators
    )
    depths = tuple(one.depth for one in plan.operators)
    return Evidence(_PLANS, title, _COLUMNS, rows, depths)
