"""What the servers of the demo share: their port, their process, their ways to die."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from exporter.demo.servers.process import ServerError, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from exporter.demo.servers.process import Process


class Server(ABC):
    """One server with its data in `folder`, on the same port as long as it is used."""

    product: ClassVar[str]

    def __init__(self, folder: Path, settings: Mapping[str, str] | None) -> None:
        """Choose the port, which may be set anew before the start; start nothing."""
        self.folder = folder
        self.port = free_port()
        self.settings = dict(settings or {})
        self._process: Process | None = None

    @property
    def process(self) -> Process:
        """The running server; raises ServerError when it was never started."""
        if self._process is None:
            raise ServerError(f"the {self.product} server was not started")
        return self._process

    @abstractmethod
    def start(self) -> None:
        """Start it, with its old data and port if it ran before, and wait for it."""

    def stop(self) -> None:
        """End it in good order; one that does not run is no error."""
        if self._process is not None:
            self._process.stop()

    def restart(self) -> None:
        """Stop and start it on the same port."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it: the kernel accepts connections, nothing is answered."""
        self.process.pause()

    def resume(self) -> None:
        """Let a frozen server run on."""
        self.process.resume()

    def kill(self) -> None:
        """End it as a crash would; `start` brings it back."""
        self.process.kill()
