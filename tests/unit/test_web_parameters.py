"""Parameters are known ones, each once, and numbers within bounds."""

from __future__ import annotations

import pytest

from exporter.web.parameters import WrongError, number, once

KNOWN = ("limit", "offset")


def test_parameters_are_read_by_name() -> None:
    assert once([("offset", "5"), ("limit", "x")], KNOWN) == {
        "offset": "5",
        "limit": "x",
    }


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([("limits", "5")], "no parameter 'limits'; there are limit, offset"),
        ([("limit", "5"), ("limit", "6")], "limit: given twice, wanted is one value"),
    ],
)
def test_others_are_refused(pairs: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(WrongError, match=said):
        once(pairs, KNOWN)


@pytest.mark.parametrize(("text", "found"), [("1", 1), ("0010", 10), ("100", 100)])
def test_a_number_is_read(text: str, found: int) -> None:
    assert number({"limit": text}, "limit", 7, range(1, 101)) == found
    assert number({}, "limit", 7, range(1, 101)) == 7


@pytest.mark.parametrize(
    "text",
    ["0", "101", "-1", "+1", "1.0", "", "x", "\u0661", "1_0", "9" * 5000, "0" * 21],
)
def test_no_other_number_is_taken(text: str) -> None:
    with pytest.raises(WrongError, match="limit: wanted is a number from 1 to 100"):
        number({"limit": text}, "limit", 7, range(1, 101))
