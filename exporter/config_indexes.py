"""Which indexes must be there: the name of a set, for targets that have indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import field_validator

from exporter.collector import SourceKind
from exporter.config_values import Strict

if TYPE_CHECKING:
    from exporter.catalogue.indexes import TableIndex


def known_set(kind: SourceKind, name: str | None) -> str | None:
    """Return a set's name if it is one of the kind's; raises ValueError.

    The sets' models are loaded for those who name a set: 0.8 MiB.
    """
    if name is None:
        return None
    from exporter.catalogue import indexes

    known = indexes.names(kind)
    if name not in known:
        raise ValueError(f"no index set {name!r}; there are {', '.join(known)}")
    return name


class TableIndexes(Strict):
    """The set of indexes that a PostgreSQL target must have; for that target alone."""

    indexes: str | None = None

    @property
    def expected_indexes(self) -> tuple[TableIndex, ...]:
        """The indexes of the set that `indexes` names; none without a name."""
        if self.indexes is None:
            return ()
        from exporter.catalogue import indexes

        return indexes.of_tables(self.indexes)

    @field_validator("indexes")
    @classmethod
    def _known_set(cls, value: str | None) -> str | None:
        return known_set(SourceKind.POSTGRES, value)
