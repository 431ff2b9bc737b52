"""The parts of the sample application that need no server."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.demo.shop import code
from exporter.demo.shop.graph import index_statements
from exporter.demo.shop.instruments import CONTENT_TYPE, Instruments
from exporter.demo.shop.limiter import TokenBucket


def test_lint_names_an_import_that_is_not_used() -> None:
    assert code.lint("import os\nimport sys as s\nprint(s)\n") == [
        "os is imported and not used"
    ]


@pytest.mark.parametrize(
    ("source", "value"), [("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("7 / 2 - 1", 2.5)]
)
def test_execute_works_out_a_sum(source: str, value: float) -> None:
    assert code.execute(source) == value


@pytest.mark.parametrize(
    "source",
    [
        "1 / 0",
        "9 ** 99",
        "open('x')",
        "a",
        "1; 2",
        "x = 1",
        "(",
        "\0",
        "'text'",
        "1e9 * 1e9",
        "1 + " * 900 + "1",
    ],
)
def test_execute_refuses_everything_else(source: str) -> None:
    with pytest.raises(code.CodeError):
        code.execute(source)


def test_a_text_has_always_the_same_vector_of_sixteen_numbers() -> None:
    assert code.embed("a") == code.embed("a") != code.embed("b")
    assert code.embed("a").count(",") == 15


def test_the_bucket_allows_a_burst_and_then_the_rate() -> None:
    bucket = TokenBucket(10)
    assert [bucket.take(5.0) for _ in range(11)] == [True] * 10 + [False]
    assert [bucket.take(5.25) for _ in range(3)] == [True, True, False]
    assert [bucket.take(60.0) for _ in range(11)] == [True] * 10 + [False]


def instruments() -> Instruments:
    made = Instruments()
    made.request("GET", "/x", 200, 0.05)
    made.request("GET", "/x", 500, 0.2)
    with made.query("select", "orders"):
        pass
    made.hit.labels("l1", "product").inc()
    made.miss.labels("l2", "product").inc()
    made.limited.labels("/x").inc()
    made.task.labels("lint").observe(1)
    made.embedding.observe(0.1)
    made.websocket.observe(0.01)
    return made


def test_requests_are_published_in_both_namings() -> None:
    text = instruments().page().decode()
    wanted = (
        'http_requests_total{method="GET",path="/x",status="500"} 1.0',
        'http_request_duration_seconds_count{method="GET",path="/x",status="200"} 1.0',
        'http_response_status_code="500",http_route="/x"} 1.0',
    )
    assert [line for line in wanted if line not in text] == []


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        (
            "db_query_duration_seconds_count",
            {"query_type": "select", "table": "orders"},
        ),
        ("cache_hit_total", {"cache_level": "l1", "cache_type": "product"}),
        ("cache_miss_total", {"cache_level": "l2", "cache_type": "product"}),
        ("rate_limit_hits_total", {"handler": "/x"}),
        ("current_connections", {}),
        ("task_duration_seconds_count", {"task_type": "lint"}),
        ("embedding_duration_seconds_count", {}),
        ("websocket_message_duration_seconds_count", {}),
    ],
)
def test_the_names_that_the_rules_read_are_published(
    name: str, labels: dict[str, str]
) -> None:
    families = text_string_to_metric_families(instruments().page().decode())
    found = [s.labels for family in families for s in family.samples if s.name == name]
    assert found == [labels]


@pytest.mark.parametrize(
    ("name", "promises"),
    [
        (
            "http_request_duration_seconds_bucket",
            {"0.005", "0.007", "0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1.0"},
        ),
        ("db_query_duration_seconds_bucket", {"0.01", "0.05", "0.1", "1.0"}),
        ("websocket_message_duration_seconds_bucket", {"0.01", "0.05"}),
        ("task_duration_seconds_bucket", {"5.0"}),
        ("embedding_duration_seconds_bucket", {"0.5"}),
    ],
)
def test_each_promise_has_a_bucket_of_its_own(name: str, promises: set[str]) -> None:
    families = text_string_to_metric_families(instruments().page().decode())
    bounds = {
        s.labels["le"] for family in families for s in family.samples if s.name == name
    }
    assert promises - bounds == set()


def test_the_page_is_plain_text_without_created_series() -> None:
    assert CONTENT_TYPE.startswith("text/plain; version=0.0.4")
    assert "_created" not in instruments().page().decode()


def test_the_ten_expected_indexes_and_one_more_are_made() -> None:
    statements = index_statements()
    assert len(statements) == 11
    assert statements[-1].endswith("FOR (n:ExecutionResult) ON (n.user_id)")
