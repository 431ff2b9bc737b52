"""The incidents' pages and plots as text: what is there, escaped, in which order."""

from __future__ import annotations

import re

from exporter.sidecar.incidents.incident import Cause, Evidence, Incident, Series
from exporter.sidecar.incidents.kept import Listed
from exporter.sidecar.incidents.pages import POLICY, Part, Story, detail, listing
from exporter.sidecar.incidents.plot import Frame, plot
from tests.unit.incidents_made import (
    OPENED,
    evidence,
    incident,
    lock_table,
    statements,
)

EVIL = '"><script>alert(1)</script>&'
LOCK = incident("pg_lock_waiters")._replace(
    frozen=True, causes=[Cause("migration blocks 3", "it says so", "own", 0.9)]
)
FRAME = Frame("value", "seconds", OPENED, 0.5)


def shown(of: Incident = LOCK, seen: Evidence | None = None) -> str:
    return detail(
        Story(of, seen, [of, incident("db_query_p95", after=90)]), OPENED + 120
    )


def test_a_page_says_the_likeliest_cause_before_anything_else() -> None:
    page = shown(seen=evidence(tables={"shop": [lock_table()]}))
    titles = re.findall(r"<h2>([^<]+)", page)
    assert titles == [
        "Likely causes",
        "The promise",
        "Who waits for whom on shop",
        "Other alerts near it",
        "What the alert said",
    ]
    assert "<li>migration blocks 3<span>it says so</span>" in page


def test_tables_of_other_promises_are_folded_below() -> None:
    other = lock_table(title="Oldest transactions", kpis=["pg_xmin_horizon"])
    page = shown(seen=evidence(tables={"shop": [other, lock_table()]}))
    own, fold = page.index("Who waits for whom on"), page.index("<details>")
    assert own < fold < page.index("Oldest transactions on")
    assert "What else was seen (1)" in page


def test_a_page_needs_nothing_but_itself() -> None:
    page = shown(seen=evidence(comparisons=[statements(0.9, 0.1)]))
    assert "<script" not in page
    assert not re.findall(r"(src|@import|url\()", page)
    assert 'name="viewport"' in page
    assert "default-src 'none'" in POLICY
    assert not re.findall(r'style="', page)


def test_whatever_comes_from_elsewhere_is_escaped() -> None:
    evil = LOCK._replace(
        labels={"alertname": EVIL, "target": EVIL, "severity": EVIL, EVIL: EVIL},
        annotations={
            "summary": EVIL,
            "runbook_url": f"javascript:{EVIL}",
            "dashboard_url": f"https://grafana/{EVIL}",
            EVIL: EVIL,
        },
        causes=[Cause(EVIL, EVIL, "own", 1.0)],
    )
    table = lock_table(title=EVIL, rows=[{EVIL: EVIL, "statement": EVIL}])
    seen = evidence(
        tables={EVIL: [table]},
        missing=[EVIL],
        series=[Series({EVIL: EVIL}, [(OPENED, 1.0)])],
    )
    for page in (shown(evil, seen), listing(Listed(1, [evil]), Part(0, 10, 0), OPENED)):
        assert "<script" not in page
        assert "javascript:" not in page
        assert 'href="https://grafana/&quot;' in page or "grafana" not in page


def test_an_incident_that_is_not_looked_at_yet_says_so() -> None:
    page = shown(LOCK._replace(frozen=False, causes=()))
    assert "being looked for" in page


def test_what_could_not_be_had_is_named() -> None:
    page = shown(seen=evidence(missing=["series: no answer within 60 s"]))
    assert "What could not be had" in page
    assert "no answer within 60 s" in page


def test_a_comparison_stands_beside_what_it_was() -> None:
    page = shown(seen=evidence(comparisons=[statements(0.9, 0.1)]))
    row = re.search(r"<tr><th scope=\"row\">0\.9.*?</tr>", page)
    assert row
    assert re.findall(r"<td class=number>([\d.]+)", row[0]) == ["0.1", "9"]
    assert '<td class="text">SELECT slow' in row[0].replace(
        "class=text", 'class="text"'
    )


def test_another_alert_is_linked_with_its_distance() -> None:
    other = incident("db_query_p95", after=90)
    assert f'<a href="{other.id}">{other.summary}</a>' in shown()
    assert "90 s after" in shown()


def test_a_span_says_whether_it_is_over() -> None:
    assert "began 2025-10-09 08:53:20 UTC (2 min ago), open" in shown()
    closed = LOCK._replace(closed=OPENED + 7300)
    assert "over after 2 h" in shown(closed)
    assert '<header class="over">' in shown(closed)


def test_a_list_leads_to_each_and_to_what_is_older() -> None:
    part = Part(OPENED, 1, 1)
    page = listing(Listed(3, [LOCK]), part, OPENED + 60)
    assert "<h1>3 incidents</h1>" in page
    assert f'href="incidents/{LOCK.id}"' in page
    assert "Likely: migration blocks 3" in page
    links = re.findall(r'<a href="incidents\?([^"]+)">(\w+)', page)
    assert links == [
        (f"since={OPENED:.0f}&amp;limit=1&amp;offset=0", "newer"),
        (f"since={OPENED:.0f}&amp;limit=1&amp;offset=2", "older"),
    ]


def test_an_empty_list_says_that_nothing_happened() -> None:
    assert "<h1>No incident</h1>" in listing(Listed(0, []), Part(0, 50, 0), OPENED)


def test_a_plot_reaches_from_edge_to_edge_with_its_limit() -> None:
    points = [(OPENED - 60, 0.0), (OPENED - 30, 0.5), (OPENED, 1.0)]
    drawn = plot([Series({"datname": "a"}, points)], FRAME)
    assert '<path class="s0" d="M0.0 160.0L300.0 85.9L600.0 11.9"/>' in drawn
    assert '<path class="limit" d="M0 85.9H600"/>' in drawn
    assert "highest 1s, limit 500ms (dashed)" in drawn
    assert '<li class="s0">a: 1s' in drawn
    assert "<span>08:52</span><span>08:53 UTC</span>" in drawn


def test_a_line_ends_where_values_are_missing() -> None:
    points = [(OPENED - 600, 1.0), (OPENED - 570, 1.0), (OPENED, 1.0)]
    drawn = plot([Series({}, points)], FRAME)
    found = re.search(r'class="s0" d="([^"]+)"', drawn)
    assert found
    assert re.findall("[ML]", found[1]) == ["M", "L", "M"]


def test_nothing_is_drawn_without_values() -> None:
    assert plot([], FRAME) == ""
    assert plot([Series({}, [])], FRAME) == ""


def test_values_that_are_all_zero_are_drawn_at_the_bottom() -> None:
    drawn = plot(
        [Series({}, [(OPENED, 0.0), (OPENED, 0.0)])], FRAME._replace(limit=None)
    )
    assert "M0.0 160.0" in drawn


def test_only_five_lines_are_drawn_and_the_rest_is_counted() -> None:
    many = [Series({"n": str(n)}, [(OPENED, 1.0)]) for n in range(7)]
    drawn = plot(many, FRAME)
    assert len(re.findall(r'<path class="s', drawn)) == 5
    assert "and 2 more" in drawn
