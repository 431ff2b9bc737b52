"""A server whose pages are an application's metrics, and pages that are none."""

from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLICATION = """\
# TYPE http_requests_total counter
http_requests_total{method="GET",path="/orders",status="200"} 5
http_request_duration_seconds_bucket{path="/orders",le="+Inf"} 5
http_request_duration_seconds_count{path="/orders"} 5
http_request_duration_seconds_sum{path="/orders"} 1
db_query_duration_seconds_bucket{query_type="select",table="orders",le="+Inf"} 5
db_query_duration_seconds_count{query_type="select",table="orders"} 5
db_query_duration_seconds_sum{query_type="select",table="orders"} 1
"""


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by the path: an application's metrics, and answers that are none."""

    def do_GET(self) -> None:
        status, text = {
            "/metrics": (200, APPLICATION),
            "/html": (200, "<html><body>hello</body></html>"),
            "/empty": (200, "# nothing yet\n"),
            "/login": (401, "who are you?"),
            "/broken": (500, "http_requests_total 1\n"),
            "/large": (200, "# " + "x" * (65 * 2**20)),
            "/api/v1/rules": (200, '{"status": "success"}'),
        }.get(self.path.partition("?")[0], (404, "no"))
        self.send_response(status)
        self.end_headers()
        try:
            self.wfile.write(text.encode())
        except (BrokenPipeError, ConnectionResetError):
            return

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def served() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
