"""What can be set of a PostgreSQL server beside how it is reached and filtered."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from exporter.units import Duration  # noqa: TC001 - pydantic reads it at run time


class Sampling(BaseModel):
    """Whether running statements are looked at between polls, and how often."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    interval: Annotated[Duration, Field(ge=0.2, le=60)] = 1.0


class PostgresSettings(BaseModel):
    """What a PostgreSQL target has of its own; for `PostgresTarget` alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sampling: Sampling = Sampling()
    _promised: tuple[float, ...] = PrivateAttr(())

    @property
    def promised(self) -> tuple[float, ...]:
        """The configuration's own limits for the latency of statements, in seconds."""
        return self._promised

    def promise(self, limits: tuple[float, ...]) -> None:
        """Tell the target its promised limits, once, while loading."""
        self._promised = limits
