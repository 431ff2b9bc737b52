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

_ALWAYS = "always"


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
    for name, groups in rule_groups(plan).items():
        yield f"rules/{name}.yaml", rule_text(name, groups)
    for name, text in boards(plan).items():
        yield f"dashboards/{name}.json", text
    if plan.speed == 1:
        for subject in plan.subjects:
            made = rule_tests.tests(plan, subject)
            made["tests"] += burn_tests.tests(plan, subject)
            made["tests"] += evidence_tests.tests(plan, subject)
            made["tests"] += comparison_tests.tests(plan, subject)
            made["tests"] += edge_tests.tests(plan, subject)
            name = subject.subject
            yield f"rules/tests/{name}.yaml", _first_line(_source(name)) + dump(made)
        yield "rules/tests/always.yaml", _first_line("") + dump(always.tests(plan))
    for page, text in pages.named(plan).items():
        yield f"rules/runbooks/{page}.md", text
    yield "rules/README.md", pages.reference(plan)


def rule_groups(plan: Plan) -> dict[str, list[dict[str, Any]]]:
    """Return the rule groups of each subject, and of `always`."""
    made = {
        subject.subject: [*rules.groups(plan, subject), *burn.group(plan, subject)]
        for subject in plan.subjects
    }
    made[_ALWAYS] = always.groups(plan)
    return {name: quicker(groups, plan) for name, groups in made.items()}


def rule_text(name: str, groups: list[dict[str, Any]]) -> str:
    """Write the file of a subject's rule groups."""
    head = "" if name == _ALWAYS else _source(name)
    return _first_line(head) + dump({"groups": groups})


def boards(plan: Plan) -> dict[str, str]:
    """Write the dashboards, by the names of their files."""
    made = {s.subject: dashboards.of_subject(plan, s) for s in plan.subjects}
    return {
        name: _json(board)
        for name, board in {**made, "overview": overview(plan)}.items()
    }


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


def _source(name: str) -> str:
    return f" from exporter/catalogue/{name}.yaml"


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
