"""What the catalogue's texts must be: PromQL, series of a test, arithmetic."""

from __future__ import annotations

from typing import Annotated

import promql_parser
from pydantic import AfterValidator, Field

from exporter.catalogue.applications import Application
from exporter.catalogue.arithmetic import FIGURE, calculate

_ANY = Application()
_BURN = {"window": "5m", "limit": "1"}


def _promql(text: str) -> str:
    _parsed(_ANY.fill(text))
    return text


def _burn_promql(text: str) -> str:
    _parsed(_ANY.fill(text, **_BURN))
    return text


def _series(text: str) -> str:
    parsed = _parsed(_ANY.fill_series(text, bound="1.0"))
    if not isinstance(parsed, promql_parser.VectorSelector):
        raise ValueError(f'{text!r} is no series; write it as name{{label="value"}}')  # noqa: TRY004 - pydantic reports ValueErrors
    for each in parsed.matchers.matchers:
        if each.op != promql_parser.MatchOp.Equal:
            raise ValueError(f'{each.name} has no value; write it as {each.name}="…"')
    return text


def _formula(text: str) -> str:
    calculate(text, 0.5, 60.0)
    return text


def _expected(text: str) -> str:
    for figure in FIGURE.finditer(text):
        calculate(figure["sum"], 0.5, 60.0)
    return text


def _parsed(text: str) -> promql_parser.Expr:
    try:
        return promql_parser.parse(text)
    except ValueError as error:
        raise ValueError(f"is not PromQL: {' '.join(str(error).split())}") from error


Text = Annotated[str, Field(min_length=1)]
Promql = Annotated[Text, AfterValidator(_promql)]
BurnPromql = Annotated[Text, AfterValidator(_burn_promql)]
SeriesName = Annotated[Text, AfterValidator(_series)]
Formula = Annotated[Text, AfterValidator(_formula)]
Expected = Annotated[Text, AfterValidator(_expected)]
