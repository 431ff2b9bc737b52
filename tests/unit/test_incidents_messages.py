"""What receivers are sent: what began, what is over, and the likeliest cause."""

from __future__ import annotations

import json

from exporter.sidecar.incidents.incident import Cause
from exporter.sidecar.incidents.messages import as_json, as_slack, headline
from exporter.sidecar.incidents.outbox import Batch, News
from exporter.sidecar.incidents.tell import Backoff
from tests.unit.incidents_made import incident

LINK = "https://sidecar.example"
LOCK = incident("pg_lock_waiters")._replace(
    causes=[Cause("<!channel> & a|b\nblocks 3", "said", "own", 0.9)]
)
BEGAN = News(LOCK, began=True, ended=False)


def batch(*news: News, began: int = 1, ended: int = 0) -> Batch:
    return Batch(7, began, ended, news)


def test_a_headline_counts_what_began_and_what_is_over() -> None:
    assert headline(batch()) == "Incident: 1 began"
    assert headline(batch(began=9_981, ended=20)) == "Incidents: 9,981 began, 20 over"
    assert headline(batch(began=0, ended=1)) == "Incident: 1 over"


def test_json_has_the_labels_and_the_cause_and_no_table() -> None:
    made = json.loads(as_json(batch(BEGAN, began=30), LINK))
    (one,) = made["incidents"]
    assert (made["number"], made["opened"], made["left_out"]) == (7, 30, 29)
    assert one["labels"] == LOCK.labels
    assert one["first_cause"] == LOCK.causes[0].text
    assert one["url"] == f"{LINK}/incidents/{LOCK.id}"
    assert not {"evidence", "tables", "annotations"} & one.keys()


def test_slack_reads_no_mention_and_no_link_in_what_servers_say() -> None:
    text = json.loads(as_slack(batch(BEGAN, began=30), LINK))["text"]
    assert text.splitlines() == [
        "*Incidents: 30 began*",
        f":red_circle: <{LINK}/incidents/{LOCK.id}|PgLockWaiters is broken on shop>",
        "> likely: &lt;!channel&gt; &amp; a\N{BROKEN BAR}b blocks 3",
        f"and 29 more: <{LINK}/incidents|all incidents>",
    ]


def test_slack_is_told_of_an_end_in_a_line() -> None:
    over = News(LOCK, began=False, ended=True)
    text = json.loads(as_slack(batch(over, began=0, ended=1), LINK))["text"]
    link = f"<{LINK}/incidents/{LOCK.id}|PgLockWaiters on shop>"
    assert text.splitlines()[1] == f":white_check_mark: over: {link}"


def test_an_alert_that_says_nothing_has_a_link_that_can_be_read() -> None:
    empty = LOCK._replace(labels={}, annotations={"summary": " "}, causes=[])
    for began in (True, False):
        news = News(empty, began=began, ended=not began)
        assert "|an alert without a name>" in as_slack(batch(news), LINK)


def test_what_began_and_ended_meanwhile_is_one_entry() -> None:
    both = News(LOCK, began=True, ended=True)
    made = json.loads(as_json(batch(both, ended=1), LINK))
    assert made["incidents"][0]["status"] == "opened and closed"
    assert "(over again)" in as_slack(batch(both, ended=1), LINK)


def test_pauses_double_up_to_the_longest_and_a_wish_is_heard() -> None:
    backoff = Backoff(first=1.0, longest=60.0)
    assert 0.9 <= backoff.pause(1) <= 1.1
    assert 3.6 <= backoff.pause(3) <= 4.4
    assert 54.0 <= backoff.pause(50) <= 66.0
    assert 27.0 <= backoff.pause(1, wanted=30.0) <= 33.0
    assert 54.0 <= backoff.pause(1, wanted=1e9) <= 66.0
