"""What Prometheus is told to scrape."""

from __future__ import annotations

import pytest

from exporter.config import Config
from exporter.web.discovery import groups


def config() -> Config:
    made = Config.model_validate(
        {
            "postgres": {"orders": {"dsn": "postgresql://monitor@db1/orders"}},
            "neo4j": {"graph": {"uri": "bolt://graph:7687"}},
            "redis": {"cache": {"url": "redis://cache:6379/0"}},
            "host": {"local": {}},
        }
    )
    for targets in (made.postgres, made.neo4j, made.redis, made.host):
        for name, target in targets.items():
            target.name_it(name)
    return made


def test_each_target_is_one_instance_with_the_job_that_peers_dashboards_want() -> None:
    found = groups(config().targets, "http://mon:10099")
    probes = [
        ("orders", "postgres"),
        ("graph", "neo4j"),
        ("cache", "redis"),
        ("local", "node"),
    ]
    assert found == [
        *(
            {
                "targets": ["mon:10099"],
                "labels": {
                    "__scheme__": "http",
                    "__metrics_path__": "/probe",
                    "__param_target": name,
                    "instance": name,
                    "job": job,
                },
            }
            for name, job in probes
        ),
        {
            "targets": ["mon:10099"],
            "labels": {
                "__scheme__": "http",
                "__metrics_path__": "/self",
                "job": "kpi-exporter",
            },
        },
    ]


@pytest.mark.parametrize(
    ("url", "address", "scheme", "path"),
    [
        ("http://mon:10099", "mon:10099", "http", "/self"),
        ("http://mon", "mon:80", "http", "/self"),
        ("https://mon.test", "mon.test:443", "https", "/self"),
        ("https://mon.test/", "mon.test:443", "https", "/self"),
        ("https://mon.test/a/b/", "mon.test:443", "https", "/a/b/self"),
        ("http://[::1]:10099", "[::1]:10099", "http", "/self"),
        ("http://[::1]", "[::1]:80", "http", "/self"),
        ("https://user:secret@mon.test:1", "mon.test:1", "https", "/self"),
    ],
)
def test_the_address_is_what_prometheus_can_reach(
    url: str, address: str, scheme: str, path: str
) -> None:
    entry = groups((), url)[0]
    labels = entry["labels"]
    actual = (entry["targets"], labels["__scheme__"], labels["__metrics_path__"])
    assert actual == ([address], scheme, path)
