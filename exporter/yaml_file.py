"""Reads YAML strictly and remembers on which line each key stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from exporter.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 2**20
_MERGE = "tag:yaml.org,2002:merge"
_MOST_NODES = 100_000  # aliases of aliases make a large file of a small one

Location = tuple[str | int, ...]


class Document(NamedTuple):
    """A file's plain data, the line of every key in it, and what could not be read.

    `problems` are complete messages, so that a caller can report them together with its
    own; they are keys given twice and values that are none. The latter's places are
    `unread`; their text stands there as it was written.
    """

    path: Path
    data: Any
    lines: dict[Location, int]
    problems: tuple[str, ...] = ()
    unread: frozenset[Location] = frozenset()

    def line(self, location: Location) -> int:
        """Return the line of a key, or of the nearest key above it."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)

    def problem(self, location: Location, message: str) -> str:
        """Say a problem with its file, line (if there are any) and key."""
        place = f"{self.path}:{self.line(location)}" if self.lines else str(self.path)
        return said(place, location, message)


def said(place: str, location: Location, message: str) -> str:
    """Write one line: where, which key, what; line ends in them as escapes."""
    key = ".".join(str(part) for part in location)
    text = f"{place}: {key}: {message}" if key else f"{place}: {message}"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def load(path: Path) -> Document:
    """Read one YAML file; raises ConfigError when it cannot be read or parsed."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ConfigError([f"{path}: is larger than 1 MiB; is it the right file?"])
        node = yaml.compose(content.decode("utf-8"), yaml.SafeLoader)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8 text"]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError([f"{path}:{line}: not YAML: {error.problem}"]) from error
    except yaml.YAMLError as error:
        raise ConfigError([f"{path}: not YAML: {error}"]) from error
    except RecursionError as error:
        raise ConfigError([f"{path}: is nested too deeply"]) from error
    return _built(path, node)


def _built(path: Path, node: yaml.Node | None) -> Document:
    reader = _Reader(path)
    try:
        data = {} if node is None else reader.read(node, ())
    except RecursionError as error:
        raise ConfigError([f"{path}: is nested too deeply"]) from error
    problems, unread = tuple(reader.problems), frozenset(reader.unread)
    return Document(path, data, reader.lines, problems, unread)


def _plain_key(node: yaml.Node) -> str | None:
    if not isinstance(node, yaml.ScalarNode):
        return None
    key = str(node.value)
    try:
        _check_plain(key)
    except ValueError:
        return None
    return key


def _check_plain(value: object) -> None:
    """Refuse text that no file, program or server takes: NUL, half a character."""
    if isinstance(value, str) and b"\0" in value.encode():
        raise ValueError("NUL")


class _Reader(yaml.constructor.SafeConstructor):
    """Builds plain data from nodes, noting lines and keys that are given twice."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.lines: dict[Location, int] = {}
        self.problems: list[str] = []
        self.unread: set[Location] = set()
        self._nodes = 0

    def read(self, node: yaml.Node, location: Location) -> Any:
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise ConfigError([f"{self.path}: holds more than {_MOST_NODES} values"])
        self.lines.setdefault(location, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            return [self.read(item, (*location, index)) for index, item in items]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        try:
            value = self.construct_object(node)
            _check_plain(value)
        except (yaml.YAMLError, ValueError):
            self._wrong(node, location, f"not a plain value: {node.value!r}")
            self.unread.add(location)
            return str(node.value)
        return value

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        node.value = self._once(node, location)
        try:
            self.flatten_mapping(node)
        except yaml.MarkedYAMLError as error:
            self._wrong(node, location, str(error.problem))
            node.value = [pair for pair in node.value if pair[0].tag != _MERGE]
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            place = (*location, key)
            self.lines[place] = key_node.start_mark.line + 1
            result[key] = self.read(value_node, place)
        return result

    def _once(self, node: yaml.MappingNode, location: Location) -> list[Any]:
        """Keep the first of what is written twice, before merges bring their keys."""
        first: dict[str, int] = {}
        kept = []
        for key_node, value_node in node.value:
            key = _plain_key(key_node)
            if key is None:
                self._wrong(key_node, location, "a key must be plain text")
                continue
            if key in first:
                text = f"given twice, first on line {first[key]}"
                self._wrong(key_node, (*location, key), text)
            else:
                first[key] = key_node.start_mark.line + 1
                kept.append((key_node, value_node))
        return kept

    def _wrong(self, node: yaml.Node, location: Location, message: str) -> None:
        line = node.start_mark.line + 1
        self.problems.append(said(f"{self.path}:{line}", location, message))
