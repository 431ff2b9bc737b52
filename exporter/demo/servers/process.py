"""A server as a child process: run without root, logged to a file, surely stopped."""

from __future__ import annotations

import atexit
import contextlib
import os
import pwd
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_STOP_PATIENCE = 20.0


class ServerError(Exception):
    """A server of the demo could not be had; the text says why and what to do."""


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def unprivileged() -> tuple[int, int] | None:
    """Return user and group id to run servers as, or None when we are not root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def hand_over(folder: Path) -> None:
    """Make a folder and give it to the user that servers run as."""
    folder.mkdir(parents=True, exist_ok=True)
    owner = unprivileged()
    if owner:
        os.chown(folder, *owner)


class Identity(TypedDict, total=False):
    """The arguments of subprocess that say whom a child runs as."""

    user: int
    group: int
    extra_groups: list[int]


def identity() -> Identity:
    """Return whom a server runs as; nothing to change unless we are root."""
    owner = unprivileged()
    if owner is None:
        return {}
    return {"user": owner[0], "group": owner[1], "extra_groups": []}


class Process:
    """One running child process and all of its own children."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        environment: dict[str, str] | None = None,
        as_ourselves: bool = False,
    ) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches only us.

        `as_ourselves` keeps our user: for our own programs, which may lie where the
        unprivileged user cannot read them.
        """
        self.log = log
        with log.open("ab") as output:
            self._child: subprocess.Popen[bytes] = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                **({} if as_ourselves else identity()),
            )
        atexit.register(self.stop)

    @property
    def pid(self) -> int:
        """The process id of the server itself."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._child.poll() is None

    def wait_until(self, ready: Callable[[], bool], patience: float) -> None:
        """Wait for readiness; raises ServerError with the log's end else."""
        deadline = time.monotonic() + patience
        while not ready():
            if not self.alive or time.monotonic() > deadline:
                tail = self.log.read_text(errors="replace")[-2000:]
                self.stop()
                raise ServerError(f"{self._child.args!r} did not get ready:\n{tail}")
            time.sleep(0.05)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the whole session; a dead one is no error."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, number)

    def pause(self) -> None:
        """Freeze the server: it accepts nothing and answers nothing (SIGSTOP)."""
        self.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server run on (SIGCONT)."""
        self.send(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        self.send(signal.SIGKILL)
        self._child.wait()
        atexit.unregister(self.stop)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it in good order, by force after a while."""
        self.resume()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child.pid, number)
        try:
            self._child.wait(_STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
        self.send(signal.SIGKILL)
        atexit.unregister(self.stop)
