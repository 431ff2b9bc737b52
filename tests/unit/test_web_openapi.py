"""The API's description is valid, and is of the paths that there are."""

from __future__ import annotations

from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from exporter.web.app import build
from exporter.web.openapi import document
from exporter.web.service import BASE
from tests.integration.web_support import FixedService


def test_the_description_is_valid() -> None:
    validate(document(), cls=OpenAPIV31SpecValidator)


def test_every_path_is_described_and_every_described_one_is_there() -> None:
    resources = build(FixedService(), None).router.resources()
    there = {r.canonical for r in resources if r.canonical.startswith(BASE)}

    beside = {f"{BASE}/openapi.json", f"{BASE}/{{rest}}"}
    assert there == set(document()["paths"]) | beside
