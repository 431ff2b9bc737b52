"""Sets of indexes that a platform expects, one YAML file each, read strictly."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

Name = Annotated[str, Field(min_length=1, strict=True)]


class ExpectedIndex(BaseModel):
    """One index that must exist, named by what it covers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: Name
    properties: tuple[Name, ...] = Field(min_length=1)


class IndexSet(BaseModel):
    """A platform's expected indexes of one kind of source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Literal["neo4j"]
    indexes: tuple[ExpectedIndex, ...] = Field(min_length=1)

    @field_validator("indexes")
    @classmethod
    def _one_of_each(
        cls, value: tuple[ExpectedIndex, ...]
    ) -> tuple[ExpectedIndex, ...]:
        for index in value:
            if value.count(index) > 1:
                covered = ", ".join(index.properties)
                raise ValueError(f"{index.label}({covered}) is there twice")
        return value


@cache
def load(name: str) -> IndexSet:
    """Read a set by its name, which is its file's name; raises ValidationError."""
    text = files(__name__).joinpath(f"{name}.yaml").read_text("utf-8")
    return IndexSet.model_validate(yaml.safe_load(text))


@cache
def names(source: str) -> tuple[str, ...]:
    """Return the names of the sets of a kind of source."""
    found = (entry.name for entry in files(__name__).iterdir())
    sets = sorted(n.removesuffix(".yaml") for n in found if n.endswith(".yaml"))
    return tuple(name for name in sets if load(name).source == source)
