"""Evidence is kept while it is there and an hour longer, and drawn safely."""

from __future__ import annotations

from exporter.evidence import Book, Evidence, Kept
from exporter.web.evidence_page import plain, render

TREE = Evidence(
    ("pg_lock_waiters",),
    "Who waits",
    ("pid", "application", "waits_seconds", "statement"),
    ((1, "migration", None, "lock t"), (2, "<b>&", 7.25, "update t")),
    (0, 1),
)
GONE = TREE._replace(rows=(), depths=())


def book(*found: tuple[float, Evidence]) -> Book:
    kept = Book()
    for now, one in found:
        kept.put("orders", "locks", [one], now)
    return kept


def test_the_latest_is_current() -> None:
    newer = TREE._replace(rows=TREE.rows[:1])
    kept = book((100, TREE), (115, newer))
    assert kept.of("orders", 120) == [Kept(newer, 115, current=True)]


def test_what_is_gone_is_kept_for_an_hour() -> None:
    kept = book((100, TREE), (115, GONE))
    assert kept.of("orders", 3700) == [Kept(TREE, 100, current=False)]
    assert kept.of("orders", 3701) == []


def test_a_table_that_is_not_made_any_more_is_past() -> None:
    kept = book((100, TREE))
    kept.put("orders", "locks", [TREE._replace(title="Another")], 115)
    found = {one.evidence.title: one.current for one in kept.of("orders", 120)}
    assert found == {"Another": True, "Who waits": False}


def test_tables_of_many_names_are_forgotten_in_time() -> None:
    kept = Book()
    for now in range(0, 36_000, 60):
        kept.put("graph", "plans", [TREE._replace(title=f"Plan {now}")], now)
    assert len(kept.of("graph", 36_000)) == 60
    assert len(vars(kept)["_kept"]) == 61


def test_nothing_is_kept_of_what_never_was() -> None:
    assert book((100, GONE)).of("orders", 100) == []


def test_what_a_collector_that_fails_said_is_not_current() -> None:
    kept = book((100, TREE))
    kept.stale("orders", "indexes")
    assert kept.of("orders", 100)[0].current
    kept.stale("orders", "locks")
    assert not kept.of("orders", 100)[0].current


def test_targets_and_kpis_are_told_apart_and_the_newest_comes_first() -> None:
    other = TREE._replace(kpis=("pg_index_invalid",), title="Invalid")
    kept = book((100, TREE), (101, other))
    kept.put("graph", "locks", [TREE], 102)
    assert [k.evidence.title for k in kept.of("orders", 110)] == [
        "Invalid",
        "Who waits",
    ]
    assert [k.evidence for k in kept.of("orders", 110, "pg_lock_waiters")] == [TREE]
    kept.remove("orders")
    assert (kept.of("orders", 110), len(kept.of("graph", 110))) == ([], 1)


def test_rows_are_bounded() -> None:
    kept = book((1, TREE._replace(rows=TREE.rows * 500)))
    assert len(kept.of("orders", 1)[0].evidence.rows) == 200


def test_rows_are_objects_by_column() -> None:
    found = plain(Kept(TREE, 0, current=True))
    assert [*found["rows"][1].items()] == [
        ("pid", 2),
        ("application", "<b>&"),
        ("waits_seconds", 7.25),
        ("statement", "update t"),
        ("depth", 1),
    ]
    assert (found["seen"], found["kpis"]) == (
        "1970-01-01T00:00:00+00:00",
        ("pg_lock_waiters",),
    )
    flat = plain(Kept(TREE._replace(depths=()), 0, current=True))
    assert "depth" not in flat["rows"][0]


def test_the_page_draws_the_tree_and_escapes_what_it_is_told() -> None:
    page = render("a<b", "x&y", [Kept(TREE, 100, current=True)], 100)
    assert "<b>" not in page
    assert "a&lt;b: x&amp;y" in page
    assert '<th scope="row">└─ 2<td>&lt;b&gt;&amp;<td class=number>7.2<td' in page
    assert "<span>now</span>" in page


def test_the_page_says_when_what_is_gone_was_seen() -> None:
    page = render("orders", None, [Kept(TREE, 100, current=False)], 400)
    assert "last seen 5 min ago" in page


def test_without_evidence_the_page_says_so() -> None:
    assert "Nothing that names a cause" in render("orders", None, [], 0)
