"""What the demo refuses before anything is started."""

from __future__ import annotations

import io
import os
import socket
from typing import TYPE_CHECKING

from exporter.demo.world import main

if TYPE_CHECKING:
    import pytest


def test_an_unknown_fault_ends_with_2_and_all_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = io.StringIO()
    assert main("nothing", None, out) == 2
    message = capsys.readouterr().err
    assert "there is no fault 'nothing'" in message
    assert "slow-query" in message
    assert out.getvalue() == ""


def test_a_port_that_is_taken_ends_with_1_and_names_the_holder(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = io.StringIO()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        assert main(None, None, out, port) == 1
    message = capsys.readouterr().err
    assert f"port {port} of 127.0.0.1 is taken by" in message
    assert f"(pid {os.getpid()})" in message
    assert out.getvalue() == ""
