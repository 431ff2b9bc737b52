"""The evidence page and the catalogue speak of the same promises."""

from __future__ import annotations

from exporter.catalogue.loader import catalogue
from exporter.collectors import (
    postgres_index_bloat,
    postgres_indexes,
    postgres_locks,
    postgres_sessions,
)
from exporter.config import Filter

ALL = Filter()
LIMIT = postgres_sessions.Limit(usable=1, sees_all=True)


def test_what_the_page_has_tables_for_says_so_in_its_alerts() -> None:
    made = (
        *postgres_index_bloat.evidence(postgres_index_bloat.Rows({})),
        *postgres_indexes.evidence(postgres_indexes.Rows({})),
        *postgres_locks.evidence(postgres_locks.Rows([], [], ALL)),
        *postgres_sessions.evidence(
            postgres_sessions.Rows([], LIMIT, [], [], ALL, ALL)
        ),
    )
    shown = {kpi for evidence in made for kpi in evidence.kpis}
    named = {k.id for subject in catalogue() for k in subject.kpis if k.page}
    assert shown <= named
