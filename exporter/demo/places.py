"""Where the parts of the demo's world are reached; None for what was left out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TypeVar

PlaceT = TypeVar("PlaceT")


@dataclass(frozen=True, slots=True)
class Graph:
    """A Neo4j server and its one user."""

    uri: str
    user: str
    password: str


def required(place: PlaceT | None) -> PlaceT:
    """Return a place that must be there; raises LookupError when it was left out."""
    if place is None:
        raise LookupError("the demo runs without the server that is needed here")
    return place


@dataclass(frozen=True, slots=True)
class Places:
    """All addresses; they hold passwords, so they are never printed.

    `postgres_owner` is a superuser's URL (for set-up and faults), `postgres` the
    application's. `application` is the base URL of the sample application.
    """

    application: str
    postgres_owner: str | None = None
    postgres: str | None = None
    redis: str | None = None
    neo4j: Graph | None = None

    def present(self) -> frozenset[str]:
        """Name the servers that are there."""
        servers = {"postgres": self.postgres, "redis": self.redis, "neo4j": self.neo4j}
        return frozenset(name for name, place in servers.items() if place)

    def as_dict(self) -> dict[str, object]:
        """Return what `from_dict` reads, for the application's settings file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> Places:
        """Read what `as_dict` returned."""
        graph = values.pop("neo4j", None)
        known = Graph(**graph) if isinstance(graph, dict) else None
        return cls(**values, neo4j=known)  # type: ignore[arg-type]  # from our own file
