"""README.md and deploy/*.md: names, keys, flags and examples are the code's own."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from exporter import collectors, health
from exporter.cli import _parser
from exporter.collector import SourceKind
from exporter.config import (
    Config,
    HostTarget,
    Neo4jTarget,
    PostgresTarget,
    RedisTarget,
    WithSecret,
)
from exporter.config_load import load
from exporter.demo import faults
from exporter.web.routes import PATHS
from tests.source import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.config_values import Strict

TEXT = (ROOT / "README.md").read_text()
KEYS = (ROOT / "deploy/configuration.md").read_text()
PAGES = ("*.md", "deploy/*.md", "rules/*.md")
LINES = 300


def pages() -> dict[Path, str]:
    """Return what people read, runbooks excepted, which are made from one shape."""
    return {p: p.read_text() for pattern in PAGES for p in ROOT.glob(pattern)}


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def anchors(text: str) -> set[str]:
    """Return what links may lead to within a page."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", t.lower()).replace(" ", "-") for t in titles}


def first_cells(text: str) -> list[str]:
    """Return the first cell of each row of the tables, without their heads."""
    cells = re.findall(r"^\| ([^|]+?) \|", text, re.MULTILINE)
    return [c for c in cells if c not in {"fault", "key", "source", "package"}]


def test_the_collectors_are_those_there_are() -> None:
    rows = re.findall(
        r"^\| (\w+) \| (`.+`) \|$", section("What it reads"), re.MULTILINE
    )
    said = {kind: tuple(re.findall(r"`(\w+)`", names)) for kind, names in rows}
    assert said == {str(kind): collectors.names(kind) for kind in SourceKind}


def test_the_faults_are_those_there_are() -> None:
    said = [cell.strip("`") for cell in first_cells(section("Try it"))]
    assert sorted(said) == sorted(faults.names())


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["demo"]
    names = [re.split(r"[^a-z0-9-]", requirement)[0] for requirement in wanted]
    assert first_cells(section("Dependencies")) == names


def test_the_example_of_a_configuration_loads(tmp_path: Path) -> None:
    file = tmp_path / "kpi-exporter.yaml"
    file.write_text(re.findall(r"```yaml\n(.+?)```", TEXT, re.DOTALL)[0])
    assert [t.name for t in load(file).targets] == ["orders", "graph", "cache", "local"]


def test_the_keys_stand_where_they_are_said_to_stand() -> None:
    models: dict[str, type[Strict]] = {
        "": Config,
        "target": WithSecret,
        "postgres": PostgresTarget,
        "neo4j": Neo4jTarget,
        "redis": RedisTarget,
        "host": HostTarget,
    }
    cells = first_cells(KEYS)
    said = [
        (cell.partition("`")[0].strip(), key)
        for cell in cells
        for key in re.findall(r"`(\w+)", cell)
    ]
    assert len(said) >= len(cells)
    assert [(of, key) for of, key in said if key not in models[of].model_fields] == []


def test_the_flags_are_ones_we_take() -> None:
    flags = KEYS.split("Flags of `serve`:")[1].split("\n\n")[0]
    said = re.findall(r"--[a-z.-]+", flags)
    without = vars(_parser().parse_args(["serve"]))
    given = [["serve", flag, "json" if "log" in flag else "x"] for flag in said]
    changed = [vars(_parser().parse_args(words)) != without for words in given]
    assert changed == [True] * 7


def test_the_pages_are_those_there_are() -> None:
    listed = section("Configuration").split("Pages:")[1]
    said = re.findall(r"`(/[^`]*)`", listed)
    assert sorted(said) == sorted(re.findall(r"^  (/\S*)", PATHS, re.MULTILINE))


def test_our_own_metrics_are_called_so() -> None:
    declared = {m.name for m in vars(health).values() if hasattr(m, "help")}
    written = "\n".join(pages().values())
    said = set(re.findall(r"`(kpi_exporter_\w+)`", written))
    assert said
    assert said - declared == set()


def test_files_it_points_to_are_there() -> None:
    known = pages()
    missing = []
    for page, text in known.items():
        for link, anchor in re.findall(r"\]\(([^):#]*)(?:#([^)]+))?\)", text):
            there = (page.parent / link).resolve() if link else page
            if not there.exists() or (anchor and anchor not in anchors(known[there])):
                missing.append(f"{page}: {link}#{anchor}")
    assert missing == []


def test_every_page_of_the_reference_is_linked_from_the_readme() -> None:
    linked = re.findall(r"\]\((deploy/\w+\.md|rules/\w+\.md)", TEXT)
    written = [p for p in pages() if p.parent != ROOT]
    assert [p for p in written if str(p.relative_to(ROOT)) not in linked] == []


def test_no_page_is_longer_than_a_reader_bears() -> None:
    lengths = {str(page): text.count("\n") for page, text in pages().items()}
    assert {page: lines for page, lines in lengths.items() if lines > LINES} == {}
