"""The one writer of rendered files: all of them or none, and what is stale goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.render.words import MARK

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.render.files import Files

_FOLDERS = ("rules", "dashboards")


def write(files: Files, folder: Path) -> list[str]:
    """Write what differs and delete generated files of former runs; returns the paths.

    Every text is complete before the first file is touched. Files that were not
    generated are never deleted.
    """
    changed = differences(files, folder)
    for path in changed:
        place = folder / path
        if path not in files:
            place.unlink()
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_name(f".{place.name}.new")
        new.write_text(files[path], "utf-8")
        new.replace(place)
    return changed


def differences(files: Files, folder: Path) -> list[str]:
    """Return the paths whose files are missing, differ, or are no longer rendered."""
    different = [path for path, text in files.items() if _text(folder / path) != text]
    return sorted([*different, *_stale(files, folder)])


def _stale(files: Files, folder: Path) -> list[str]:
    found = [
        place.relative_to(folder).as_posix()
        for name in _FOLDERS
        for place in (folder / name).rglob("*")
        if place.is_file() and MARK in (_text(place) or "")[:400]
    ]
    return [path for path in found if path not in files]


def _text(place: Path) -> str | None:
    try:
        return place.read_text("utf-8")
    except FileNotFoundError:
        return None
