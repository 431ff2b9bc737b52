"""Texts of statements: one short line, no literals, and when they are asked for."""

from __future__ import annotations

import pytest

from exporter.collectors._postgres_text import MARK, Answer, Texts, label

MONITOR, WEB = 10, 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM t1 WHERE id = $1", "SELECT * FROM t1 WHERE id = $1"),
        ("select\n  a,\tb\r\nfrom  t", "select a, b from t"),
        ("ALTER ROLE x PASSWORD 'hush-4711'", "ALTER ROLE x PASSWORD ?"),
        ("select 'it''s', E'a b', 42, -1.5e3, 0xFF, .5", "select ?, E?, ?, -?, ?, .?"),
        ("select $$hush$$, $a$ it's $$ $a$, t2.c3", "select ?, ?, t2.c3"),
        ('select "a\'b", "x""y" from "T 1"', 'select "a\'b", "x""y" from "T 1"'),
        ("select 1 /* user=7 */ + 2 -- hush\nfrom t", "select ? + ? from t"),
        ("", ""),
    ],
)
def test_a_text_becomes_one_line_without_literals(text: str, expected: str) -> None:
    assert label(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "select 'hush that was cut sho",
        "select $$hush that was cut sho",
        "select $tag$hush that was cut $$ sho",
        "select /* hush that was cut sho",
        "select /* a /* b */ hush */ + c",
        r"select 'a\'b hush', 'c'",
        'select "hush that was cut sho',
    ],
)
def test_where_an_end_is_not_certain_the_rest_is_left_out(text: str) -> None:
    assert label(text) == "select …"


def test_a_long_text_is_cut_at_120_characters() -> None:
    text = label("select " + ", ".join(f"column_{n}" for n in range(100)))
    assert len(text) == 120
    assert text.endswith("column_9, column_10, c…")


def test_only_statements_of_our_role_are_unclear() -> None:
    texts = Texts()
    texts.learn(Answer(frozenset(), [], set()), MONITOR, {1, 2})
    assert texts.unclear == {1, 2}


def test_our_marked_statements_are_our_own_and_others_of_our_role_are_not() -> None:
    texts, wanted = Texts(), {1, 2, 3}
    answer = [
        (MONITOR, 1, f"select {MARK} 1"),
        (MONITOR, 2, "select a from b"),
        (WEB, 3, f"select {MARK} 1"),
    ]
    texts.learn(Answer(frozenset(wanted), answer, wanted), MONITOR, {1, 2, 4})
    assert texts.own == {1}
    assert texts.unclear == {4}
    assert wanted == set()


def test_members_texts_are_asked_for_once_and_kept_while_they_are_members() -> None:
    texts, wanted = Texts(), set[int]()
    nothing = Answer(frozenset(), [], wanted)
    texts.ask(nothing, {1, 2})
    assert wanted == {1, 2}
    texts.learn(
        Answer(frozenset({1, 2}), [(WEB, 1, "select 1")], wanted), MONITOR, set()
    )
    texts.ask(nothing, {1, 2})
    assert (texts.of, wanted) == ({1: "select ?", 2: ""}, set())
    texts.ask(nothing, {2})
    assert texts.of == {2: ""}


def test_texts_are_not_asked_for_at_every_poll() -> None:
    texts, asked = Texts(), []
    for number in range(11):
        answer = Answer(frozenset(), [], set())
        texts.ask(answer, {number})
        asked.append(bool(answer.wanted))
    assert asked == [True, *[False] * 4, True, *[False] * 4, True]


def test_an_own_statement_that_was_evicted_is_looked_at_again() -> None:
    texts = Texts()
    marked = Answer(frozenset({1}), [(MONITOR, 1, MARK)], set())
    nothing = Answer(frozenset(), [], set())
    texts.learn(marked, MONITOR, {1})
    texts.learn(nothing, MONITOR, set())
    texts.learn(nothing, MONITOR, {1})
    assert texts.unclear == {1}
