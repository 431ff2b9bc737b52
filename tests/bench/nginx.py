"""The floor: nginx serving the same bytes as files."""

from __future__ import annotations

import gzip
import shutil
import socket
from typing import TYPE_CHECKING, Self

from exporter.demo.servers.process import Process, free_port, hand_over
from tests.prepare import Need

if TYPE_CHECKING:
    from pathlib import Path

NEED = Need("nginx", "nginx-light", "the floor of a scrape's time")
_SETTINGS = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  default_type "text/plain; version=0.0.4; charset=utf-8";
  gzip_static on;
  keepalive_requests 1000000;
  {temporary}
  server {{ listen 127.0.0.1:{port} backlog=1024; root {folder}; }}
}}
"""
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_START_PATIENCE = 10.0


class Nginx:
    """One nginx with one page at `/metrics`, plain and compressed beforehand."""

    def __init__(self, folder: Path, page: bytes) -> None:
        self.port = free_port()
        self._folder = folder
        hand_over(folder)
        (folder / "metrics").write_bytes(page)
        (folder / "metrics.gz").write_bytes(gzip.compress(page, 1))
        temporary = "\n".join(
            f"{name}_temp_path {folder}/{name};" for name in _TEMPORARY
        )
        settings = {"folder": folder, "port": self.port, "temporary": temporary}
        (folder / "nginx.conf").write_text(_SETTINGS.format(**settings), "utf-8")

    def __enter__(self) -> Self:
        command = [shutil.which("nginx") or "nginx", "-p", str(self._folder)]
        command += ["-c", str(self._folder / "nginx.conf"), "-e", "stderr"]
        self._process = Process(command, self._folder / "nginx.log")
        self._process.wait_until(self._listens, _START_PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    def _listens(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False
