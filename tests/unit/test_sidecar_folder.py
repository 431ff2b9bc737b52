"""Our files among others': whole ones, stale ones gone, nobody else's touched."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from exporter.errors import KpiExporterError
from exporter.render.words import MARK
from exporter.sidecar.folder import elsewhere, ours, put

if TYPE_CHECKING:
    from pathlib import Path

A, B = f"# {MARK}\na: 1\n", f"# {MARK}\nb: 1\n"


def names(folder: Path) -> set[str]:
    return {place.name for place in folder.iterdir()}


def test_ours_are_put_and_stale_ones_go_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "theirs.yaml").write_text("x: 1\n")
    (tmp_path / "kpi-theirs.yaml").write_text("x: 1\n")
    (tmp_path / ".kpi-old.yaml.new").write_text("half a fi")
    assert put(tmp_path, {"kpi-a.yaml": A, "kpi-b.yaml": B}, ".yaml") == [
        "kpi-a.yaml",
        "kpi-b.yaml",
    ]
    assert put(tmp_path, {"kpi-a.yaml": A}, ".yaml") == ["kpi-b.yaml"]
    assert ours(tmp_path, ".yaml") == {"kpi-a.yaml": A}
    assert names(tmp_path) == {"theirs.yaml", "kpi-theirs.yaml", "kpi-a.yaml"}


def test_files_of_another_kind_in_the_same_folder_stay(tmp_path: Path) -> None:
    put(tmp_path, {"kpi-a.yaml": A}, ".yaml")
    put(tmp_path, {"kpi-a.json": A}, ".json")
    put(tmp_path, {}, ".json")
    assert ours(tmp_path, ".yaml") == {"kpi-a.yaml": A}


def test_what_is_as_wanted_is_not_written_again(tmp_path: Path) -> None:
    put(tmp_path, {"kpi-a.yaml": A}, ".yaml")
    before = (tmp_path / "kpi-a.yaml").stat()
    assert put(tmp_path, {"kpi-a.yaml": A}, ".yaml") == []
    assert (tmp_path / "kpi-a.yaml").stat() == before


def test_a_file_of_others_with_our_name_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "kpi-b.yaml").write_text("theirs\n")
    with pytest.raises(KpiExporterError, match="is not ours"):
        put(tmp_path, {"kpi-a.yaml": A, "kpi-b.yaml": B}, ".yaml")
    assert names(tmp_path) == {"kpi-b.yaml"}


def test_when_one_cannot_be_written_none_is_moved(tmp_path: Path) -> None:
    put(tmp_path, {"kpi-a.yaml": A}, ".yaml")
    (tmp_path / ".kpi-b.yaml.new").mkdir()  # what stands where it would be written
    with pytest.raises(KpiExporterError, match="nothing was changed"):
        put(tmp_path, {"kpi-a.yaml": A + "more\n", "kpi-b.yaml": B}, ".yaml")
    assert ours(tmp_path, ".yaml") == {"kpi-a.yaml": A}


def test_other_users_may_read_whatever_our_umask_is(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        put(tmp_path, {"kpi-a.yaml": A}, ".yaml")
    finally:
        os.umask(before)
    assert (tmp_path / "kpi-a.yaml").stat().st_mode & 0o777 == 0o644


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KpiExporterError, match=r"nowhere.*No such file"):
        put(tmp_path / "nowhere", {"kpi-a.yaml": A}, ".yaml")


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    put(tmp_path, {"kpi-a.yaml": A}, ".yaml")
    with (tmp_path / "kpi-a.yaml").open() as reading:
        put(tmp_path, {"kpi-a.yaml": B}, ".yaml")
        assert reading.read() == A
        assert os.fstat(reading.fileno()).st_nlink == 0
    assert ours(tmp_path, ".yaml") == {"kpi-a.yaml": B}


def test_a_file_of_another_folder_is_known_where_it_can_be_seen(tmp_path: Path) -> None:
    mine, other, linked = (tmp_path / name for name in ("mine", "other", "linked"))
    for folder in (mine, other, linked):
        folder.mkdir()
    for folder in (mine, other):
        (folder / "kpi-x.yaml").write_text("the same")
    (linked / "kpi-x.yaml").symlink_to(mine / "kpi-x.yaml")
    (tmp_path / "again").symlink_to(mine)
    seen = [f"{tmp_path}/{name}/kpi-x.yaml" for name in ("other", "linked", "again")]
    unseen = [f"{tmp_path}/gone/kpi-x.yaml", "rules/kpi-x.yaml", f"{mine}/gone.yaml"]
    loaded = [*seen, f"{mine}/kpi-x.yaml", *unseen]
    assert elsewhere(mine, loaded) == {seen[0]}
    assert elsewhere(tmp_path / "empty", loaded[:1]) == {seen[0]}
