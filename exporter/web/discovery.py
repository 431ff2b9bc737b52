"""Says which targets there are, in the form of Prometheus' HTTP service discovery."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict
from urllib.parse import urlsplit

from exporter.collector import SourceKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.config import Target

JOBS = {
    SourceKind.POSTGRES: "postgres",
    SourceKind.NEO4J: "neo4j",
    SourceKind.REDIS: "redis",
    SourceKind.HOST: "node",
}
"""The values of `job` which the peers' mixins and dashboards select."""

_PORTS = {"http": 80, "https": 443}


class Group(TypedDict):
    """One entry of the discovery: addresses that share their labels."""

    targets: list[str]
    labels: dict[str, str]


def groups(targets: Iterable[Target], url: str) -> list[Group]:
    """List one entry per target for `/probe`, and one for `/self`.

    `url` is where Prometheus reaches us; a path in it goes before ours.
    """
    base = urlsplit(url)
    address = base.netloc.rpartition("@")[2]
    if base.port is None:
        address = f"{address.removesuffix(':')}:{_PORTS.get(base.scheme, 80)}"
    prefix = base.path.rstrip("/")

    def group(path: str, **labels: str) -> Group:
        where = {"__scheme__": base.scheme, "__metrics_path__": f"{prefix}{path}"}
        return Group(targets=[address], labels={**where, **labels})

    found = [
        group("/probe", __param_target=t.name, instance=t.name, job=JOBS[t.kind])
        for t in targets
    ]
    return [*found, group("/self", job="kpi-exporter")]
