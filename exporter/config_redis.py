"""What can be set of a Redis server beside how it is reached."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from exporter.config_values import Names, Strict, Whole


class KeySampling(Strict):
    """How many random keys a poll looks at, and the prefixes that are told apart."""

    sample: Annotated[Whole, Field(ge=0, le=1000)] = 0
    groups: Annotated[Names, Field(max_length=50)] = ()

    @field_validator("groups")
    @classmethod
    def _are_prefixes(cls, value: Names, known: ValidationInfo) -> Names:
        if "other" in value:
            raise ValueError("a group is a prefix of keys, and not `other`")
        if value and known.data.get("sample") == 0:
            raise ValueError("changes nothing without sample")
        return value
