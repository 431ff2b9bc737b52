"""The sets of expected indexes: what is in them, and what their loader refuses."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from exporter.catalogue import indexes
from exporter.catalogue.indexes import ExpectedIndex, IndexSet, TableIndexSet

TEN = [
    "AuditEvent(timestamp)",
    "AuditEvent(user_id)",
    "AuditEvent(event_type)",
    "ExecutionResult(timestamp)",
    "ExecutionResult(code_hash)",
    "ExecutionResult(language)",
    "ExecutionResult(user_id, timestamp)",
    "LintResult(code_hash)",
    "LintResult(timestamp)",
    "TestResult(timestamp)",
]

ONE = "{label: A, properties: [x]}"


def written(index: ExpectedIndex) -> str:
    return f"{index.label}({', '.join(index.properties)})"


def read(text: str) -> IndexSet:
    content: Any = yaml.safe_load(text)
    return IndexSet.model_validate(content)


def test_ultimate_mcp_expects_its_ten_indexes() -> None:
    assert [written(one) for one in indexes.of_labels("ultimate-mcp")] == TEN


def test_sets_are_known_by_the_kind_of_source_they_are_for() -> None:
    assert "ultimate-mcp" in indexes.names("neo4j")
    assert "ultimate-mcp" not in indexes.names("postgres")


def test_every_set_that_is_named_can_be_loaded() -> None:
    for source in ("neo4j", "postgres"):
        assert [indexes.load(n).source for n in indexes.names(source)] == [
            source for _ in indexes.names(source)
        ]


def test_the_order_of_properties_is_part_of_an_index() -> None:
    both = read(
        "{source: neo4j, indexes: [{label: A, properties: [x, y]},"
        " {label: A, properties: [y, x]}]}"
    )
    assert [written(one) for one in both.indexes] == ["A(x, y)", "A(y, x)"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{source: neo4j, indexes: []}", "at least 1 item"),
        ("{indexes: [{label: A, properties: [x]}]}", "Field required"),
        ("{source: redis, indexes: [{label: A, properties: [x]}]}", "'neo4j'"),
        ("{source: neo4j, indexes: [{label: A, properties: []}]}", "at least 1 item"),
        ("{source: neo4j, indexes: [{label: A, properties: ['']}]}", "at least 1 char"),
        ("{source: neo4j, indexes: [{label: '', properties: [x]}]}", "at least 1 char"),
        ("{source: neo4j, indexes: [{label: 1, properties: [x]}]}", "valid string"),
        ("{source: neo4j, indexes: [{label: A, properties: x}]}", "valid tuple"),
        (
            "{source: neo4j, indexes: [{label: A, properties: [x], unique: true}]}",
            "Extra inputs",
        ),
        (
            f"{{source: neo4j, indexes: [{ONE}, {ONE}]}}",
            "A(x) is there twice",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(text)
    assert why in str(caught.value)


def test_the_sets_for_postgresql_are_those_of_the_platforms() -> None:
    assert indexes.names("postgres") == ("developer-mesh", "stellar-logic")
    found = [
        f"{one.table}({', '.join(one.columns)})"
        for name in indexes.names("postgres")
        for one in indexes.of_tables(name)
    ]
    assert found == [
        "agents(status, current_workload)",
        "agents(capabilities jsonb_path_ops)",
        "tasks(status, priority desc, created_at)",
        "sessions(user_id, last_activity)",
        "embeddings(vector)",
        "threats(type, created_at)",
        "threats(id)",
    ]
    assert indexes.of_tables("ultimate-mcp") == ()
    assert indexes.of_labels("stellar-logic") == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("indexes: []", "at least 1 item"),
        ("indexes: [{table: t, columns: []}]", "at least 1 item"),
        ("indexes: [{table: t, columns: ['lower(x)']}]", "should match pattern"),
        ("indexes: [{table: t, columns: [x], methods: []}]", "at least 1 item"),
        ("indexes: [{table: t, columns: [x], where: a}]", "valid tuple"),
        ("indexes: [{label: t, properties: [x]}]", "Extra inputs"),
    ],
)
def test_what_makes_no_sense_of_tables_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TableIndexSet.model_validate(yaml.safe_load(f"{{source: postgres, {text}}}"))
    assert why in str(caught.value)
