"""Brings Neo4j Community from Maven Central once, and says what is missing for that."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from exporter.demo.servers.process import ServerError, unprivileged


class Release(NamedTuple):
    """A version of Neo4j, the oldest Java for it, and the class that runs it."""

    version: str
    java: int
    main: str


LTS = Release("5.26.31", 17, "org.neo4j.server.CommunityEntryPoint")
CALENDAR = Release("2026.09.0", 21, "org.neo4j.server.Neo4jCommunity")
VERSION = LTS.version
_JAVAS = "/usr/lib/jvm"  # where Debian keeps the ones that are not on the path
_FETCH_PATIENCE = 600.0
_ENTER = 0o001
_POM = """\
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
      <version>VERSION</version>
    </dependency>
  </dependencies>
</project>
"""
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def missing(release: Release = LTS) -> str | None:
    """Say what this machine lacks to run Neo4j; None when it lacks nothing."""
    needed = f"Neo4j needs Java {release.java} or later"
    found = java(release)
    if found is None:
        return f"{needed}; Debian: apt install openjdk-{release.java}-jre-headless"
    if _number(found) < release.java:
        return f"{needed}; {found} is Java {_number(found)}"
    if shutil.which("mvn") is None and not _place(release).exists():
        return "fetching Neo4j needs Maven; Debian: apt install maven"
    return None


def java(release: Release = LTS) -> str | None:
    """Return the Java to run a release with; the one on the path if none is new enough.

    Only for a release that needs more than the LTS is one looked for off the path.
    """
    usual = shutil.which("java")
    others = sorted(Path(_JAVAS).glob("*/bin/java")) if release.java > LTS.java else ()
    for found in (usual, *map(str, others)):
        if found is not None and _number(found) >= release.java:
            return found
    return usual


def _number(java: str) -> int:
    banner = subprocess.run([java, "-version"], capture_output=True, check=False)
    found = re.search(rb'version "(?:1\.)?(\d+)', banner.stderr)
    return int(found[1]) if found else 0


def jars(release: Release = LTS) -> Path:
    """Return the folder with the server's jars, fetched now if need be.

    About 125 MB, half a minute. Raises ServerError when they cannot be had.
    """
    lack = missing(release)
    if lack:
        raise ServerError(lack)
    place = _place(release)
    try:
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise ServerError(
            f"{place.parent} cannot be made: {error.strerror}; set XDG_CACHE_HOME"
        ) from error
    if not place.exists():
        _fetch(place, release)
    for folder in (place, *place.parents[:2]):
        if folder.stat().st_uid != os.geteuid():
            raise ServerError(f"{folder} belongs to someone else; remove it")
    return place


def _place(release: Release) -> Path:
    """Return where the jars belong: in the cache, if the server's user can go there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute()
    place = cache / "kpi-exporter" / f"neo4j-{release.version}" / "lib"
    if unprivileged() is None or open_to_others(place):
        return place
    shared = Path(tempfile.gettempdir()) / f"kpi-exporter-{os.geteuid()}"
    return shared / f"neo4j-{release.version}" / "lib"


def open_to_others(place: Path) -> bool:
    """Tell whether the user that servers run as can go to a place."""
    there = (folder for folder in place.parents if folder.exists())
    return all(folder.stat().st_mode & _ENTER for folder in there)


def _fetch(place: Path, release: Release) -> None:
    """Fetch beside the place and move, so that a broken fetch leaves nothing behind."""
    with tempfile.TemporaryDirectory(dir=place.parent) as name:
        work = Path(name)
        pom = _POM.replace("VERSION", release.version)
        (work / "pom.xml").write_text(pom, "utf-8")
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
        raise ServerError(f"Maven could not fetch Neo4j:\n{tail}")
