"""The evidence page and the catalogue speak of the same promises."""

from __future__ import annotations

from exporter.catalogue.loader import catalogue
from exporter.collectors import (
    postgres_index_bloat,
    postgres_indexes,
    postgres_locks,
    postgres_plans,
    postgres_sessions,
)
from exporter.collectors._postgres_durations import LIMITS
from exporter.collectors._postgres_slowest import LIMIT as SLOW
from exporter.collectors._postgres_slowest import Slowest
from exporter.config import Filter

ALL = Filter()
LIMIT = postgres_sessions.Limit(usable=1, sees_all=True)


def test_what_the_page_has_tables_for_says_so_in_its_alerts() -> None:
    plans = postgres_plans.Rows([], [])
    assert list(postgres_plans.samples(plans, postgres_plans.State())) == []
    made = (
        *postgres_plans.evidence(plans),
        Slowest().table({}, {}, {}),
        *postgres_index_bloat.evidence(postgres_index_bloat.Rows({})),
        *postgres_indexes.evidence(postgres_indexes.Rows({})),
        *postgres_locks.evidence(postgres_locks.Rows([], [], ALL, ALL)),
        *postgres_sessions.evidence(
            postgres_sessions.Rows([], LIMIT, [], [], ALL, ALL)
        ),
    )
    shown = {kpi for evidence in made for kpi in evidence.kpis}
    named = {k.id for subject in catalogue() for k in subject.kpis if k.page}
    assert shown <= named


def test_slow_on_the_page_is_slow_by_a_threshold_that_is_counted() -> None:
    assert SLOW in LIMITS
