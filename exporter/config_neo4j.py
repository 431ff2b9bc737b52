"""What can be set of a Neo4j server: where it is, its indexes and watched queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, ValidationInfo, field_validator

from exporter.catalogue import queries as query_sets
from exporter.catalogue.queries import GraphQuery  # noqa: TC001 - pydantic reads it
from exporter.collector import SourceKind
from exporter.config_indexes import known_set
from exporter.config_values import Names, Strict, Text, once
from exporter.units import check_bolt

if TYPE_CHECKING:
    from exporter.catalogue.indexes import ExpectedIndex


class Neo4jSettings(Strict):
    """What a Neo4j target has of its own; for `Neo4jTarget` alone."""

    uri: Text
    user: Text | None = None
    databases: Annotated[Names, Field(min_length=1)] = ("neo4j",)
    indexes: str | None = None
    queries: tuple[GraphQuery, ...] = ()
    query_set: str | None = None
    profile_query_set: bool = False

    @property
    def watched(self) -> tuple[GraphQuery, ...]:
        """The target's queries, and those of its set which it does not name itself."""
        if self.query_set is None:
            return self.queries
        found = query_sets.load(self.query_set)
        return found.beside(self.queries, profile=self.profile_query_set)

    @property
    def expected_indexes(self) -> tuple[ExpectedIndex, ...]:
        """The indexes of the set that `indexes` names; none without a name."""
        if self.indexes is None:
            return ()
        from exporter.catalogue import indexes

        return indexes.of_labels(self.indexes)

    @field_validator("uri")
    @classmethod
    def _is_bolt(cls, value: str) -> str:
        check_bolt(value)
        return value

    @field_validator("databases")
    @classmethod
    def _one_by_any_case(cls, value: Names) -> Names:
        once([name.lower() for name in value])
        return value

    @field_validator("indexes")
    @classmethod
    def _known_set(cls, value: str | None) -> str | None:
        return known_set(SourceKind.NEO4J, value)

    @field_validator("query_set")
    @classmethod
    def _known_query_set(cls, value: str | None) -> str | None:
        known = query_sets.names()
        if value is not None and value not in known:
            raise ValueError(f"no query set {value!r}; there are {', '.join(known)}")
        return value

    @field_validator("profile_query_set")
    @classmethod
    def _profiles_something(cls, value: bool, known: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's shape
        if value and not known.data.get("query_set"):
            raise ValueError("changes nothing without query_set")
        return value

    @field_validator("queries")
    @classmethod
    def _one_of_each(cls, value: tuple[GraphQuery, ...]) -> tuple[GraphQuery, ...]:
        names = [query.name for query in value]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two queries are named {name!r}")
        return value
