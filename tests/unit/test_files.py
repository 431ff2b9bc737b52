"""Quick reads of small files."""

from __future__ import annotations

import os
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from exporter.sources.files import small, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "comm"
    file.write_bytes(b"redis-server\n")
    assert small(str(file)) == whole(str(file)) == b"redis-server\n"


def test_a_file_that_comes_in_pieces_is_read_to_its_end(tmp_path: Path) -> None:
    text = b"0123456789" * 100_000
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_bytes, args=(text,))
    writer.start()
    assert whole(str(pipe)) == text
    writer.join()


@pytest.mark.parametrize("read", [small, whole])
def test_a_file_that_is_not_there_is_an_error_and_leaves_nothing_open(
    tmp_path: Path, read: Callable[[str], bytes]
) -> None:
    (tmp_path / "empty").touch()
    before = os.listdir("/dev/fd")  # noqa: PTH208 - a count, not paths
    for _ in range(3):
        assert read(str(tmp_path / "empty")) == b""
        with pytest.raises(FileNotFoundError):
            read(str(tmp_path / "nothing"))
    assert len(os.listdir("/dev/fd")) == len(before)  # noqa: PTH208 - as above
