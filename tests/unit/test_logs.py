"""Log lines: one line each, parts a program can read, no secret."""

from __future__ import annotations

import json
import logging

import pytest

from exporter.errors import Reason
from exporter.logs import Formatter
from exporter.poll import Failure, FailureLog
from exporter.secret import remember


def line(style: str, event: str, **fields: object) -> str:
    record = logging.LogRecord("x", logging.WARNING, "", 0, event, (), None)
    record.fields = fields
    return Formatter(style).format(record)


def test_text_is_key_value_with_quotes_where_needed() -> None:
    text = line("text", "poll failed", target="orders", error='a "b"\nc', empty="")

    assert text.split(" ", 1)[1] == (
        'level=warning event="poll failed" target=orders error="a \\"b\\"\\nc" empty=""'
    )


def test_json_is_one_object() -> None:
    text = line("json", "poll failed", target="orders")

    assert json.loads(text)["target"] == "orders"
    assert "\n" not in text


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_known_secret_is_masked_wherever_it_stands(style: str) -> None:
    remember("hunter22-secret")

    text = line(style, "login hunter22-secret", error="at x:hunter22-secret@y")

    assert "hunter22" not in text
    assert "***" in text


def test_a_traceback_stays_on_the_events_line() -> None:
    error = ValueError("boom")
    record = logging.makeLogRecord(
        {"msg": "bug", "exc_info": (ValueError, error, error.__traceback__)}
    )

    text = Formatter("text").format(record)

    assert "boom" in text
    assert "\n" not in text


def test_first_failure_then_a_summary_then_recovery(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    failing = FailureLog(target="orders")
    why = Failure(Reason.CONNECT, "refused", fix="start it")

    for now in range(0, 1500, 15):
        failing.failed(why, float(now))
    failing.worked(1500.0)
    failing.worked(1515.0)

    assert [(r.message, r.fields.get("failures")) for r in caplog.records] == [  # type: ignore[attr-defined]  # set by `extra`
        ("poll failed", None),
        ("poll still fails", "41"),
        ("poll still fails", "81"),
        ("poll works again", "100"),
    ]
    assert caplog.records[0].fields["fix"] == "start it"  # type: ignore[attr-defined]  # set by `extra`


def test_a_new_reason_is_said_at_once(caplog: pytest.LogCaptureFixture) -> None:
    failing = FailureLog(target="orders")

    for reason in (Reason.CONNECT, Reason.AUTH) * 3:
        failing.failed(Failure(reason, "no"), 0.0)

    said = [r.fields["reason"] for r in caplog.records]  # type: ignore[attr-defined]  # set by `extra`
    assert said == ["connect", "auth"]
