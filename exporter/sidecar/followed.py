"""The configuration file: read again when it changes, the last good one kept."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from prometheus_client import Gauge

from exporter.errors import ConfigError
from exporter.file_print import print_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from exporter.config import Config
    from exporter.file_print import FilePrint
    from exporter.sidecar.own import Own

_log = logging.getLogger(__name__)


class Followed:
    """A configuration in force, and its file."""

    def __init__(self, file: Path, read: Callable[[], Config], own: Own) -> None:
        """Read it; raises ConfigError."""
        self._file, self._read = file, read
        self._seen: FilePrint = print_of(file)
        self.config = read()
        self.problems: list[str] = []
        self._worked = Gauge(
            "kpi_sidecar_config_last_reload_successful",
            "Whether the latest attempt to load the configuration worked.",
            registry=own.registry,
        )
        self._worked.set(1)

    @property
    def changed(self) -> bool:
        """Whether the file is another one than was read last."""
        return print_of(self._file) != self._seen

    def again(self) -> None:
        """Have the file read again although it looks the same."""
        self._seen = None

    def refresh(self) -> bool:
        """Read it again; returns whether it is in force, else `problems` says why not.

        The sidecar's own section is taken over by a restart alone.
        """
        self._seen = print_of(self._file)
        try:
            config = self._read()
        except ConfigError as error:
            self.problems = error.problems
            self._worked.set(0)
            return False
        if config.sidecar != self.config.sidecar:
            fields = {"key": "sidecar"}
            _log.warning("changed, needs a restart", extra={"fields": fields})
        self.config, self.problems = config, []
        self._worked.set(1)
        return True
