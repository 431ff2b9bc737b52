"""Plan → what Prometheus and Grafana are given: files by the names they get there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.render.files import boards, rule_groups, rule_text

if TYPE_CHECKING:
    from exporter.catalogue.plan import Plan


class Installed(NamedTuple):
    """Rule files and dashboards as texts by file name, and each rule file's groups."""

    rules: dict[str, str]
    groups: dict[str, list[dict[str, Any]]]
    boards: dict[str, str]


def installed(plan: Plan, prefix: str) -> Installed:
    """Render what is installed; `prefix` begins each file's name."""
    groups = rule_groups(plan)
    return Installed(
        {f"{prefix}{name}.yaml": rule_text(name, g) for name, g in groups.items()},
        {f"{prefix}{name}.yaml": g for name, g in groups.items()},
        {f"{prefix}{name}.json": text for name, text in boards(plan).items()},
    )
