"""The texts of statements: made fit for a label, and asked for no more than needed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

MARK = "/* kpi-exporter */"  # what the source writes into each statement of ours
_ASK_EVERY = 4  # polls: the server reads all texts from a file to give us one

_MOST = 120
_CUT = "…"
_LITERAL = "?"

_TOKENS = re.compile(
    r"""
    (?P<comment>  /\*(?:(?!/\*).)*?\*/ | --[^\n]* )
  | (?P<identifier> "(?:[^"]|"")*" | \$\d+ | [^\W\d][\w$]* )
  | (?P<literal>
        '(?:[^']|'')*'
      | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$
      | \d[\w.]*
    )
  | (?P<unclear>  /\* | ' | " | \$(?:[^\W\d]\w*)?\$ )
    """,
    re.VERBOSE | re.DOTALL,
)


def label(text: str, most: int = _MOST) -> str:
    """Return a statement on one line of at most `most` characters, literals as `?`.

    Comments are left out, as tools write values into them. Where a literal or a comment
    has no certain end (a text cut short, a nested comment, a backslash before a quote),
    everything from there on is left out too.
    """
    line = " ".join("".join(_pieces(text)).split())
    return line if len(line) <= most else line[: most - 1] + _CUT


class Answer(NamedTuple):
    """Rows of user, query id and text for the ids `asked`; `wanted` is for the next."""

    asked: frozenset[int]
    texts: Sequence[tuple[Any, ...]]
    wanted: set[int]


@dataclass(slots=True)
class Texts:
    """What is known of texts: labels of members, and which statements are our own.

    Our own bear our mark. Only those of our role can be ours, so only they are
    `unclear` until their text is known; a role may be shared with others. From 16 on
    its COMMIT is ours when we ran one first, as a comment makes no other id of it.
    """

    of: dict[int, str] = field(default_factory=dict)
    own: set[int] = field(default_factory=set)
    unclear: set[int] = field(default_factory=set)
    _foreign: set[int] = field(default_factory=set)
    _pause: int = 0

    def learn(self, answer: Answer, role: int, mine: set[int]) -> None:
        """Take in what was asked for; `mine` are the query ids of our role now.

        A text that is gone will not be asked for again.
        """
        raw = {query: text for _, query, text in answer.texts}
        for query in answer.asked:
            self.of[query] = label(raw.get(query, ""))
        marked = {
            query for user, query, text in answer.texts if user == role and MARK in text
        }
        self.own = (self.own | marked) & mine
        self._foreign = ((self._foreign | answer.asked) & mine) - self.own
        self.unclear = mine - self.own - self._foreign
        answer.wanted.clear()

    def ask(self, answer: Answer, members: AbstractSet[int]) -> None:
        """Note whose text the next read shall bring, not at every poll."""
        self.of = {query: text for query, text in self.of.items() if query in members}
        needed = self.unclear | (members - self.of.keys())
        self._pause -= 1
        if needed and self._pause < 0:
            answer.wanted.update(needed)
            self._pause = _ASK_EVERY


def _pieces(text: str) -> list[str]:
    """Split a text into what may be shown; stops where it can no longer tell."""
    if "\\'" in text:
        text = text[: text.index("'") + 1]
    pieces: list[str] = []
    place = 0
    for token in _TOKENS.finditer(text):
        before = text[place : token.start()]
        place = token.end()
        pieces.append(before)
        if token["unclear"]:
            return [*pieces, _CUT]
        if token["identifier"]:
            pieces.append(token[0])
        elif token["literal"]:
            pieces.append(_LITERAL)
        else:
            pieces.append(" ")
    return [*pieces, text[place:]]
