"""Taking apart what Redis answers."""

from __future__ import annotations

import pytest

from exporter.sources.redis_text import number, parse_fields, parse_pairs


def test_a_field_is_split_at_its_first_colon() -> None:
    text = "# Server\r\nos:Linux\r\nconfig_file:\r\nlistener0:name=tcp,bind=::1\r\n\r\n"
    assert parse_fields(text) == {
        "os": "Linux",
        "config_file": "",
        "listener0": "name=tcp,bind=::1",
    }


def test_pairs_without_a_value_fall_away() -> None:
    assert parse_pairs("keys=2,odd,expires=1") == {"keys": "2", "expires": "1"}
    assert parse_pairs("") == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-1", -1),
        ("1.08", 1.08),
        ("9007199254740993", 9007199254740993),
        ("ok", 1),
        ("err", 0),
        ("up", 1),
        ("down", 0),
        ("nan", None),
        ("-nan", None),
        ("inf", None),
        ("100.19%", None),
        ("", None),
        (None, None),
    ],
)
def test_a_value_is_a_number_or_absent(text: str | None, value: float | None) -> None:
    assert number(text) == value


def test_a_divided_value_changes_its_unit() -> None:
    assert number("1234", 1_000_000) == 0.001234
