"""Brings Neo4j Community from Maven Central once, and says what is missing for that."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from exporter.demo.servers.process import ServerError, unprivileged

VERSION = "5.26.31"
_OLDEST_JAVA = 17
_FETCH_PATIENCE = 600.0
_ENTER = 0o001
_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>kpi-exporter</groupId>
  <artifactId>neo4j-for-the-demo</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.neo4j</groupId>
      <artifactId>neo4j</artifactId>
      <version>{VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def missing() -> str | None:
    """Say what this machine lacks to run Neo4j; None when it lacks nothing."""
    java = shutil.which("java")
    if java is None:
        return (
            "Neo4j needs Java 17 or later; Debian: apt install openjdk-17-jre-headless"
        )
    banner = subprocess.run([java, "-version"], capture_output=True, check=False)
    found = re.search(rb'version "(?:1\.)?(\d+)', banner.stderr)
    release = int(found[1]) if found else 0
    if release < _OLDEST_JAVA:
        return f"Neo4j needs Java 17 or later; {java} is Java {release}"
    if shutil.which("mvn") is None and not _place().exists():
        return "fetching Neo4j needs Maven; Debian: apt install maven"
    return None


def jars() -> Path:
    """Return the folder with the server's jars, fetched now if need be.

    About 125 MB, half a minute. Raises ServerError when they cannot be had.
    """
    lack = missing()
    if lack:
        raise ServerError(lack)
    place = _place()
    try:
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise ServerError(
            f"{place.parent} cannot be made: {error.strerror}; set XDG_CACHE_HOME"
        ) from error
    if not place.exists():
        _fetch(place)
    for folder in (place, *place.parents[:2]):
        if folder.stat().st_uid != os.geteuid():
            raise ServerError(f"{folder} belongs to someone else; remove it")
    return place


def _place() -> Path:
    """Return where the jars belong: in the cache, if the server's user can go there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute()
    place = cache / "kpi-exporter" / f"neo4j-{VERSION}" / "lib"
    if unprivileged() is None or _open_to_others(place):
        return place
    shared = Path(tempfile.gettempdir()) / f"kpi-exporter-{os.geteuid()}"
    return shared / f"neo4j-{VERSION}" / "lib"


def _open_to_others(place: Path) -> bool:
    there = (folder for folder in place.parents if folder.exists())
    return all(folder.stat().st_mode & _ENTER for folder in there)


def _fetch(place: Path) -> None:
    """Fetch beside the place and move, so that a broken fetch leaves nothing behind."""
    with tempfile.TemporaryDirectory(dir=place.parent) as name:
        work = Path(name)
        (work / "pom.xml").write_text(_POM, "utf-8")
        command = ["mvn", "-B", "-ntp", "-q", "-f", str(work / "pom.xml"), _COPY]
        target = work / "lib"
        options = ["-DincludeScope=runtime", f"-DoutputDirectory={target}"]
        _run([*command, *options])
        target.chmod(0o755)
        for jar in target.iterdir():
            jar.chmod(0o644)
        with contextlib.suppress(OSError):  # another process may have been quicker
            target.rename(place)
    if not place.exists():
        raise ServerError(f"the jars of Neo4j could not be put into {place}")


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=_FETCH_PATIENCE
        )
    except subprocess.TimeoutExpired as error:
        raise ServerError(
            "Maven Central did not deliver Neo4j in 10 minutes"
        ) from error
    if done.returncode != 0:
        tail = done.stdout.decode(errors="replace")[-1500:]
        raise ServerError(f"Maven could not fetch Neo4j {VERSION}:\n{tail}")
