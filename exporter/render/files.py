"""Plan → files: every rendered file's path and text, in one of three formats."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import yaml

from exporter.render import (
    always,
    burn,
    burn_tests,
    comparison_tests,
    dashboards,
    edge_tests,
    evidence_tests,
    pages,
    rule_tests,
    rules,
)
from exporter.render.overview import overview
from exporter.render.speed import quicker
from exporter.render.words import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.catalogue.plan import Plan

Files = dict[str, str]


class Format(StrEnum):
    """What the files are for: a Prometheus' folder, its operator, or ConfigMaps."""

    PROMETHEUS = "prometheus"
    OPERATOR = "operator"
    CONFIGMAP = "configmap"


def files(plan: Plan, shape: Format, labels: dict[str, str]) -> Files:
    """Render everything; `labels` are those that Kubernetes selectors ask for."""
    made = dict(_plain(plan))
    if shape is Format.PROMETHEUS:
        return made
    wrapped = {}
    for path, text in made.items():
        if path.startswith("rules/tests/") or path.endswith(".md"):
            continue
        name = "kpi-" + path.replace("/", "-").rsplit(".", 1)[0]
        body = _wrapped(shape, path, text)
        metadata = {"name": name, "labels": {**body.pop("labels"), **labels}}
        document = {**body, "metadata": metadata}
        wrapped[f"{name}.yaml"] = _first_line("") + dump(document)
    return wrapped


def _plain(plan: Plan) -> Iterator[tuple[str, str]]:
    for subject in plan.subjects:
        head = _first_line(f" from exporter/catalogue/{subject.subject}.yaml")
        name = subject.subject
        groups = [*rules.groups(plan, subject), *burn.group(plan, subject)]
        yield f"rules/{name}.yaml", head + dump({"groups": quicker(groups, plan)})
        if plan.speed == 1:
            made = rule_tests.tests(plan, subject)
            made["tests"] += burn_tests.tests(plan, subject)
            made["tests"] += evidence_tests.tests(plan, subject)
            made["tests"] += comparison_tests.tests(plan, subject)
            made["tests"] += edge_tests.tests(plan, subject)
            yield f"rules/tests/{name}.yaml", head + dump(made)
        yield f"dashboards/{name}.json", _json(dashboards.of_subject(plan, subject))
    yield "dashboards/overview.json", _json(overview(plan))
    head = _first_line("")
    groups = quicker(always.groups(plan), plan)
    yield "rules/always.yaml", head + dump({"groups": groups})
    if plan.speed == 1:
        yield "rules/tests/always.yaml", head + dump(always.tests(plan))
    for page, text in pages.named(plan).items():
        yield f"rules/runbooks/{page}.md", text
    yield "rules/README.md", pages.reference(plan)


def dump(data: Any) -> str:
    """Write YAML for people: keys in the order given, texts as blocks."""
    return yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, width=88, allow_unicode=True
    )


def _wrapped(shape: Format, path: str, text: str) -> dict[str, Any]:
    if path.startswith("rules/") and shape is Format.OPERATOR:
        return {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "labels": {},
            "spec": yaml.safe_load(text),
        }
    dashboard = path.startswith("dashboards/")
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "labels": {"grafana_dashboard": "1"} if dashboard else {},
        "data": {path.rsplit("/", 1)[1]: text},
    }


def _first_line(source: str) -> str:
    return f"# {MARK}{source}; edits are lost.\n"


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
