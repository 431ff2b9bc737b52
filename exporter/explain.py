"""What a model refused, for the reader: file, line, key, and what is allowed there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from exporter.yaml_file import Document


def explain(document: Document, root: type[BaseModel], problem: ErrorDetails) -> str:
    """Write one line about what the model `root` refused in a document."""
    location = tuple(part for part in problem["loc"] if part != "[key]")
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = f"unknown key; {_allowed(root, location)}"
    elif problem["type"] == "missing":
        message = "is needed"
    return document.problem(location, message)


def _allowed(root: type[BaseModel], location: tuple[str | int, ...]) -> str:
    """List the keys that may stand where an unknown one was found."""
    model: Any = root
    for part in location[:-1]:
        field = _fields(model).get(str(part))
        model = field.annotation if field else model
        while not _is_model(model) and get_args(model):
            model = next((a for a in get_args(model) if _leads_on(a)), None)
    return "there are " + ", ".join(_fields(model)) if _is_model(model) else ""


def _fields(model: Any) -> dict[str, Any]:
    """Return a model's fields by the keys that a file gives them."""
    if not _is_model(model):
        return {}
    return {f.alias or name: f for name, f in model.model_fields.items()}


def _leads_on(annotation: Any) -> bool:
    return _is_model(annotation) or any(map(_leads_on, get_args(annotation)))


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)
