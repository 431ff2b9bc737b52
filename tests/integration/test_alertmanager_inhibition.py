"""Which alert mutes which, in a real Alertmanager, for every alert of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import yaml

from exporter.catalogue.loader import catalogue
from exporter.catalogue.plan import Plan
from exporter.catalogue.profiles import Profile
from exporter.config_load import load
from exporter.render import always, burn, rules
from tests.integration.alertmanager_process import DEPLOY, Alertmanager, alert, until
from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

KPIS = {kpi.id: kpi for subject in catalogue() for kpi in subject.kpis}
VALUES = {"job": "kpi-exporter", "instance": "i:1", "target": "orders"}


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert by its labels, in an order that makes equal ones equal."""

    labels: tuple[tuple[str, str], ...]

    def __getitem__(self, name: str) -> str:
        return dict(self.labels).get(name, "")

    def but(self, **labels: str) -> Alert:
        """Return another one that differs in these labels."""
        return of({**dict(self.labels), **labels})


def of(labels: dict[str, str]) -> Alert:
    return Alert(tuple(sorted(labels.items())))


def every_alert() -> set[Alert]:
    """Return each alert of each profile, about one target, application, exporter."""
    found = set()
    for profile in Profile:
        plan = Plan(subjects=catalogue(), profile=profile)
        groups = [
            *always.groups(plan),
            *(g for s in plan.subjects for g in rules.groups(plan, s)),
            *(g for s in plan.subjects for g in burn.group(plan, s)),
        ]
        for rule in (rule for group in groups for rule in group["rules"]):
            if "alert" in rule:
                own = {"alertname": rule["alert"], **rule["labels"]}
                if "application" in own:
                    own["application"] = "web"
                found.add(of({**_whose(rule["labels"]["kpi"]), **own}))
    return found


def _whose(kpi: str) -> dict[str, str]:
    values = {**VALUES, "application": "web"}
    names = rules.labels_of(KPIS[kpi]) if kpi in KPIS else ()
    return {name: values.get(name, f"a-{name}") for name in names}


EVERY = every_alert()
DOWN = next(a for a in EVERY if a["kpi"] == "target_down")
EXPORTER_DOWN = next(a for a in EVERY if a["kpi"] == "exporter_down")


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Alertmanager]:
    with Alertmanager(tmp_path) as running:
        yield running


def muted_by(
    manager: Alertmanager, source: Alert, others: Sequence[Alert], awaited: int
) -> set[Alert]:
    """Let all of them fire; return those that the source mutes.

    Waits until there are as many as awaited; what mutes is known at once or never.
    """
    manager.post(*(alert(dict(each.labels)) for each in (source, *others)))
    found: set[Alert] = set()

    def enough() -> bool:
        alerts = manager.alerts()
        prints = {of(a["labels"]): a["fingerprint"] for a in alerts}
        found.clear()
        found.update(
            of(a["labels"])
            for a in alerts
            if prints[source] in a["status"]["inhibitedBy"]
        )
        return len(found) >= awaited

    until(enough)
    return found


def test_there_is_enough_to_mute() -> None:
    scopes = {
        name: sum(1 for each in EVERY if each[name]) for name in ("target", "kpi")
    }
    assert scopes["target"] > 30
    assert scopes["kpi"] - scopes["target"] > 15


def test_a_target_that_is_down_mutes_its_symptoms_and_nothing_else(
    manager: Alertmanager,
) -> None:
    symptoms = {each for each in EVERY if each["target"]} - {DOWN}
    elsewhere = {each.but(**{name: "another"}) for each in symptoms for name in VALUES}
    without = {each for each in EVERY if not each["target"] if not each["application"]}
    muted = muted_by(manager, DOWN, [*symptoms, *elsewhere, *without], len(symptoms))
    assert muted == symptoms


def test_a_target_that_is_down_mutes_tickets_of_the_application_before_it_alone(
    manager: Alertmanager,
) -> None:
    judged = {each for each in EVERY if each["application"]}
    tickets = {each for each in judged if each["severity"] == "warning"}
    others = {
        changed
        for each in judged
        for changed in (
            each.but(application="another"),
            each.but(severity="critical", kpi=f"another_{each['kpi']}"),
        )
    }
    assert muted_by(manager, DOWN, [*tickets, *others], len(tickets)) == tickets


def test_a_target_that_is_down_mutes_no_application_that_is_not_before_it(
    manager: Alertmanager,
) -> None:
    graph = DOWN.but(target="graph")
    control = graph.but(kpi="neo4j_plan_scans", severity="warning")
    judged = {each for each in EVERY if each["application"]}
    assert muted_by(manager, graph, [*judged, control], 1) == {control}


def test_a_critical_alert_mutes_the_warning_about_the_same_thing_and_nothing_else(
    manager: Alertmanager,
) -> None:
    pages = {each.but(severity="critical") for each in EVERY if _judges(each)}
    same = {page.but(severity="warning") for page in pages}
    other = {
        each.but(**{name: "another"})
        for each in same
        for name, _ in each.labels
        if name not in ("alertname", "severity")
    }
    manager.post(*(alert(dict(each.labels)) for each in pages | same | other))

    def muted() -> set[Alert]:
        return {of(a["labels"]) for a in manager.alerts() if a["status"]["inhibitedBy"]}

    assert until(lambda: len(muted()) >= len(same))
    assert muted() == same


def _judges(each: Alert) -> bool:
    """Leave out those that mute by other rules as well."""
    aside = ("target_down", "exporter_down", "exporter_absent", "watchdog")
    return each["kpi"] not in aside


def test_an_exporter_that_is_down_mutes_that_one_is_absent_and_nothing_else(
    manager: Alertmanager,
) -> None:
    absent = {each for each in EVERY if each["kpi"] == "exporter_absent"}
    muted = muted_by(manager, EXPORTER_DOWN, [*EVERY], len(absent))
    assert (len(absent), muted) == (1, absent)


def test_all_labels_that_tell_alerts_of_a_kpi_apart_are_compared() -> None:
    written = yaml.safe_load((DEPLOY / "alertmanager.yml").read_text())["inhibit_rules"]
    (compared,) = (rule["equal"] for rule in written if "kpi" in rule.get("equal", ()))
    telling = {name for kpi in KPIS.values() for name in rules.labels_of(kpi)}
    told = {name for each in EVERY for name, _ in each.labels}
    assert set(compared) == telling | told - {"alertname", "severity"}


def test_the_example_of_an_application_is_that_of_the_exporter() -> None:
    ((name, application),) = load(
        ROOT / "deploy/kpi-exporter.yaml"
    ).applications.items()
    written = yaml.safe_load((DEPLOY / "alertmanager.yml").read_text())["inhibit_rules"]
    assert written[-1] == {
        "source_matchers": [
            "kpi = target_down",
            f'target =~ "{"|".join(application.targets)}"',
        ],
        "target_matchers": ["severity = warning", f"application = {name}"],
    }
