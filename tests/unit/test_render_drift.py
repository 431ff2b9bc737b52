"""What is committed is what is rendered."""

from __future__ import annotations

from exporter.catalogue.loader import catalogue
from exporter.catalogue.plan import Plan
from exporter.render.files import Format, files
from exporter.render.write import differences
from tests.source import ROOT


def test_the_committed_rules_dashboards_and_pages_are_those_of_the_catalogue() -> None:
    made = files(Plan(catalogue()), Format.PROMETHEUS, {})

    changed = differences(made, ROOT)

    assert changed == [], "run `make render` and commit what it changes"
