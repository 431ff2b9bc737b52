"""Sets of queries whose plans a platform counts on, a YAML file each, read strictly."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field


class GraphQuery(BaseModel):
    """A read query of an application whose plan is watched."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,60}$")]
    cypher: Annotated[str, Field(min_length=1)]
    parameters: dict[str, object] = {}
    profile: bool = False
    must_seek: bool = False


class QuerySet(BaseModel):
    """A platform's queries."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    queries: tuple[GraphQuery, ...] = Field(min_length=1)

    def beside(
        self, own: tuple[GraphQuery, ...], *, profile: bool
    ) -> tuple[GraphQuery, ...]:
        """Return a target's own queries and those of ours that it does not name."""
        names = {query.name for query in own}
        return own + tuple(
            query.model_copy(update={"profile": profile})
            for query in self.queries
            if query.name not in names
        )


@cache
def load(name: str) -> QuerySet:
    """Read a set by its name, which is its file's name; raises ValidationError."""
    text = files(__name__).joinpath(f"{name}.yaml").read_text("utf-8")
    return QuerySet.model_validate(yaml.safe_load(text))


@cache
def names() -> tuple[str, ...]:
    """Return the names of the sets."""
    found = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(n.removesuffix(".yaml") for n in found if n.endswith(".yaml")))
