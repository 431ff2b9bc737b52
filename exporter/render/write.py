"""The one writer of rendered files: all of them or none, and what is stale goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.errors import KpiExporterError
from exporter.render.words import MARK

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.render.files import Files

_FOLDERS = ("rules", "dashboards")


def write(files: Files, folder: Path) -> list[str]:
    """Write what differs and delete generated files of former runs; returns the paths.

    Every new file is complete beside its place before the first one is put there. Files
    that were not generated are never deleted. Raises KpiExporterError, then nothing is
    changed.
    """
    changed = differences(files, folder)
    staged: dict[Path, Path] = {}
    try:
        for path in changed:
            if path in files:
                place = folder / path
                place.parent.mkdir(parents=True, exist_ok=True)
                staged[place] = place.with_name(f".{place.name}.new")
                staged[place].write_text(files[path], "utf-8")
    except OSError as error:
        for new in staged.values():
            new.unlink(missing_ok=True)
        raise _unusable(error) from error
    for place, new in staged.items():
        new.replace(place)
    for path in changed:
        if path not in files:
            (folder / path).unlink()
    return changed


def differences(files: Files, folder: Path) -> list[str]:
    """Return the paths whose files are missing, differ, or are no longer rendered.

    Raises KpiExporterError for what cannot be read.
    """
    try:
        different = [p for p, text in files.items() if _text(folder / p) != text]
        return sorted([*different, *_stale(files, folder)])
    except OSError as error:
        raise _unusable(error) from error


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
        return place.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _unusable(error: OSError) -> KpiExporterError:
    return KpiExporterError(
        f"{error.filename}: {error.strerror}; no file of the rendering was changed"
    )
