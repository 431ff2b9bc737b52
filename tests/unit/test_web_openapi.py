"""The API's description is valid, and is of the paths that there are."""

from __future__ import annotations

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from exporter.report.model import Verdict
from exporter.web.app import build
from exporter.web.openapi import document
from exporter.web.service import BASE, CHOICES
from tests.integration.web_support import FixedService


def test_the_description_is_valid() -> None:
    validate(document(), cls=OpenAPIV31SpecValidator)


def test_every_path_is_described_and_every_described_one_is_there() -> None:
    resources = build(FixedService(), None).router.resources()
    there = {r.canonical for r in resources if r.canonical.startswith(BASE)}

    beside = {f"{BASE}/openapi.json", f"{BASE}{{rest}}"}
    assert there == set(document()["paths"]) | beside


def test_the_verdicts_that_can_be_asked_for_are_those_that_a_report_has() -> None:
    assert CHOICES["verdict"] == tuple(Verdict)


@pytest.mark.parametrize("name", CHOICES)
def test_a_filter_of_a_closed_set_says_what_is_in_it(name: str) -> None:
    found = [
        each["schema"].get("enum")
        for methods in document()["paths"].values()
        for each in methods.get("get", {}).get("parameters", ())
        if each["name"] == name
    ]

    assert found
    assert all(each == list(CHOICES[name]) for each in found)


def test_every_path_says_how_it_refuses_a_user_and_all_refuse_in_one_shape() -> None:
    described = document()
    responses = [
        operation["responses"]
        for methods in described["paths"].values()
        for operation in methods.values()
    ]

    assert all("401" in each for each in responses)
    shapes = {
        answer["content"]["application/json"]["schema"].get("$ref")
        for each in responses
        for status, answer in each.items()
        if status != "200"
    }
    assert shapes == {"#/components/schemas/Error"}
