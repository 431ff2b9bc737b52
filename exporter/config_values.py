"""Values that several parts of a configuration share, and what they may not hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
)

from exporter.units import address

if TYPE_CHECKING:
    from collections.abc import Sequence


class Strict(BaseModel):
    """Unknown keys are errors, and nothing changes after loading.

    What checks a model is made when it is first used: most are parts of another one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def _not_empty(text: object) -> object:
    if isinstance(text, str) and not text.strip():
        raise ValueError("must not be empty")
    return text


def once(names: Sequence[str]) -> Sequence[str]:
    """Refuse a name that is given twice; raises ValueError."""
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name!r} is given twice")
    return names


Text = Annotated[str, BeforeValidator(_not_empty)]
Place = Annotated[Path, BeforeValidator(_not_empty)]
Names = Annotated[tuple[Text, ...], AfterValidator(once)]
Whole = Annotated[int, Field(strict=True)]


class Web(Strict):
    """Where to listen; `config_file` is in the exporter-toolkit's format."""

    listen: str = "127.0.0.1:10099"
    config_file: Place | None = None

    @field_validator("listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        address(value)
        return value
