"""YAML for people: anchors serve, bombs do not, and every key has its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.errors import ConfigError
from exporter.yaml_file import load

if TYPE_CHECKING:
    from pathlib import Path


def refused(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value).removeprefix(f"{path}")


def test_an_anchor_stands_for_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}\n")

    assert load(path).data == {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1, "e": 2}}


def test_aliases_of_aliases_do_not_eat_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.yaml"
    many = [
        f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 9)
    ]
    path.write_text("\n".join(["a0: &a0 [x, x, x, x]", *many]))

    assert refused(path) == ": holds more than 100000 values"


def test_a_file_that_is_no_configuration_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"a: 1\n" * 300_000)

    assert refused(path) == ": is larger than 1 MiB; is it the right file?"


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text("# nothing\n")

    assert load(path).data == {}


def test_own_keys_win_over_those_of_a_merge(tmp_path: Path) -> None:
    path = tmp_path / "merge.yaml"
    path.write_text("a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}\n")

    document = load(path)

    assert document.data["d"] == {"b": 3, "c": 2}
    assert document.problems == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &a [*a]", ": is nested too deeply"),
        ("[" * 3000, ": is nested too deeply"),
    ],
)
def test_what_cannot_be_built_is_one_message(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(text)

    assert refused(path) == problem


def test_what_is_no_plain_value_is_noted_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text("a: {<<: [1, 2], x: 1}\n? [a, b]\n: 1\nb: !!int abc\nc: 3\n")

    document = load(path)

    assert document.data == {"a": {"x": 1}, "b": "abc", "c": 3}
    assert document.unread == {("b",)}
    assert [text.removeprefix(f"{path}:") for text in document.problems] == [
        "2: a key must be plain text",
        "1: a: expected a mapping for merging, but found scalar",
        "4: b: not a plain value: 'abc'",
    ]
