"""What applications call their own metrics: two namings, and a user's own names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from string import Template
from typing import TYPE_CHECKING, Final

import promql_parser

from exporter.catalogue.example import example

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
        "connections": "current_connections",
        "websocket_seconds": "websocket_message_duration_seconds",
        "task_seconds": "task_duration_seconds",
        "embedding_seconds": "embedding_duration_seconds",
    },
    "opentelemetry": {
        "requests": "http_server_request_duration_seconds_count",
        "request_seconds": "http_server_request_duration_seconds",
        "status": "http_response_status_code",
        "route": "http_route",
        "connections": "http_server_active_requests",
    },
}
"""Metric and label names by role; what OpenTelemetry does not name keeps its name."""

_CACHE = ("cache_level", "cache_type")
_LABELS_OF: Final[dict[str, tuple[str, ...]]] = {
    "requests": ("$status", "$route"),
    "request_seconds": ("$status", "$route"),
    "query_seconds": ("query_type", "table"),
    "cache_hits": _CACHE,
    "cache_misses": _CACHE,
    "rate_limited": ("handler",),
    "connections": (),
    "websocket_seconds": (),
    "task_seconds": (),
    "embedding_seconds": (),
}
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_LABELS = ("status", "route")
_ROUTES = "_routes"


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
        known = {"app": self.selector, **roles, **more}
        try:
            return Template(text).substitute(known)
        except KeyError as error:
            there = ", ".join(known)
            raise ValueError(f"no name ${error.args[0]}; there are {there}") from error
        except ValueError as error:
            raise ValueError("a $ before no name; write $$ for a dollar") from error

    def fill_series(self, text: str, **more: str) -> str:
        """Name a test's series: `$labels` are such that the selector selects it.

        `$health_route` is a route of `$health_routes`, and so on.
        """
        roles = {**NAMINGS["prometheus"], **self.names}
        routes = {
            role.removesuffix("s"): example(pattern)
            for role, pattern in roles.items()
            if role.endswith(_ROUTES)
        }
        labels = (f'{name}="{_escaped(text)}"' for name, text in self.labels.items())
        return self.fill(text, labels=", ".join(labels), **routes, **more)

    def declared(self) -> dict[str, frozenset[str]]:
        """Return the labels by name of every series that it is expected to publish."""
        found = {}
        for role, labels in _LABELS_OF.items():
            own = frozenset(self.fill(label) for label in labels) | self.fixed
            name = self.fill(f"${role}")
            found[name] = own
            if role.endswith("_seconds"):
                found[f"{name}_bucket"] = own | {"le"}
                found[f"{name}_sum"] = found[f"{name}_count"] = own
        return found

    @property
    def fixed(self) -> frozenset[str]:
        """The names of the labels that the selector gives a value."""
        given = (promql_parser.MatchOp.Equal, promql_parser.MatchOp.Re)
        return frozenset(m.name for m in self._matchers if m.op in given)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of a test's series; raises ValueError when none can be found."""
        found = {"job": "j", "instance": "i"}
        for each in self._matchers:
            if each.op == promql_parser.MatchOp.Equal:
                found[each.name] = each.value
            elif each.op == promql_parser.MatchOp.Re:
                found[each.name] = example(each.value)
            elif each.name in found and _excluded(each, found[each.name]):
                found[each.name] += "-other"
        return found

    @property
    def _matchers(self) -> list[promql_parser.Matcher]:
        parsed = promql_parser.parse(f"x{{{self.selector}}}")
        if not isinstance(parsed, promql_parser.VectorSelector):
            raise ValueError(f"{self.selector!r} is no selector")  # noqa: TRY004 - as parsing does
        return parsed.matchers.matchers


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _excluded(matcher: promql_parser.Matcher, value: str) -> bool:
    if matcher.op == promql_parser.MatchOp.NotEqual:
        return matcher.value == value
    return re.fullmatch(matcher.value, value) is not None


def wrong_selector(selector: str) -> Iterator[str]:
    """Say why a text cannot stand in the braces of a selector, if so."""
    try:
        _ = Application(selector=selector).labels
    except ValueError as error:
        yield f"cannot be used: {error}"


def wrong_names(names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each name of a user's that is for nothing, or cannot be such a name."""
    for role, name in names.items():
        if role not in NAMINGS["prometheus"]:
            yield role, f"names nothing; there are {', '.join(NAMINGS['prometheus'])}"
        elif role.endswith(_ROUTES):
            if problem := next(wrong_selector(f'x=~"{name}"'), None):
                yield role, f"{name!r} {problem}"
        elif role in _LABELS and not _LABEL.fullmatch(name):
            yield role, f"{name!r} is no name of a label"
        elif not _METRIC.fullmatch(name):
            yield role, f"{name!r} is no name of a metric"
