"""How many tables of a PostgreSQL target are shown by themselves."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Tables(BaseModel):
    """How many tables get series of their own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    top: Annotated[int, Field(ge=0, le=500)] = 50
