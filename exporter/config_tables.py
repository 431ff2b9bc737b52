"""How many tables of a PostgreSQL target are shown by themselves."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from exporter.config_values import Strict, Whole


class Tables(Strict):
    """How many tables get series of their own."""

    top: Annotated[Whole, Field(ge=0, le=500)] = 50
