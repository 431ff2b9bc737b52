"""What Prometheus is asked about an incident, and what its answers become."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import promql_parser
import pytest

from exporter.catalogue.loader import catalogue
from exporter.sidecar.incidents import queries
from exporter.sidecar.incidents.incident import Change, Series
from exporter.sidecar.incidents.pack import packed, unpacked
from exporter.sidecar.incidents.queries import MEASURES, Measure
from exporter.sidecar.incidents.rank import Kind
from tests.unit.incidents_made import evidence, lock_table, statements

if TYPE_CHECKING:
    from exporter.catalogue.model import Kpi

KPIS = {kpi.id: kpi for subject in catalogue() for kpi in subject.kpis}
STATEMENTS = next(each for each in MEASURES if each.kind is Kind.STATEMENT)


def test_a_promise_is_asked_for_by_the_name_of_its_recording() -> None:
    assert queries.value_query(KPIS["pg_lock_waiters"], "shop") == (
        'target:pg_lock_waiters:count{target="shop"}'
    )
    assert queries.value_query(KPIS["api_latency_p95"], 'we"b').endswith(
        '{application="we\\"b"}'
    )


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_is_promql(measure: Measure) -> None:
    for text in filter(None, (measure.expr, measure.text)):
        promql_parser.parse(text.format("shop"))


@pytest.mark.parametrize("kpi", KPIS.values(), ids=KPIS)
def test_every_promise_can_be_asked_for(kpi: Kpi) -> None:
    promql_parser.parse(queries.value_query(kpi, "shop"))
    promql_parser.parse(queries.limit_query(kpi, "shop"))


def test_incidents_of_one_moment_ask_for_the_same_hour() -> None:
    assert queries.span(3600.0) == queries.span(3604.9)
    assert queries.span(1_760_003_613.0) == {
        "start": "1760000010",
        "end": "1760003610",
        "step": "30",
    }


def test_what_is_no_number_is_left_out() -> None:
    answer = [{"metric": {"__name__": "x", "a": "b"}, "values": [[1, "2"], [2, "NaN"]]}]
    assert queries.lines(answer) == [Series({"a": "b"}, [(1.0, 2.0)])]
    assert queries.numbers([{"metric": {}, "value": [1, "+Inf"]}]) == []


def test_the_limit_of_the_alerts_severity_is_taken() -> None:
    answer = [
        {"metric": {"severity": "critical"}, "value": [1, "0.95"]},
        {"metric": {"severity": "warning"}, "value": [1, "0.8"]},
    ]
    assert queries.limit(answer, "warning") == 0.8
    assert queries.limit(answer, "other") == 0.95
    assert queries.limit([], "warning") is None


def test_a_statement_is_compared_by_its_id_and_shown_by_its_text() -> None:
    now = [({"target": "shop", "queryid": str(n)}, float(n)) for n in range(12)]
    before = [({"target": "shop", "queryid": "11"}, 5.5)]
    texts = [({"queryid": "11", "query": "SELECT slow"}, 1.0)]
    found = queries.compared(STATEMENTS, now, before, texts)
    assert len(found.changes) == 10
    assert found.changes[:2] == [
        Change({"target": "shop", "queryid": "SELECT slow"}, 11.0, 5.5),
        Change({"target": "shop", "queryid": "10"}, 10.0, 0.0),
    ]


@pytest.mark.parametrize("measure", MEASURES)
def test_what_is_not_listed_counts_in_the_whole(measure: Measure) -> None:
    now = [({measure.by: str(n)}, 1.0) for n in range(12)]
    found = queries.compared(measure, [*now, ({measure.by: measure.rest}, 8.0)], [])
    assert (len(found.changes), found.total) == (10, 20.0)
    assert measure.rest not in {each.labels[measure.by] for each in found.changes}


def test_evidence_of_before_there_was_a_whole_is_still_read() -> None:
    made = evidence(comparisons=[statements(0.9, None)])
    body = json.loads(zlib.decompress(packed(made)))
    body["comparisons"] = [each[:4] for each in body["comparisons"]]
    read = unpacked(zlib.compress(json.dumps(body).encode()))
    assert read.comparisons == made.comparisons


def test_without_a_series_an_hour_ago_nobody_knows_what_changed() -> None:
    found = queries.compared(STATEMENTS, [({"queryid": "1"}, 1.0)], [])
    assert found.changes[0].before is None


def test_evidence_comes_back_as_it_was_packed() -> None:
    made = evidence(
        comparisons=[statements(0.9, None)],
        tables={"shop": [lock_table()]},
        missing=["x"],
    )
    assert unpacked(packed(made)) == made
