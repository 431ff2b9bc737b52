"""Durations and addresses as people write them."""

from __future__ import annotations

import pytest

from exporter.units import address, seconds


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1:10099", ("127.0.0.1", 10099)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:80", ("::1", 80)),
        (":80", ("0.0.0.0", 80)),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, found: tuple[str, int]) -> None:
    assert address(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "80",
        "[127.0.0.1]:80",
        "::1:80",
        "127.0.0.1:٨٠",
        "1.2.3:80",
        "[::1:80",
        "a:65536",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|octets|IPv4|groups|parts"):
        address(text)


@pytest.mark.parametrize(
    ("text", "found"), [("1m30s", 90.0), ("500ms", 0.5), ("1.5h", 5400.0)]
)
def test_a_duration_is_read_in_seconds(text: str, found: float) -> None:
    assert seconds(text) == found


@pytest.mark.parametrize("value", [15, "15 s", "s", "-1s", "1s ago", None])
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(value)
