"""The collector that CONTRIBUTING.md shows: it works, and keeps the rules it states."""

from __future__ import annotations

import ast
import re
from types import ModuleType

from exporter.collector import Collector, SourceKind
from tests.source import ROOT
from tests.unit.test_imports import not_in_a_collector, out_of_room


def example() -> str:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    blocks: list[str] = re.findall(r"```python\n(.+?)```", text, re.DOTALL)
    return blocks[0]


def test_the_example_of_a_collector_works() -> None:
    module = ModuleType("example")
    exec(compile(example(), "CONTRIBUTING.md", "exec"), vars(module))
    collector = module.COLLECTOR
    assert isinstance(collector, Collector)
    assert (collector.source, collector.name) == (SourceKind.REDIS, "slowlog")
    found = [(s.metric.name, s.value) for s in collector.samples(3, collector.state())]
    assert found == [("redis_slowlog_length", 3)]


def test_the_example_of_a_collector_keeps_the_rules() -> None:
    tree, name = ast.parse(example()), "collectors.redis_slowlog"
    assert not_in_a_collector(name, tree) + out_of_room(name, tree) == []
