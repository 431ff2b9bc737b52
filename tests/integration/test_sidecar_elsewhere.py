"""A Prometheus that loads the same rules from a folder that is not the sidecar's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from exporter.check_http import Browser
from exporter.config_sidecar import Prometheus
from exporter.render.installed import Installed
from exporter.render.words import MARK
from exporter.sidecar.own import Own
from exporter.sidecar.problems import Problems
from exporter.sidecar.prometheus import Api
from exporter.sidecar.rules import Rules
from tests.integration.sidecar_world import PrometheusServer

if TYPE_CHECKING:
    from pathlib import Path

GROUPS: dict[str, list[dict[str, Any]]] = {
    "kpi-x.yaml": [{"name": "kpi-x", "rules": [{"record": "a:b:c", "expr": "1"}]}]
}
TEXT = f"# {MARK}\n" + yaml.safe_dump({"groups": GROUPS["kpi-x.yaml"]})


async def brought(folder: Path, url: str) -> list[str]:
    """Bring the rules into a folder; returns what is wrong with what is loaded."""
    own = Own()
    problems = Problems(own, ["rules", "loaded"])
    rules = Rules(Prometheus(rules=folder, url=url), 1, problems, own)
    async with Browser() as browser:
        await rules.bring(
            Installed({"kpi-x.yaml": TEXT}, GROUPS, {}), Api(browser, url)
        )
    return problems.of("loaded")


async def test_the_same_rules_of_another_folder_are_not_ours(tmp_path: Path) -> None:
    prometheus = PrometheusServer(tmp_path / "prometheus")
    other, link = tmp_path / "other", tmp_path / "link"
    other.mkdir()
    link.symlink_to(prometheus.rules)
    (prometheus.rules / "kpi-x.yaml").write_text(TEXT)
    try:
        prometheus.start()
        assert await brought(prometheus.rules, prometheus.url) == []
        assert await brought(link, prometheus.url) == []
        (other / "kpi-x.yaml").write_text(TEXT)
        none, said = await brought(other, prometheus.url)
        assert "none of the groups is loaded" in none
        assert f"is loaded from {prometheus.rules}/kpi-x.yaml, which is not" in said
    finally:
        prometheus.stop()
