"""Which answers may be compressed."""

from __future__ import annotations

import pytest

from exporter.web.send import accepts_gzip


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("gzip;q=0.001", True),
        ("gzip; q=0.5", True),
        ("*", True),
        ("*;q=0", False),
        ("*, gzip;q=0", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip; Q=0", False),
        ("identity", False),
        ("br, zstd", False),
        ("gzip;q=often", False),
        ("gzip;q=", False),
        (",,;=,", False),
    ],
)
def test_gzip_is_used_only_where_the_client_allows_it(
    header: str, *, expected: bool
) -> None:
    assert accepts_gzip(header) is expected
