"""The configuration that the demo writes is one that the exporter accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.config_load import load
from exporter.demo.settings import Watch, Watched, render

if TYPE_CHECKING:
    from pathlib import Path


def test_it_names_every_server_that_is_there(tmp_path: Path) -> None:
    secret = tmp_path / 'a "password" file'
    secret.write_text("x")
    file = tmp_path / "exporter.yaml"
    watch = Watch(
        "127.0.0.1:1234",
        postgres=Watched("postgresql://monitor@127.0.0.1:1/shop", secret),
        neo4j=Watched("bolt://127.0.0.1:2", secret),
        redis=Watched("redis://127.0.0.1:3/0", secret),
    )
    file.write_text(render(watch))
    config = load(file)
    assert [target.name for target in config.targets] == [
        *("shop", "graph", "cache", "local")
    ]
    assert config.web.listen == "127.0.0.1:1234"
    assert config.interval == 5
    assert config.postgres["shop"].password_file == secret
    assert config.neo4j["graph"].indexes == "ultimate-mcp"
    assert [(q.must_seek, q.profile) for q in config.neo4j["graph"].queries] == (
        [(True, True)] * 3 + [(False, True)]
    )
    assert config.kpis["pg_durability_off"].targets["shop"].warning == 2


def test_without_servers_it_is_the_host_alone(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(render(Watch("127.0.0.1:1234")))
    assert [target.name for target in load(file).targets] == ["local"]
