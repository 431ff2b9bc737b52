"""Sets of indexes that a platform expects, one YAML file each, read strictly."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

Name = Annotated[str, Field(min_length=1, strict=True)]
Column = Annotated[str, Field(pattern=r"^\w+( \w+)?( desc)?$", strict=True)]


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


class TableIndex(BaseModel):
    """One index that must exist on a table, named by what it is good for.

    A column is written as in CREATE INDEX: a name, an operator class if it matters,
    `desc`. Any of `methods` will do, and any of the conditions `where`, if there are.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: Name
    columns: tuple[Column, ...] = Field(min_length=1)
    methods: tuple[Name, ...] = Field(default=("btree",), min_length=1)
    where: tuple[Name, ...] = ()


class TableIndexSet(BaseModel):
    """A platform's expected indexes of PostgreSQL."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Literal["postgres"]
    indexes: tuple[TableIndex, ...] = Field(min_length=1)


@cache
def load(name: str) -> IndexSet | TableIndexSet:
    """Read a set by its name, which is its file's name; raises ValidationError."""
    text = files(__name__).joinpath(f"{name}.yaml").read_text("utf-8")
    data = yaml.safe_load(text)
    shape = TableIndexSet if data.get("source") == "postgres" else IndexSet
    return shape.model_validate(data)


def of_labels(name: str) -> tuple[ExpectedIndex, ...]:
    """Return the indexes of a set for Neo4j."""
    found = load(name)
    return found.indexes if isinstance(found, IndexSet) else ()


def of_tables(name: str) -> tuple[TableIndex, ...]:
    """Return the indexes of a set for PostgreSQL."""
    found = load(name)
    return found.indexes if isinstance(found, TableIndexSet) else ()


@cache
def names(source: str) -> tuple[str, ...]:
    """Return the names of the sets of a kind of source."""
    found = (entry.name for entry in files(__name__).iterdir())
    sets = sorted(n.removesuffix(".yaml") for n in found if n.endswith(".yaml"))
    return tuple(name for name in sets if load(name).source == source)
