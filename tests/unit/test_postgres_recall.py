"""When the server may leave rows out, and when all must come again."""

from __future__ import annotations

from dataclasses import replace

from exporter.collectors._postgres_recall import Recall
from exporter.collectors._postgres_rows import packed
from exporter.collectors._postgres_statements_info import Info
from exporter.sources.postgres_kept import NO_PRINTS, Kept, prints

INFO = Info(1000.0, 13, 1100.0, -1.0, 0, 900.0)
ROWS = [packed((11, 1, query, True, *[1] * 16, -query)) for query in (7, 8)]


def brings_all(recall: Recall, kept: Kept, info: Info) -> bool:
    recall.note(kept, ROWS, info)
    return kept.prints is NO_PRINTS


def test_the_prints_of_all_rows_are_kept() -> None:
    kept = Kept(owners=frozenset({(11, 1)}))
    Recall().note(kept, ROWS, INFO)
    numbers = [number.to_bytes(8, signed=True) for number in (-7, -8)]
    assert (kept.prints, kept.owners) == (prints(numbers), frozenset({(11, 1)}))


def test_all_rows_come_when_some_may_be_gone() -> None:
    changes = ({"dealloc": 1}, {"reset": 950.0}, {"started": 1050.0})
    for change in changes:
        recall, kept = Recall(), Kept(owners=frozenset({(11, 1)}))
        changed = replace(INFO, **change)
        found = [brings_all(recall, kept, info) for info in (INFO, changed)]
        assert (found, kept.owners) == ([False, True], frozenset())
        assert not brings_all(recall, kept, changed)


def test_all_rows_come_where_nothing_is_said_of_those_that_go() -> None:
    recall, kept, old = Recall(), Kept(), replace(INFO, dealloc=None, reset=None)
    assert [brings_all(recall, kept, old) for _ in range(3)] == [True] * 3


def test_all_rows_come_once_as_long_as_none_goes() -> None:
    recall, kept = Recall(), Kept()
    assert not any(brings_all(recall, kept, INFO) for _ in range(200))
