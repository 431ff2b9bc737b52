"""The description of the API `/api/mcp/performance/…` as OpenAPI 3.1 has it; pure."""

from __future__ import annotations

from typing import Any

from exporter import __version__
from exporter.review import openapi as review
from exporter.web.guard import code_of
from exporter.web.service import BASE, CHOICES, MOST_ITEMS, MOST_OFFSET

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_MAYBE_NUMBER: Schema = {"type": ["number", "null"]}
_MAYBE_TEXT: Schema = {"type": ["string", "null"]}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_LABELS: Schema = {"type": "object", "additionalProperties": _TEXT}
_VERDICT: Schema = {
    "type": "string",
    "enum": [*CHOICES["verdict"]],
    "description": "shown: nothing is promised about it",
}
_UNIT: Schema = {
    "type": "string",
    "enum": ["seconds", "ratio", "bytes", "count", "per_second"],
}
_MEANINGS = {
    "kpi": "only this KPI, by its id",
    "target": "only this target, by its name in the configuration",
    "verdict": "only what has this verdict",
    "datname": "only this database",
    "source": "only this kind of cache: redis or postgres",
}


def _object(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def _list(**properties: Schema) -> Schema:
    return {"type": "array", "items": _object(**properties)}


def _paged(item: Schema, **more: Schema) -> Schema:
    number = {"type": "integer", "minimum": 0}
    return _object(
        items={"type": "array", "items": item},
        total=number,
        limit=number,
        offset=number,
        next={"type": ["integer", "null"], "description": "the next page's offset"},
        **more,
    )


_END: Schema = {"type": "string", "format": "date-time"}
_METRIC = _object(
    kpi=_TEXT,
    title=_TEXT,
    unit=_UNIT,
    labels=_LABELS,
    value=_NUMBER,
    limit=_MAYBE_NUMBER,
    verdict=_VERDICT,
)
_ROW = _object(
    labels=_LABELS,
    value=_NUMBER,
    worst=_NUMBER,
    verdict=_VERDICT,
    severity=_MAYBE_TEXT,
    limit=_MAYBE_NUMBER,
    beyond_seconds=_NUMBER,
    until={"type": ["string", "null"], "format": "date-time"},
    current={"type": "boolean"},
    gone={"type": ["string", "null"], "format": "date-time"},
    quantiles={"type": "object", "additionalProperties": _NUMBER},
    budget_left=_MAYBE_NUMBER,
    change=_MAYBE_NUMBER,
    reaches_limit_in_seconds=_MAYBE_NUMBER,
)
_KPI = _object(
    kpi=_TEXT,
    title=_TEXT,
    subject=_TEXT,
    unit=_UNIT,
    verdict=_VERDICT,
    severity=_MAYBE_TEXT,
    promises=_TEXTS,
    why=_MAYBE_TEXT,
    series={"type": "integer", "description": "how many rows there are in all"},
    rows={"type": "array", "items": _ROW, "maxItems": 50},
    causes=_TEXTS,
)
_STATEMENT = _object(
    target=_TEXT,
    datname=_TEXT,
    user=_TEXT,
    queryid=_TEXT,
    query={**_MAYBE_TEXT, "description": "null where texts are switched off"},
    calls=_NUMBER,
    seconds=_NUMBER,
    mean_seconds=_NUMBER,
    rows=_MAYBE_NUMBER,
)
_CACHE = _object(
    source={"type": "string", "enum": [*CHOICES["source"]]},
    target=_TEXT,
    hits=_NUMBER,
    misses=_MAYBE_NUMBER,
    hit_rate=_MAYBE_NUMBER,
)
_SOURCE = _object(name=_TEXT, end=_END, seconds=_NUMBER, step=_NUMBER, remarks=_TEXTS)
_REPORT = _paged(
    {"$ref": "#/components/schemas/Kpi"},
    profile=_TEXT,
    status={"type": "integer", "description": "0 kept, 1 broken, 2 not judged"},
    source=_SOURCE,
    sections=_list(title=_TEXT, findings=_TEXTS, why=_MAYBE_TEXT),
    advice=_list(title=_TEXT, who=_TEXT, evidence=_TEXTS, how=_TEXT),
    unanswered=_TEXTS,
)
_STATUSES = (400, 401, 403, 404, 405, 429, 500)
_PLACE: Schema = {
    "type": ["integer", "null"],
    "minimum": 1,
    "description": "where in the text, of errors of a review alone",
}
_CODE: Schema = {
    "type": "string",
    "enum": [*map(code_of, _STATUSES), *review.ERROR_CODES],
}
_ERROR = _object(code=_CODE, message=_TEXT)
_ERROR["properties"].update(line=_PLACE, column=_PLACE)
_SCHEMAS = {
    "Error": _object(error=_ERROR),
    "Kpi": _KPI,
    "Report": _REPORT,
    "Metrics": _paged(_METRIC, end=_END),
    "SlowQueries": _paged(_STATEMENT, end=_END),
    "CacheStats": _paged(_CACHE, end=_END),
}


def _get(summary: str, schema: str, *filters: str, above: bool = False) -> Schema:
    parameters = [_parameter(name, _filter(name), _MEANINGS[name]) for name in filters]
    if above:
        seconds = {"type": "number", "minimum": 0, "default": 0}
        parameters.append(
            _parameter("above", seconds, "only means from here, in seconds")
        )
    limit = {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS, "default": 100}
    offset = {"type": "integer", "minimum": 0, "maximum": MOST_OFFSET, "default": 0}
    parameters += [
        _parameter("limit", limit, "the most items of a page"),
        _parameter("offset", offset, "how many items to leave out before"),
    ]
    return {
        "get": {
            "summary": summary,
            "operationId": schema[0].lower() + schema[1:],
            "parameters": parameters,
            "responses": {
                "200": _response("a page of them", schema),
                "400": _response("a parameter cannot be used", "Error"),
                "401": _response("user and password are needed", "Error"),
                "404": _response("there is no such target or KPI", "Error"),
                "default": _response("any other error", "Error"),
            },
        }
    }


def _filter(name: str) -> Schema:
    return {"type": "string", "enum": [*CHOICES[name]]} if name in CHOICES else _TEXT


def _parameter(name: str, schema: Schema, description: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _response(description: str, schema: str) -> Schema:
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    return {"description": description, "content": {"application/json": content}}


PATHS: dict[str, Schema] = {
    f"{BASE}/metrics": _get(
        "The value of each KPI now", "Metrics", "kpi", "target", "verdict"
    ),
    f"{BASE}/report": _get(
        "The verdict on each KPI now, causes and advice", "Report", "kpi", "verdict"
    ),
    f"{BASE}/slow-queries": _get(
        "PostgreSQL's statements since the exporter started, slowest on average first",
        "SlowQueries",
        "target",
        "datname",
        above=True,
    ),
    f"{BASE}/cache-stats": _get(
        "Hits and misses of each Redis and of PostgreSQL's shared buffers",
        "CacheStats",
        "target",
        "source",
    ),
}
_PARTS = (PATHS, review.PATHS)
"""The paths of each part of the API, which `document` puts together."""


def document() -> Schema:
    """Return the whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "kpi-exporter: performance",
            "version": __version__,
            "description": "What the exporter knows now; it asks no database for it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"basic": []}],
        "paths": {path: item for part in _PARTS for path, item in part.items()},
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
        },
    }
