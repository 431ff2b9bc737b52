"""What deploy/ offers: configurations that load, commands and pages that exist."""

from __future__ import annotations

import configparser
import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from exporter.cli import _parser
from exporter.config import Config
from exporter.config_load import load
from exporter.web.routes import PATHS
from tests.source import PACKAGE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

DEPLOY = ROOT / "deploy"
PORT = 10099


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def kubernetes(kind: str) -> dict[str, Any]:
    documents = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
    found: dict[str, Any] = next(d for d in documents if d["kind"] == kind)
    return found


def container() -> dict[str, Any]:
    pod = kubernetes("Deployment")["spec"]["template"]["spec"]
    found: dict[str, Any] = pod["containers"][0]
    return found


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # keeps the case
    parser.read(DEPLOY / "kpi-exporter.service")
    return parser


def dockerfile(word: str) -> list[str]:
    text = (DEPLOY / "Dockerfile").read_text()
    return re.findall(rf"^{word} (.+)$", text, re.MULTILINE)


def loaded(text: str, folder: Path) -> Config:
    path = folder / "kpi-exporter.yaml"
    path.write_text(text)
    return load(path)


def test_the_example_configuration_loads_with_every_kind_of_target() -> None:
    config = load(DEPLOY / "kpi-exporter.yaml")
    assert {t.kind: t.name for t in config.targets} == {
        "postgres": "orders",
        "neo4j": "graph",
        "redis": "cache",
        "host": "local",
    }


def test_the_configurations_for_containers_load(tmp_path: Path) -> None:
    texts = [
        compose()["configs"]["exporter"]["content"],
        kubernetes("ConfigMap")["data"]["kpi-exporter.yaml"],
    ]
    listens = [loaded(text, tmp_path).web.listen for text in texts]
    assert listens == [f":{PORT}", f":{PORT}"]


@pytest.mark.parametrize(
    "arguments",
    [
        compose()["services"]["kpi-exporter"]["command"],
        container()["args"],
        json.loads(dockerfile("CMD")[-1]),
        shlex.split(unit()["Service"]["ExecStart"])[1:],
    ],
)
def test_the_commands_are_ones_we_take(arguments: list[str]) -> None:
    assert _parser().parse_args(arguments).run.__name__ == "_serve"


def test_configurations_are_mounted_where_the_commands_look() -> None:
    service = compose()["services"]["kpi-exporter"]
    mount = next(m for m in container()["volumeMounts"] if m["name"] == "config")
    assert service["command"][-1] == service["configs"][0]["target"]
    assert container()["args"][-1] == f"{mount['mountPath']}/kpi-exporter.yaml"


def test_secrets_are_where_the_configurations_read_them(tmp_path: Path) -> None:
    inside = loaded(kubernetes("ConfigMap")["data"]["kpi-exporter.yaml"], tmp_path)
    mount = next(m for m in container()["volumeMounts"] if m["name"] == "secrets")
    name = unit()["Service"]["LoadCredential"].split(":")[0]
    service = load(DEPLOY / "kpi-exporter.yaml")
    composed = loaded(compose()["configs"]["exporter"]["content"], tmp_path)
    assert [
        str(c.postgres["orders"].password_file) for c in (inside, service, composed)
    ] == [
        f"{mount['mountPath']}/orders",
        f"/run/credentials/kpi-exporter.service/{name}",
        f"/run/secrets/{compose()['services']['kpi-exporter']['secrets'][0]}",
    ]


def test_probes_ask_for_pages_that_exist() -> None:
    asked = [
        container()["livenessProbe"]["httpGet"]["path"],
        container()["readinessProbe"]["httpGet"]["path"],
        *re.findall(rf":{PORT}(/[^']+)", " ".join(dockerfile("HEALTHCHECK"))),
    ]
    pages = re.findall(r"^  (/\S*)", PATHS, re.MULTILINE)
    assert (len(asked), set(asked) - set(pages)) == (3, set())


def test_all_speak_of_the_same_port() -> None:
    assert Config().web.listen == f"127.0.0.1:{PORT}"
    assert dockerfile("EXPOSE") == [str(PORT)]
    assert container()["ports"][0]["containerPort"] == PORT
    assert kubernetes("Service")["spec"]["ports"][0]["port"] == PORT
    assert compose()["services"]["kpi-exporter"]["ports"] == [
        f"127.0.0.1:{PORT}:{PORT}"
    ]


def test_the_image_is_built_from_files_that_its_build_may_see() -> None:
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    copied = [
        c
        for line in dockerfile("COPY")
        if "--from" not in line
        for c in line.split()[:-1]
    ]
    there = [(PACKAGE.parent if c == "exporter" else ROOT) / c for c in copied]
    assert [c for c in copied if f"!{c}" not in allowed] == []
    assert [str(path) for path in there if not path.exists()] == []


def test_nothing_runs_as_root() -> None:
    pod = kubernetes("Deployment")["spec"]["template"]["spec"]
    assert dockerfile("USER") == ["65534:65534"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert unit()["Service"]["DynamicUser"] == "yes"


def test_services_select_what_is_deployed() -> None:
    labels = kubernetes("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert kubernetes("Service")["spec"]["selector"].items() <= labels.items()
