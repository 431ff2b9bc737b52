"""What a machine may lack for Neo4j, and where its jars are kept."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.demo.servers import neo4j_jars
from exporter.demo.servers.neo4j_jars import VERSION, jars, missing
from exporter.demo.servers.process import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAVEN = """#!/bin/sh
for word; do
  case "$word" in -DoutputDirectory=*) at="${word#*=}"; esac
done
/bin/mkdir "$at"
echo jar > "$at/neo4j.jar"
"""


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Have a machine without any command and with an empty cache, open to others."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        monkeypatch.setenv("PATH", name)
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield folder


def install(machine: Path, name: str, banner: str = "") -> None:
    script = machine / name
    script.write_text(f"#!/bin/sh\necho '{banner}' >&2\n")
    script.chmod(0o755)


def test_without_java_it_says_so(machine: Path) -> None:
    install(machine, "mvn")
    assert missing() == (
        "Neo4j needs Java 17 or later; Debian: apt install openjdk-17-jre-headless"
    )


@pytest.mark.parametrize(
    ("banner", "release"),
    [
        ('openjdk version "11.0.20" 2023-07-18', 11),
        ('java version "1.8.0_391"', 8),
        ("what is this", 0),
    ],
)
def test_an_old_java_is_told_by_its_release(
    machine: Path, banner: str, release: int
) -> None:
    install(machine, "mvn")
    install(machine, "java", banner)
    lack = missing()
    assert lack is not None
    assert lack.endswith(f"{machine / 'java'} is Java {release}")


def test_without_maven_it_says_so_and_starts_nothing(machine: Path) -> None:
    install(machine, "java", 'openjdk version "17.0.15" 2025-04-15')
    assert missing() == "fetching Neo4j needs Maven; Debian: apt install maven"
    with pytest.raises(ServerError, match="needs Maven"):
        jars()


@pytest.mark.parametrize("banner", ['"17.0.15" 2025', '"21" 2023', '"25.0.3" 2026'])
def test_with_both_nothing_is_missing(machine: Path, banner: str) -> None:
    install(machine, "java", f"openjdk version {banner}")
    install(machine, "mvn")
    assert missing() is None


def test_what_maven_cannot_fetch_leaves_nothing_behind(machine: Path) -> None:
    install(machine, "java", 'openjdk version "17.0.15" 2025-04-15')
    (machine / "mvn").write_text("#!/bin/sh\necho no such artifact\nexit 1\n")
    (machine / "mvn").chmod(0o755)
    with pytest.raises(ServerError, match="no such artifact"):
        jars()
    assert [path for path in machine.rglob("*") if path.is_file()] == [
        machine / "java",
        machine / "mvn",
    ]


def test_what_is_fetched_once_is_used_without_maven(machine: Path) -> None:
    install(machine, "java", 'openjdk version "17.0.15" 2025-04-15')
    (machine / "mvn").write_text(MAVEN)
    (machine / "mvn").chmod(0o755)
    place = jars()
    (machine / "mvn").unlink()
    assert jars() == place
    assert place.parent.name == f"neo4j-{VERSION}"
    assert (place / "neo4j.jar").read_text() == "jar\n"
    assert [entry.name for entry in place.parent.iterdir()] == ["lib"]


def test_a_folder_that_others_cannot_enter_is_no_place_for_root(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert not neo4j_jars.open_to_others(closed / "cache" / "lib")
