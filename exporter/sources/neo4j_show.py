"""SHOW commands, asked for by the names of columns that this server has."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Made(NamedTuple):
    """A value that `cypher` makes out of one column."""

    column: str
    cypher: str


class Either(NamedTuple):
    """Two ways to a value; the second is for servers without the first's column."""

    first: str | Made
    second: str | Made


class Show(NamedTuple):
    """A SHOW command: a row's fields, each by its column, and which rows are wanted.

    Versions differ in their columns, and one unknown name is a syntax error. A field
    whose column is missing is None. `only` is a condition on the columns `asks`, which
    every version has.
    """

    command: str
    fields: Mapping[str, str | Made | Either]
    only: str = ""
    asks: tuple[str, ...] = ()

    def text(self, columns: Collection[str]) -> str:
        """Return the command for a server with these columns."""
        chosen = self._chosen(columns)
        asked = dict.fromkeys((*(one.column for one in chosen.values()), *self.asks))
        where = f" WHERE {self.only}" if self.only else ""
        given = ", ".join(f"{one.cypher} AS {name}" for name, one in chosen.items())
        return f"{self.command} YIELD {', '.join(asked)}{where} RETURN {given}"

    def lacking(self, columns: Collection[str]) -> list[str]:
        """Return the fields that a server with these columns cannot fill."""
        chosen = self._chosen(columns)
        return [name for name in self.fields if name not in chosen]

    def _chosen(self, columns: Collection[str]) -> dict[str, Made]:
        chosen: dict[str, Made] = {}
        for field, value in self.fields.items():
            ways = (value.first, value.second) if isinstance(value, Either) else [value]
            made = [Made(one, one) if isinstance(one, str) else one for one in ways]
            found = next((one for one in made if one.column in columns), None)
            if found is not None:
                chosen[field] = found
        return chosen
