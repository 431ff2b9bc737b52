"""What is rendered in tests: every profile, and a configuration with many options."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from exporter.catalogue.loader import catalogue
from exporter.catalogue.plan import Plan
from exporter.catalogue.profiles import Profile
from exporter.config_load import load
from exporter.promises import plan_of
from exporter.render.files import Format, files

OVERRIDES = """\
profile: developer-mesh
postgres:
  orders: {dsn: "postgresql://monitor@db/orders"}
  t: {dsn: "postgresql://monitor@db/t"}
redis:
  cache.eu-1: {url: "redis://cache"}
host:
  local: {}
applications:
  shop:
    selector: job="shop"
    targets: [orders, cache.eu-1]
    names: {requests: shop_requests_total, health_routes: "/(up|ready)"}
  graph: {selector: 'job="graph", env=~"prod|canary"', naming: opentelemetry}
links: {external_url: "https://kpi.example:10099", dashboards: "https://grafana/d/"}
kpis:
  cpu_used: {warning: 60%, targets: {local: {warning: 80%, critical: 99%}}}
  redis_memory_used: {targets: {cache.eu-1: {critical: 90%}}}
  pg_connections_used: {targets: {t: {warning: 70%}, orders: {critical: 99%}}}
  pg_deadlocks: {warning: 2}
  disk_used: {warning: 85%}
  error_rate: {targets: {graph: {warning: 2%}, shop: {warning: 1.5%}}}
  api_latency_p95: {warning: 80ms, targets: {shop: {warning: 50ms, critical: 1s}}}
  redis_hit_rate: {targets: {cache.eu-1: {warning: 95%}}}
"""
OTHERS = [str(profile) for profile in Profile][1:]
NAMES = [*(str(profile) for profile in Profile), "overrides"]


@cache
def plan(name: str) -> Plan:
    """Return the plan of a profile, or of `OVERRIDES`."""
    if name != "overrides":
        return Plan(catalogue(), Profile(name))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "exporter.yaml"
        path.write_text(OVERRIDES)
        return plan_of(load(path))


@cache
def rendered(name: str) -> dict[str, str]:
    """Return a plan's files for a Prometheus."""
    return files(plan(name), Format.PROMETHEUS, {})
