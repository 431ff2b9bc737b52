"""What applications call their own metrics: two namings, and a user's own names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from string import Template
from typing import TYPE_CHECKING, Final

import promql_parser

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMINGS: Final[dict[str, dict[str, str]]] = {
    "prometheus": {
        "requests": "http_requests_total",
        "request_seconds": "http_request_duration_seconds",
        "status": "status",
        "route": "path",
        "health_routes": "/health.*",
        "lint_routes": ".*/lint.*",
        "execute_routes": ".*/execute.*",
        "graph_routes": ".*/(graph|executions|audit).*",
        "cached_routes": ".*/products.*",
        "query_seconds": "db_query_duration_seconds",
        "cache_hits": "cache_hit_total",
        "cache_misses": "cache_miss_total",
        "rate_limited": "rate_limit_hits_total",
        "websocket_seconds": "websocket_message_duration_seconds",
        "task_seconds": "task_duration_seconds",
        "embedding_seconds": "embedding_duration_seconds",
    },
    "opentelemetry": {
        "requests": "http_server_request_duration_seconds_count",
        "request_seconds": "http_server_request_duration_seconds",
        "status": "http_response_status_code",
        "route": "http_route",
    },
}
"""Metric and label names by role; what OpenTelemetry does not name keeps its name."""

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_LABELS = ("status", "route")
_MATCHER = re.compile(r'\s*(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class Application:
    """One application: which series are its own, and what they are called.

    `selector` is the inside of a PromQL selector. `targets` are the targets that stand
    behind the application.
    """

    name: str = "default"
    selector: str = 'job!=""'
    naming: str = "prometheus"
    names: dict[str, str] = field(default_factory=dict)
    targets: tuple[str, ...] = ()

    def fill(self, text: str, **more: str) -> str:
        """Put this application's names and selector in place of `$role` and `$app`.

        `more` are further names. Raises ValueError for a name that does not exist.
        """
        roles = {**NAMINGS["prometheus"], **NAMINGS[self.naming], **self.names}
        known = {**roles, "app": self.selector, "labels": self._labels(), **more}
        try:
            return Template(text).substitute(known)
        except KeyError as error:
            there = ", ".join(known)
            raise ValueError(f"no name ${error.args[0]}; there are {there}") from error
        except ValueError as error:
            raise ValueError("a $ before no name; write $$ for a dollar") from error

    def _labels(self) -> str:
        """Write labels of a test series that the selector selects."""
        matchers = _MATCHER.findall(self.selector)
        equal = {name: value for name, sign, value in matchers if sign == "="}
        labels = {"job": "j", "instance": "i", **equal}
        return ", ".join(f'{name}="{value}"' for name, value in labels.items())


def wrong_selector(selector: str) -> Iterator[str]:
    """Say why a text cannot stand in the braces of a selector, if so."""
    try:
        promql_parser.parse(f"x{{{selector}}}")
    except ValueError as error:
        yield f"is not PromQL: {error}"


def wrong_names(names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each name of a user's that is for nothing, or cannot be such a name."""
    for role, name in names.items():
        if role not in NAMINGS["prometheus"]:
            yield role, f"names nothing; there are {', '.join(NAMINGS['prometheus'])}"
        elif role.endswith("_routes"):
            if problem := next(wrong_selector(f'x=~"{name}"'), None):
                yield role, f"{name!r} {problem}"
        elif role in _LABELS and not _LABEL.fullmatch(name):
            yield role, f"{name!r} is no name of a label"
        elif not _METRIC.fullmatch(name):
            yield role, f"{name!r} is no name of a metric"
