"""The OpenAPI description of `POST /api/mcp/performance/analyze`."""

from __future__ import annotations

from typing import Any

from exporter.review.shape import MOST_BYTES, PATH, Dialect, Refusal

_TEXT = {"type": "string"}
_NUMBER = {"type": ["number", "null"]}
_PLACE = {"type": ["integer", "null"], "minimum": 1}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


_FINDING = _object(
    rule=_TEXT,
    severity={"type": "string", "enum": ["critical", "warning", "info"]},
    line=_PLACE,
    column=_PLACE,
    why=_TEXT,
    fix=_TEXT,
)
_INDEX = _object(
    statement=_TEXT,
    table=_TEXT,
    columns=_list(_TEXT),
    proof={"type": "string", "enum": ["hypothetical index", "estimate"]},
    cost_before=_NUMBER,
    cost_after=_NUMBER,
    why=_TEXT,
)
_PLAN = {
    **_object(
        refused={**_TEXT, "description": "why there is no plan; then nothing else"},
        cost=_NUMBER,
        rows=_NUMBER,
        sequential_scans={"type": "integer"},
        dearest={"type": ["string", "null"]},
        nodes=_list(_object(depth={"type": "integer"}, cost=_NUMBER, name=_TEXT)),
        indexes=_list(_INDEX),
    ),
    "type": ["object", "null"],
}
_STATEMENT = _object(
    statement={"type": "integer", "minimum": 1},
    kind=_TEXT,
    line=_PLACE,
    column={**_PLACE, "description": "where a statement cannot be parsed; else absent"},
    text=_TEXT,
    refused={**_TEXT, "description": "why it is not reviewed; else absent"},
    findings=_list(_FINDING),
    rewrites=_list(
        _object(rule=_TEXT, text=_TEXT, when=_TEXT, plan={"type": ["object", "null"]})
    ),
    plan=_PLAN,
)
_ANSWER = _object(
    dialect=_TEXT,
    target={"type": ["string", "null"]},
    unplanned={
        "type": ["string", "null"],
        "description": "why the target itself could not be asked for all plans",
    },
    statements=_list(_STATEMENT),
    findings={"type": "integer"},
    executed={"type": "boolean", "const": False},
    bounds={"type": "object", "additionalProperties": {"type": "number"}},
)
ERROR_CODES = [str(kind) for kind in Refusal]
"""The codes of the errors that only a review has."""
_ERROR = {"$ref": "#/components/schemas/Error"}
_ASKED = {
    **_object(
        statement={
            "type": "string",
            "minLength": 1,
            "description": f"statements, at most {MOST_BYTES} bytes of UTF-8",
        },
        target={**_TEXT, "description": "the target whose planner is asked as well"},
        dialect={
            "type": "string",
            "enum": [str(dialect) for dialect in Dialect],
            "description": "postgres, or cypher at a target of Neo4j, unless given",
        },
        literals={
            "type": "boolean",
            "default": False,
            "description": "keep literals in the texts of the answer; else each is a ?",
        },
    ),
    "required": ["statement"],
    "additionalProperties": False,
}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": _json(_ERROR)}


PATHS: dict[str, Any] = {
    PATH: {
        "post": {
            "summary": "Review a statement; nothing is executed",
            "operationId": "analyze",
            "requestBody": {"required": True, "content": _json(_ASKED)},
            "responses": {
                "200": {"description": "the review", "content": _json(_ANSWER)},
                "400": _problem("not the JSON that is asked for, or a binary text"),
                "401": _problem("user and password are needed"),
                "413": _problem("the text, or its number of statements, is too large"),
                "422": _problem("no query, unreadable, too costly, unknown target"),
                "503": _problem("another review runs, or the target does not answer"),
                "default": _problem("any other error"),
            },
        }
    }
}
"""Each path with its methods, ready for `paths` of an OpenAPI 3.1 document.

The document has the schema `Error`, which is that of the whole API.
"""
