"""Our own process' page: one for everybody until something happens."""

from __future__ import annotations

from exporter.own import OwnMetrics


def test_a_page_serves_everybody_until_there_is_news() -> None:
    own = OwnMetrics()
    page = own.page()
    assert own.page() is page
    own.renew()
    assert own.page() is not page


def test_a_reload_is_shown_at_once() -> None:
    own = OwnMetrics()
    own.reloaded(worked=True)
    assert b"\nkpi_exporter_config_last_reload_successful 1.0\n" in own.page().plain
    own.reloaded(worked=False)
    assert b"\nkpi_exporter_config_last_reload_successful 0.0\n" in own.page().plain
