"""The page for those who come from other exporters says what is so."""

from __future__ import annotations

from exporter.web.discovery import JOBS
from tests.peers import PAGE, needs, page, rows


def test_the_committed_page_is_that_of_the_collectors() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make render` and commit the page"


def test_what_is_the_same_and_what_is_absent_are_all_of_theirs() -> None:
    found = {each.peer: (len(each.same), len(each.absent)) for each in rows()}

    assert found.keys() == {"postgres_exporter", "redis_exporter", "node_exporter"}
    assert [sum(counts) for counts in found.values()] == [145, 407, 137]
    assert all(same >= 25 for same, _ in found.values())


def test_all_that_the_alerts_and_dashboards_of_redis_need_is_here() -> None:
    for user in ("redis-mixin", "redis-dashboard"):
        assert all(needs()[user].values())


def test_the_jobs_are_those_of_the_discovery() -> None:
    said = {
        line.split("`")[1] for line in page().splitlines() if "_exporter | `" in line
    }

    assert said == {str(job) for job in JOBS.values()} - {"neo4j"}
