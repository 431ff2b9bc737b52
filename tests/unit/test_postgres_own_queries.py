"""Own queries: what may be configured, and what their rows become."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from exporter.collectors.postgres_own_queries import samples
from exporter.config import PostgresTarget
from exporter.config_postgres import OwnQuery
from exporter.errors import Reason, SourceError
from exporter.sources.postgres_own import Answer
from tests.unit.sampled import values

JOBS: dict[str, Any] = {
    "name": "jobs",
    "sql": "select state, count(*) as waiting from jobs group by state;",
    "metrics": {"waiting": {"help": "Jobs that wait."}},
    "labels": ["state"],
    "interval": "30s",
}


def query(**changes: Any) -> OwnQuery:
    return OwnQuery.model_validate({**JOBS, **changes})


def test_columns_become_labels_and_metrics() -> None:
    rows: list[dict[str, Any]] = [
        {"state": "new", "waiting": 3},
        {"state": None, "waiting": None},
    ]
    found = values(samples([Answer(query(), rows, 0.25)], None))
    assert found == {
        "pg_own_query_success": {("jobs",): 1},
        "pg_own_query_duration_seconds": {("jobs",): 0.25},
        "pg_own_jobs_waiting": {("new",): 3},
    }


def test_a_failure_is_shown_without_rows() -> None:
    failure = SourceError(Reason.PERMISSION, "denied", answered=True)
    found = values(samples([Answer(query(), (), 0.1, failure)], None))
    assert found["pg_own_query_success"] == {("jobs",): 0}
    assert "pg_own_jobs_waiting" not in found


def test_a_counter_is_declared_as_one() -> None:
    done = query(metrics={"done_total": {"help": "Done.", "type": "counter"}})
    rows = [{"state": "new", "done_total": 4.5}]
    found = [*samples([Answer(done, rows, 0.0)], None)]
    (sample,) = [s for s in found if s.metric.name == "pg_own_jobs_done_total"]
    assert (str(sample.metric.kind), sample.value) == ("counter", 4.5)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "Jobs"}, "pattern"),
        ({"sql": "delete from jobs"}, "begins with SELECT"),
        ({"sql": "select 1; select 2"}, "without ;"),
        ({"metrics": {}}, "at least 1"),
        ({"metrics": {"Waiting": {"help": "x"}}}, "no name"),
        ({"metrics": {"done": {"help": "x", "type": "counter"}}}, "ends in _total"),
        ({"metrics": {"done_total": {"help": "x"}}}, "ends in _total"),
        ({"metrics": {"took_ms": {"help": "x"}}}, "no base unit"),
        ({"metrics": {"jobs_count": {"help": "x"}}}, "histogram"),
        ({"metrics": {"state": {"help": "x"}}}, "a label and a metric"),
        ({"labels": ["instance"]}, "cannot be a label"),
        ({"labels": ["a", "a"]}, "given twice"),
        ({"interval": "1"}, "not a duration"),
        ({"command": "x"}, "Extra inputs"),
    ],
)
def test_what_breaks_the_rules_is_refused(
    changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValidationError, match=problem):
        query(**changes)


def test_two_queries_may_not_make_one_metric() -> None:
    with pytest.raises(ValidationError, match="pg_own_jobs_waiting"):
        PostgresTarget.model_validate({"dsn": "dbname=a", "queries": [JOBS, JOBS]})
