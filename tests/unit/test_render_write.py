"""The writer: all files or none, stale ones removed, those made by hand kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from exporter.errors import KpiExporterError
from exporter.render.words import MARK
from exporter.render.write import differences, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT = f"# {MARK}; edits are lost.\nrules: []\n"


def there(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def test_files_are_written_into_folders_that_are_made(tmp_path: Path) -> None:
    files = {"rules/a.yaml": TEXT, "dashboards/a.json": "{}"}

    assert write(files, tmp_path / "new") == ["dashboards/a.json", "rules/a.yaml"]
    assert there(tmp_path / "new") == ["dashboards/a.json", "rules/a.yaml"]
    assert (tmp_path / "new/rules/a.yaml").read_text() == TEXT


def test_a_second_writing_changes_nothing(tmp_path: Path) -> None:
    files = {"rules/a.yaml": TEXT}
    write(files, tmp_path)
    before = (tmp_path / "rules/a.yaml").stat().st_mtime_ns

    assert write(files, tmp_path) == []
    assert (tmp_path / "rules/a.yaml").stat().st_mtime_ns == before


def test_what_was_edited_is_written_again(tmp_path: Path) -> None:
    write({"rules/a.yaml": TEXT}, tmp_path)
    (tmp_path / "rules/a.yaml").write_text("# mine\n")

    assert differences({"rules/a.yaml": TEXT}, tmp_path) == ["rules/a.yaml"]
    assert write({"rules/a.yaml": TEXT}, tmp_path) == ["rules/a.yaml"]
    assert (tmp_path / "rules/a.yaml").read_text() == TEXT


def test_what_is_no_longer_rendered_goes(tmp_path: Path) -> None:
    write({"rules/a.yaml": TEXT, "rules/tests/old.yaml": TEXT}, tmp_path)

    assert write({"rules/a.yaml": TEXT}, tmp_path) == ["rules/tests/old.yaml"]
    assert there(tmp_path) == ["rules/a.yaml"]


def test_what_was_made_by_hand_stays(tmp_path: Path) -> None:
    for path in ("rules/mine.yaml", "dashboards/mine.json", "other/old.yaml"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("mine" if "mine" in path else TEXT)

    assert write({"rules/a.yaml": TEXT}, tmp_path) == ["rules/a.yaml"]
    assert there(tmp_path) == [
        "dashboards/mine.json",
        "other/old.yaml",
        "rules/a.yaml",
        "rules/mine.yaml",
    ]


def test_looking_for_differences_writes_nothing(tmp_path: Path) -> None:
    assert differences({"rules/a.yaml": TEXT}, tmp_path) == ["rules/a.yaml"]
    assert there(tmp_path) == []


def a_file(place: Path) -> None:
    place.write_text("where a folder is wanted")


def a_folder(place: Path) -> None:
    place.mkdir()


def a_link_to_nothing(place: Path) -> None:
    place.symlink_to("nowhere")


@pytest.mark.parametrize(
    ("path", "put"),
    [
        ("dashboards", a_file),
        ("rules/c.yaml", a_folder),
        ("rules/tests", a_link_to_nothing),
    ],
)
def test_where_one_file_cannot_be_written_none_is_changed(
    tmp_path: Path, path: str, put: Callable[[Path], None]
) -> None:
    old = {"rules/a.yaml": f"# {MARK}: old\n", "rules/b.yaml": f"# {MARK}: old\n"}
    write(old, tmp_path)
    put(tmp_path / path)
    paths = ("rules/a.yaml", "rules/c.yaml", "rules/tests/a.yaml", "dashboards/a.json")

    with pytest.raises(KpiExporterError, match="no file of the rendering was changed"):
        write(dict.fromkeys(paths, TEXT), tmp_path)

    assert [(tmp_path / each).read_text() for each in old] == [*old.values()]
    assert [each for each in there(tmp_path) if each != path] == [*old]


def test_a_picture_among_the_dashboards_stays(tmp_path: Path) -> None:
    (tmp_path / "dashboards").mkdir()
    (tmp_path / "dashboards/logo.png").write_bytes(b"\x89PNG\xff\xfe")

    assert write({"rules/a.yaml": TEXT}, tmp_path) == ["rules/a.yaml"]
    assert there(tmp_path) == ["dashboards/logo.png", "rules/a.yaml"]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    write({"rules/a.yaml": TEXT}, tmp_path)
    before = (tmp_path / "rules/a.yaml").open()
    write({"rules/a.yaml": TEXT + "# more\n"}, tmp_path)

    with before:
        assert before.read() == TEXT
        assert os.fstat(before.fileno()).st_nlink == 0
