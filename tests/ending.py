"""Lets SIGTERM end the project's own tools in the way that Ctrl-C does."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def end_as_by_ctrl_c() -> None:
    """From now on SIGTERM does what SIGINT does: servers are stopped, folders go.

    Also where SIGINT is ignored, as in what a script starts with `&`.
    """
    signal.signal(signal.SIGTERM, _end)


def _end(_: int, frame: FrameType | None) -> None:
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):
        handler = signal.default_int_handler
    handler(signal.SIGINT, frame)
