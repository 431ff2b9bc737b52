"""What can be set of a Redis server beside how it is reached."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator


class KeySampling(BaseModel):
    """How many random keys a poll looks at, and the prefixes that are told apart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sample: Annotated[int, Field(ge=0, le=1000)] = 0
    groups: Annotated[tuple[str, ...], Field(max_length=50)] = ()

    @field_validator("groups")
    @classmethod
    def _are_prefixes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(value) or "other" in value:
            raise ValueError("a group is a prefix of keys, and not `other`")
        return value
