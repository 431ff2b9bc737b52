"""How many tables of a PostgreSQL target are shown by themselves."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from exporter.config_values import Whole  # noqa: TC001 - pydantic reads it


class Tables(BaseModel):
    """How many tables get series of their own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    top: Annotated[Whole, Field(ge=0, le=500)] = 50
