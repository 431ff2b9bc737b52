"""Our own files in a folder that others write to as well: whole ones, and only ours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.errors import KpiExporterError
from exporter.render.words import MARK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIX = "kpi-"
_READABLE = 0o644  # Prometheus and Grafana are other users
_HEAD = 400  # characters in which a generated file says that it is one


def ours(folder: Path, suffix: str) -> dict[str, str]:
    """Return the texts of our files of a kind by name; raises KpiExporterError.

    A file is ours when its name begins as ours do and it says that it was generated.
    """
    try:
        found = {
            place.name: place.read_text("utf-8", errors="replace")
            for place in folder.glob(f"{PREFIX}*{suffix}")
            if place.is_file()
        }
    except OSError as error:
        raise _unusable(folder, error) from error
    return {name: text for name, text in found.items() if MARK in text[:_HEAD]}


def put(folder: Path, wanted: Mapping[str, str], suffix: str) -> list[str]:
    """Make `wanted` (texts by name) all of this kind that is ours; returns changes.

    Each file is written whole beside its place, made durable, and moved there; before
    the first one is moved all of them are written. Raises KpiExporterError, and then
    moves nothing, when one cannot be written or a name is taken by a file of others.
    """
    there = ours(folder, suffix)
    changed = sorted(name for name in wanted if there.get(name) != wanted[name])
    stale = sorted(there.keys() - wanted.keys())
    for name in changed:
        if name not in there and (folder / name).exists():
            said = f"{folder / name}: is not ours and has our name; move it away"
            raise KpiExporterError(said)
    for name, new in _staged(folder, {name: wanted[name] for name in changed}):
        new.replace(folder / name)
    for name in stale:
        (folder / name).unlink(missing_ok=True)
    if changed or stale:
        _sync(folder)
    return [*changed, *stale]


def elsewhere(folder: Path, loaded: Iterable[str]) -> set[str]:
    """Return which of the files that Prometheus has loaded are other files than ours.

    That is known of what can be seen here by the name that Prometheus gives it. What
    cannot be, as another container mounts it at another place, may well be ours.
    """
    return {file for file in loaded if _is_another(Path(file), folder)}


def _is_another(file: Path, folder: Path) -> bool:
    """Say whether a file is there and neither it nor its folder is ours."""
    if not file.is_absolute():
        return False
    pairs = ((file.parent, folder), (file, folder / file.name))
    try:
        return file.is_file() and not any(
            mine.exists() and theirs.samefile(mine) for theirs, mine in pairs
        )
    except OSError:
        return False


def _staged(folder: Path, texts: Mapping[str, str]) -> list[tuple[str, Path]]:
    """Write texts beside their places, all or none; returns names and where they are.

    Their names end so that no pattern for rule files fits them.
    """
    made: list[tuple[str, Path]] = []
    try:
        for left in folder.glob(f".{PREFIX}*.new"):  # by one that was killed
            left.unlink()
        for name, text in texts.items():
            made.append((name, folder / f".{name}.new"))
            _write(made[-1][1], text)
    except OSError as error:
        for _, new in made:
            new.unlink(missing_ok=True)
        raise _unusable(folder, error) from error
    return made


def _write(place: Path, text: str) -> None:
    with place.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fchmod(file.fileno(), _READABLE)
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make the moves durable, as far as the file system can."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _unusable(folder: Path, error: OSError) -> KpiExporterError:
    where = error.filename or folder
    return KpiExporterError(f"{where}: {error.strerror}; nothing was changed there")
