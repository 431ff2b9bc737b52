"""What the end-to-end runs expect is about faults and alerts that exist."""

from __future__ import annotations

import re

from exporter.catalogue.loader import catalogue
from exporter.catalogue.plan import Plan
from exporter.demo import faults
from exporter.demo.alerting.notice import Notice
from exporter.render import burn, rules
from tests.e2e import panels
from tests.e2e.expected import FAULTS, LINGERING
from tests.e2e.trial import Idle, Incident, Other, Result
from tests.e2e.witness import Reading, Witness
from tests.integration.test_e2e_alerts import CHOSEN


def alerts() -> set[str]:
    plan = Plan(subjects=catalogue())
    groups = [
        group
        for subject in plan.subjects
        for group in (*rules.groups(plan, subject), *burn.group(plan, subject))
    ]
    return {r["alert"] for group in groups for r in group["rules"] if "alert" in r}


def test_every_fault_of_the_demo_has_an_alert() -> None:
    assert sorted(each.fault for each in FAULTS) == sorted(faults.names())


def test_every_alert_that_is_expected_exists() -> None:
    named = {each.alert for each in FAULTS} | LINGERING
    named |= {name for each in FAULTS for name in each.companions}
    assert named - alerts() == set()


def test_every_cause_is_a_regular_expression() -> None:
    patterns = [each.first or each.cause for each in FAULTS]
    patterns += [each.cause for each in FAULTS]
    assert [text for text in patterns if not re.compile(text).pattern] == []


def test_ci_tries_each_source_and_the_application() -> None:
    needed = {need for name in CHOSEN for need in faults.load(name).needs}
    assert needed == {"postgres", "redis", "neo4j"}
    assert any(faults.load(name).needs == () for name in CHOSEN)


def result(**changes: object) -> Result:
    made = Result(
        FAULTS[0],
        notified=7.0,
        seen=5.0,
        least=5.0,
        cause="migration",
        others=(Other("CpuUsed", "0.9 by the kernel's own figures"),),
        over=3.0,
        still=None,
        blank=(),
        incident=Incident("migration in shop: idle in transaction, blocks 3", 9.0),
    )
    return made._replace(**changes)  # type: ignore[arg-type] # each test knows its own


def test_a_result_as_expected_has_no_problem() -> None:
    assert result().problems == []
    assert result(over=None, still="0.9").problems == []


def test_every_way_to_fail_is_a_problem() -> None:
    assert result(notified=None).problems == ["PgLockWaiters did not arrive"]
    assert result(notified=None, still="1 by the kernel").problems == [
        "PgLockWaiters fires without it: 1 by the kernel"
    ]
    assert result(cause=None).problems == [
        f"PgLockWaiters does not name {FAULTS[0].cause}"
    ]
    assert result(incident=Incident("else", 9.0)).problems == [
        f"its incident does not name {FAULTS[0].cause} first"
    ]
    assert result(over=None).problems == ["PgLockWaiters is not over after the fault"]
    assert result(others=(Other("TargetDown", None),)).problems == [
        "TargetDown arrived as well and is not expected"
    ]
    assert result(blank=("redis: Keys",)).problems == ["redis: Keys shows nothing"]
    assert Idle((Other("CpuUsed", None),), ("api: Routes",)).problems == [
        "CpuUsed arrived",
        "api: Routes shows nothing",
    ]


def test_what_is_said_of_panels_is_said_of_panels_and_faults_there_are() -> None:
    known = {panel.name for panel in panels.panels(Plan(subjects=catalogue()))}
    assert panels.NEEDING.keys() | panels.NOT_HERE <= known
    assert set(panels.NEEDING.values()) <= set(faults.names())


def reading(second: int, *, idle: float, free: int = 1000) -> Reading:
    return Reading(
        at=float(second),
        idle=idle,
        all=float(second),
        memory=0.5,
        load=1.0,
        available={"": 8 * 10**9},
        free={"/": free},
        inodes={"/": 1000},
        busy={"sda": 0.0},
    )


def notice(kpi: str, severity: str, **labels: str) -> Notice:
    known = {"kpi": kpi, "severity": severity, **labels}
    return Notice("Any", firing=True, labels=known, annotations={})


def test_the_witness_confirms_what_it_saw_and_nothing_else() -> None:
    witness = Witness()
    witness._readings.extend(reading(s, idle=0.25 * s) for s in range(30))
    assert witness.saw(notice("cpu_used", "warning")) == (
        "0.75 by the kernel's own figures"
    )
    assert witness.saw(notice("cpu_used", "critical")) is None
    assert witness.saw(notice("memory_used", "warning")) is None
    assert witness.saw(notice("pg_lock_waiters", "warning")) is None
    assert witness.saw(notice("disk_full_in", "warning", mountpoint="/")) is None


def test_the_witness_sees_a_disk_that_fills() -> None:
    witness = Witness()
    witness._readings.extend(
        reading(s, idle=float(s), free=100_000 - s) for s in range(10)
    )
    full = notice("disk_full_in", "warning", mountpoint="/")
    assert witness.saw(full) is None
    witness._readings.extend(
        reading(s, idle=float(s), free=99_991 - 10 * (s - 9)) for s in range(10, 20)
    )
    assert witness.saw(full) == "9989 by the kernel's own figures"


def test_the_witness_forgets_what_is_long_ago() -> None:
    witness = Witness()
    witness._readings.extend(reading(s, idle=0.0) for s in range(60))
    witness._readings.extend(reading(s, idle=float(s)) for s in range(60, 120))
    busy = notice("cpu_used", "warning")
    assert witness.saw(busy) is not None
    assert witness.saw(busy, lately=40) is None


def test_the_witness_knows_whether_a_disk_fills() -> None:
    witness = Witness()
    witness._readings.append(reading(0, idle=0.0, free=10**9))
    assert witness.saw_less("free") is False
    witness._readings.extend(reading(s, idle=0.0, free=10**9) for s in range(1, 5))
    assert witness.saw_less("free") is False
    witness._readings.append(reading(5, idle=0.0, free=10**9 - 4 * 10**6))
    assert witness.saw_less("free") is True
    assert witness.saw_less("inodes") is False


def test_the_witness_is_not_deceived_by_memory_that_comes_and_goes() -> None:
    witness = Witness()
    held = [0, 900, 900, 0, 0, 0, 100]  # MB: less is left in the end, but not by trend
    witness._readings.extend(
        reading(s, idle=0.0)._replace(available={"": 10**10 - mb * 10**6})
        for s, mb in enumerate(held)
    )
    assert witness.saw_less("available") is False
    witness._readings.extend(
        reading(s, idle=0.0)._replace(available={"": 9 * 10**9 - s * 10**8})
        for s in range(7, 12)
    )
    assert witness.saw_less("available") is True
