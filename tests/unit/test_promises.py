"""Configurations that promise what cannot be: what is said, and nothing is written."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from exporter.catalogue.model import Severity
from exporter.cli import main
from exporter.config_load import load
from exporter.promises import plan_of
from exporter.render.files import rule_groups

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
profile: developer-mesh
host: {local: {}}
postgres:
  orders: {dsn: "postgresql://monitor@db/orders"}
applications:
  shop: {selector: 'job="shop"', targets: [orders]}
kpis:
  cpu_used: {warning: 75%}
"""
KPIS = GOOD.index("  cpu_used")
MISTAKES = [
    (
        GOOD.replace("developer-mesh", "developer-mash"),
        (
            "1: profile: there are 'mcp-security-platform', 'stellar-logic', "
            "'ultimate-mcp', 'developer-mesh' or 'mcp-v2'"
        ),
    ),
    (
        GOOD.replace('job="shop"', "shop"),
        (
            "6: applications.shop.selector: a selector is what PromQL has in its "
            "braces, "
            'such as job="shop", env=~"prod|canary"'
        ),
    ),
    (
        GOOD.replace('job="shop"', 'job=~"("'),
        "6: applications.shop.selector: cannot be used: illegal regex for (",
    ),
    (
        GOOD.replace("[orders]", "[cache]"),
        "6: applications.shop.targets.0: no target 'cache'; there are orders, local",
    ),
    (
        GOOD.replace("targets: [orders]", "names: {statuses: code}"),
        "6: applications.shop.names.statuses: names nothing; there are requests, ",
    ),
    (
        GOOD.replace("targets: [orders]", "names: {requests: my-requests}"),
        "6: applications.shop.names.requests: 'my-requests' is no name of a metric",
    ),
    (
        GOOD.replace("targets: [orders]", "naming: statsd"),
        "6: applications.shop.naming: there are 'prometheus' or 'opentelemetry'",
    ),
    (
        GOOD[:KPIS] + "  cpu_use: {warning: 75%}\n",
        (
            "8: kpis.cpu_use: no KPI 'cpu_use'; did you mean cpu_used? there are "
            "api_latency_p50, "
        ),
    ),
    (
        GOOD[:KPIS] + "  cpu_used: {warning: 75ms}\n",
        "8: kpis.cpu_used.warning: '75ms' is no limit in ratio; write it as 12%",
    ),
    (
        GOOD[:KPIS] + "  db_query_p95: {warning: 80}\n",
        (
            "8: kpis.db_query_p95.warning: 80 is no limit in seconds; write it as 12ms "
            "or 12s or 12m or 12h or 12d"
        ),
    ),
    (
        GOOD[:KPIS] + "  cpu_used: {fatal: 75%}\n",
        (
            "8: kpis.cpu_used.fatal: unknown key; there are info, warning, critical, "
            "targets"
        ),
    ),
    (
        GOOD[:KPIS] + "  cpu_used: {warning: 99%}\n",
        "8: kpis.cpu_used: critical (0.95) is milder than warning (0.99)",
    ),
    (
        GOOD[:KPIS] + "  availability: {warning: 90%}\n",
        "8: kpis.availability: critical (0.95) is milder than warning (0.9)",
    ),
    (
        GOOD[:KPIS] + "  cpu_used: {targets: {local: {critical: 50%}}}\n",
        "8: kpis.cpu_used.targets.local: critical (0.5) is milder than warning (0.7)",
    ),
    (
        GOOD[:KPIS] + "  cpu_used: {}\n",
        "8: kpis.cpu_used: changes nothing; give warning or critical a limit",
    ),
    (
        GOOD[:KPIS] + "  cpu_used: {targets: {local: {}}}\n",
        (
            "8: kpis.cpu_used.targets.local: changes nothing; give warning or "
            "critical a "
            "limit"
        ),
    ),
    (
        GOOD[:KPIS] + "  cpu_used: {targets: {remote: {warning: 75%}}}\n",
        (
            "8: kpis.cpu_used.targets.remote: nothing is named so that it judges; "
            "there "
            "are local"
        ),
    ),
    (
        GOOD[:KPIS] + "  cpu_used: {targets: {orders: {warning: 75%}}}\n",
        (
            "8: kpis.cpu_used.targets.orders: nothing is named so that it judges; "
            "there "
            "are local"
        ),
    ),
    (
        GOOD[:KPIS] + "  error_rate: {targets: {orders: {warning: 2%}}}\n",
        (
            "8: kpis.error_rate.targets.orders: nothing is named so that it "
            "judges; there "
            "are shop"
        ),
    ),
    (
        GOOD[:KPIS] + "  redis_busy: {targets: {orders: {warning: 5%}}}\n",
        "8: kpis.redis_busy.targets.orders: it judges no target of this configuration",
    ),
    *(
        (
            f"{GOOD[:KPIS]}  {kpi}: {{{severity}: {limit}}}\n",
            f"8: kpis.{kpi}.{severity}: it would be broken always, or never; {wanted}",
        )
        for kpi, severity, limit, wanted in (
            ("cpu_used", "warning", "120%", "0% or more, and less than 100%, is"),
            ("cpu_used", "critical", "100%", "0% or more, and less than 100%, is"),
            ("cache_hit_rate", "warning", "101%", "more than 0%, and at most 100%,"),
            ("disk_full_in", "critical", "0s", "more than 0s is wanted"),
            ("pg_long_transaction", "warning", "-5s", "0s or more is wanted"),
            ("pg_temp_bytes", "warning", "-1B", "0B or more is wanted"),
            ("process_group_gone", "critical", "0", "more than 0 is wanted"),
        )
    ),
    *(
        (
            f"{GOOD[:KPIS]}  pg_lock_wait: {{warning: {limit}}}\n",
            f"8: kpis.pg_lock_wait.warning: {said} is no limit in seconds; write it as",
        )
        for limit, said in (
            (".inf", "inf"),
            (".nan", "nan"),
            ("infs", "'infs'"),
            (f"{10**15}d", f"'{10**15}d'"),
        )
    ),
]


def render(text: str, folder: Path, *more: str) -> tuple[int, Path]:
    file = folder / "exporter.yaml"
    file.write_text(text)
    out = folder / "out"
    said = io.StringIO()
    status = main(["render", "--config", str(file), "--out", str(out), *more], said)
    return status, out


def test_a_good_configuration_is_rendered(tmp_path: Path) -> None:
    status, out = render(GOOD, tmp_path)

    assert status == 0
    assert (out / "rules/host.yaml").is_file()


@pytest.mark.parametrize(("text", "problem"), MISTAKES)
def test_a_mistake_is_said_with_its_place_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, problem: str
) -> None:
    status, out = render(text, tmp_path)

    (line,) = capsys.readouterr().err.splitlines()
    assert line.removeprefix(f"{tmp_path}/exporter.yaml:").startswith(problem)
    assert status == 2
    assert not out.exists()


@pytest.mark.parametrize(
    "limit",
    [
        "pg_cache_hit_ratio: {warning: 100%}",
        "redis_fragmentation: {warning: 300%}",
        "pg_conflicts: {warning: 0}",
        "pg_lock_wait: {warning: 0s}",
    ],
)
def test_a_limit_that_can_be_kept_and_broken_is_taken(
    tmp_path: Path, limit: str
) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(f"{GOOD[:KPIS]}  {limit}\n")

    assert load(file).kpis


def test_what_is_there_stays_as_it_is_after_a_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out = render(GOOD, tmp_path)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    status, _ = render(GOOD[:KPIS] + "  cpu_used: {warning: 1ms}\n", tmp_path)

    assert status == 2
    assert "kpis.cpu_used.warning" in capsys.readouterr().err
    assert before == {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}


def test_limits_of_the_user_replace_those_of_the_profile(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(GOOD[:KPIS] + "  cpu_used: {targets: {local: {warning: 80%}}}\n")
    plan = plan_of(load(file))
    (cpu,) = (k for s in plan.subjects for k in s.kpis if k.id == "cpu_used")

    found = [
        (each.alert.severity, each.alert.limit, each.target, each.apart)
        for each in plan.promises(cpu)
    ]

    assert found == [
        (Severity.WARNING, 0.7, None, ("local",)),
        (Severity.CRITICAL, 0.95, None, ()),
        (Severity.WARNING, 0.8, "local", ()),
    ]


@pytest.mark.parametrize("shown", [True, False])
def test_alerts_lead_to_evidence_where_it_is_shown(
    shown: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Path,
) -> None:
    file = tmp_path / "kpi.yaml"
    file.write_text(f"{GOOD}web: {{evidence: {str(shown).lower()}}}\n")
    text = str(rule_groups(plan_of(load(file))))
    assert ("evidence_url" in text, "dashboard_url" in text) == (shown, True)
