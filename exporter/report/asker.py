"""Whom a report asks: the shape that a Prometheus and a page have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.catalogue.model import Kpi
    from exporter.report.absent import Absence
    from exporter.report.judge import Look
    from exporter.report.model import Answer, Source
    from exporter.report.questions import Asking, Question


class Asker(Protocol):
    """One source of figures."""

    @property
    def asking(self) -> Asking:
        """For whom is asked, and over how long."""

    @property
    def look(self) -> Look:
        """How its answers are taken."""

    @property
    def source(self) -> Source:
        """How it is named in the report."""

    async def ask(self, question: Question) -> Answer:
        """Answer one question; what cannot be answered is a Refusal."""

    async def absent(self, kpis: Sequence[Kpi]) -> dict[str, Absence]:
        """Say of KPIs without a value why they have none, by id."""
