"""What a model refused, for the reader: file, line, key, and what is allowed there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from exporter.yaml_file import Document

_TEXT = "text is wanted, in quotes if it looks like a number or a date"
_KEYS = "keys and values are wanted"
_LIST = "a list is wanted, such as [a, b]"
_NUMBER = "a number is wanted"
_WHOLE = "a whole number is wanted"
_YES_OR_NO = "true or false is wanted"
_WORDS = {
    "missing": "is needed",
    "string_type": _TEXT,
    "path_type": _TEXT,
    "model_type": _KEYS,
    "dict_type": _KEYS,
    "tuple_type": _LIST,
    "bool_type": _YES_OR_NO,
    "bool_parsing": _YES_OR_NO,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "greater_than": "more than {gt} is wanted",
    "greater_than_equal": "{ge} or more is wanted",
    "less_than": "less than {lt} is wanted",
    "less_than_equal": "{le} or less is wanted",
    "string_too_short": "{min_length} or more characters are wanted",
    "string_too_long": "{max_length} or fewer characters are wanted",
    "too_short": "{min_length} or more entries are wanted",
    "too_long": "{max_length} or fewer entries are wanted",
    "string_pattern_mismatch": "does not fit the pattern {pattern}",
    "enum": "there are {expected}",
    "literal_error": "there are {expected}",
}


def explain(document: Document, root: type[BaseModel], problem: ErrorDetails) -> str:
    """Write one line about what the model `root` refused in a document."""
    location = tuple(part for part in problem["loc"] if part != "[key]")
    unknown = problem["type"] == "extra_forbidden"
    message = f"unknown key; {_allowed(root, location)}" if unknown else _words(problem)
    return document.problem(location, message)


def _words(problem: ErrorDetails) -> str:
    """Say what is wanted where a model refused a value."""
    said = _WORDS.get(problem["type"])
    if said is None:
        return problem["msg"].removeprefix("Value error, ")
    return said.format_map(problem.get("ctx", {}))


def emptied(problem: ErrorDetails) -> bool:
    """Whether too little is left only because entries of it were refused."""
    return problem["type"] == "too_short" and bool(problem["input"])


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
