"""Whether an index serves as an expected one does: compared by meaning, not by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PRESENT, INVALID, MISSING = STATUSES = ("present", "invalid", "missing")

DEFINITIONS = """
with locked as materialized (
    select relation from pg_locks
    where mode = 'AccessExclusiveLock' and relation is not null
)
select t.relname as "table", a.amname as method, x.indisvalid as valid,
    x.indisprimary or x.indisunique as required,
    array(select coalesce(c.attname, '')::text from unnest(x.indkey::int2[])
        with ordinality k(number, place) left join pg_attribute c
        on c.attrelid = x.indrelid and c.attnum = k.number and k.number > 0
        where k.place <= x.indnkeyatts order by k.place) as columns,
    array(select o.opcname::text from unnest(x.indclass::oid[])
        with ordinality k(class, place) join pg_opclass o on o.oid = k.class
        order by k.place) as classes,
    array(select (k.option & 1) > 0 from unnest(x.indoption::int2[])
        with ordinality k(option, place) order by k.place) as descending,
    case when x.indpred is null then null
        when exists (select from locked l where l.relation = x.indrelid) then ''
        else pg_get_expr(x.indpred, x.indrelid) end as condition
from pg_index x join pg_class i on i.oid = x.indexrelid
    join pg_class t on t.oid = x.indrelid join pg_am a on a.oid = i.relam
    join pg_namespace n on n.oid = t.relnamespace
where t.relname = any(%s) and t.relpersistence <> 't'
    and n.nspname not in ('pg_catalog', 'information_schema')
"""


class Expected(Protocol):
    """An index that must be there, as the configured set has it."""

    @property
    def table(self) -> str:
        """The table's name, in any schema."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns as in CREATE INDEX."""

    @property
    def methods(self) -> tuple[str, ...]:
        """Access methods of which any will do."""

    @property
    def where(self) -> tuple[str, ...]:
        """Conditions of which any will do."""


@dataclass(frozen=True, slots=True)
class Definition:
    """An index as the server has it.

    An expression's column is the empty string, and so is the condition of a table that
    somebody locks against all others, as asking for it would wait.
    """

    table: str
    method: str
    valid: bool
    required: bool
    columns: list[str]
    classes: list[str]
    descending: list[bool]
    condition: str | None


def status(wanted: Expected, found: Iterable[Definition]) -> str:
    """Say whether an index that serves is present, invalid or missing."""
    serving = [one for one in found if serves(wanted, one)]
    if not serving:
        return MISSING
    return PRESENT if any(one.valid for one in serving) else INVALID


def serves(wanted: Expected, found: Definition) -> bool:
    """Tell whether an index begins with the columns, and has the rows, that are wanted.

    All directions may be turned round. More columns and more rows do no harm, but the
    index of a key is there for other reasons than a condition.
    """
    if found.table != wanted.table or found.method not in wanted.methods:
        return False
    columns = [column.split() for column in wanted.columns]
    if found.columns[: len(columns)] != [column[0] for column in columns]:
        return False
    classes = [next((w for w in c[1:] if w != "desc"), None) for c in columns]
    known = zip(classes, found.classes, strict=False)
    if any(one is not None and one != there for one, there in known):
        return False
    down = [column[-1] == "desc" for column in columns]
    there = found.descending[: len(columns)]
    turned = [not one for one in there]
    return down in (there, turned) and _has_rows(wanted.where, found)


def _has_rows(wanted: Sequence[str], found: Definition) -> bool:
    if found.condition is None:
        return not (wanted and found.required)
    if found.condition == "":
        return True  # nobody can tell, so nothing is claimed
    return any(implies(one, found.condition) for one in wanted)


def implies(condition: str, other: str) -> bool:
    """Tell whether all rows of a condition are among those of another one.

    Understood are comparisons of a column with literals, joined by AND; anything else
    must be the same text.
    """
    have, need = _terms(condition), _terms(other)
    return all(
        any(
            column == own_column and own_values <= values
            for own_column, own_values in have
        )
        for column, values in need
    )


_CAST = re.compile(
    r"::(\"[^\"]+\"|[a-z_]\w*)"
    r"( varying| precision| (with|without) time zone)?(\[\])?"
)
_NAME = r"(?:\"[^\"]+\"|\b[A-Za-z_]\w*)"
_SCHEMA = re.compile(  # but not in literals
    rf"('(?:[^']|'')*')|OPERATOR\((?:{_NAME}\.)?([^\w\s()]+)\)|{_NAME}\."
)
_AMONG = re.compile(r"(\w+) ?(?:= ?any|in) ?\(+(?:array\[)?(.*?)\]?\)+")
_EQUAL = re.compile(r"(\w+) ?= ?('[^']*'|\w+)")


def _terms(condition: str) -> list[tuple[str, frozenset[str]]]:
    """Take a condition apart into columns (or texts) and the values they may have."""
    text = _CAST.sub("", _SCHEMA.sub(r"\1\2", " ".join(condition.split())))
    return [_term(part) for part in re.split(r"\s+and\s+", text, flags=re.IGNORECASE)]


def _term(text: str) -> tuple[str, frozenset[str]]:
    bare = text.strip()
    among = _AMONG.fullmatch(_stripped(bare).lower())
    if among:
        values = re.findall(r"'[^']*'|[\w.]+", among[2])
        return among[1], frozenset(values)
    plain = re.sub(r"[()]", "", bare).lower().strip()
    equal = _EQUAL.fullmatch(plain)
    if equal:
        return equal[1], frozenset({equal[2]})
    if re.fullmatch(r"\w+", plain):
        return plain, frozenset({"true"})
    return plain, frozenset()


def _stripped(text: str) -> str:
    """Take off parentheses around the whole text and around its column."""
    while text.startswith("(") and text.endswith(")") and _closes_last(text):
        text = text[1:-1].strip()
    return re.sub(r"^\((\w+)\)", r"\1", text)


def _closes_last(text: str) -> bool:
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return place == len(text) - 1
    return False
