"""What the demo's Prometheus and Alertmanager are told: pure text, YAML as JSON."""

from __future__ import annotations

import json

from exporter.demo.settings import STOREFRONT

SCRAPE = 2.0
"""Seconds between two scrapes."""
EVALUATION = 1.0
"""Seconds between two evaluations of the rules."""
SPEED = 60
"""How many times shorter windows and waits of the rules are; limits stay."""


def prometheus(*, exporter: str, application: str, alertmanager: str) -> str:
    """Write prometheus.yml, beside which `rules/` lies; addresses are `host:port`."""
    jobs = {"kpi-exporter": exporter, STOREFRONT: application}
    return _written(
        {
            "global": {
                "scrape_interval": f"{SCRAPE:g}s",
                "scrape_timeout": f"{SCRAPE:g}s",
                "evaluation_interval": f"{EVALUATION:g}s",
            },
            "rule_files": ["rules/*.yaml"],
            "alerting": {"alertmanagers": [{"static_configs": _targets(alertmanager)}]},
            "scrape_configs": [
                {"job_name": name, "static_configs": _targets(address)}
                for name, address in jobs.items()
            ],
        }
    )


def alertmanager(*receivers: str) -> str:
    """Write alertmanager.yml: every alert at once, by itself, to each URL."""
    return _written(
        {
            "route": {
                "receiver": "terminal",
                "group_by": ["..."],
                "group_wait": "0s",
                "group_interval": "1s",
                "repeat_interval": "1h",
            },
            "receivers": [
                {
                    "name": "terminal",
                    "webhook_configs": [{"url": url} for url in receivers],
                },
            ],
        }
    )


def _targets(address: str) -> list[dict[str, list[str]]]:
    return [{"targets": [address]}]


def _written(settings: dict[str, object]) -> str:
    return json.dumps(settings, indent=1) + "\n"
