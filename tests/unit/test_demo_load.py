"""What the demo's customers ask for."""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice

from exporter.demo.load import OPERATIONS, calls

EVERYTHING = frozenset({"postgres", "redis", "neo4j"})


def paths(present: frozenset[str], count: int = 3000) -> Counter[str]:
    found = islice(calls(present, random.Random(1)), count)
    return Counter("/".join(c.path.partition("?")[0].split("/")[:3]) for c in found)


def test_every_operation_is_asked_for() -> None:
    every = {
        *("/health", "/api/lint", "/api/products", "/api/search", "/api/customers"),
        *("/api/orders", "/api/login", "/api/tasks", "/api/embeddings"),
        *("/api/executions", "/api/audit", "/api/execute"),
    }
    assert set(paths(EVERYTHING)) == every


def test_nothing_is_asked_for_whose_server_is_absent() -> None:
    assert set(paths(frozenset())) == {"/health", "/api/lint"}
    assert "/api/audit" not in paths(frozenset({"postgres"}))


def test_operations_come_by_their_shares() -> None:
    whole = sum(operation.share for operation in OPERATIONS)
    expected = 3000 * 8 / whole
    assert abs(paths(EVERYTHING)["/api/products"] - expected) < expected / 5


def test_the_load_is_the_same_each_time() -> None:
    first, second = (
        list(islice(calls(EVERYTHING, random.Random(7)), 50)) for _ in range(2)
    )
    assert first == second
