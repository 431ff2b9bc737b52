"""The catalogue's limits beside those that the platforms' own documents state.

`tests/data/kpis.tsv` has the platforms' figures, written off once: `-` is what a
platform does not state, where that of the first holds. `beside` is what we add to them.
A pool that is full is one connection more than its limit: 100 is `99`, 5 is `4`.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from exporter.catalogue.limits import parse_limit
from exporter.catalogue.loader import catalogue
from exporter.catalogue.model import Alert, Kpi  # noqa: TC001 - read at run time
from exporter.catalogue.profiles import Profile
from exporter.declared import declared
from exporter.render.burn import WINDOWS
from exporter.render.needs import needs, rule_list
from exporter.units import seconds
from tests.plans import plan
from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

KPIS = {kpi.id: kpi for subject in catalogue() for kpi in subject.kpis}
_CELL = re.compile(r"(?P<severity>\w+) (?P<limit>\S+)(?: (?P<hold>\d+[smh]))?")


class Stated(NamedTuple):
    """What a platform states: a severity, a limit, and perhaps for how long."""

    severity: str
    limit: float
    hold: float | None


def stated(kpi: Kpi, cell: str) -> Iterator[Stated]:
    for part in cell.split(", ") if cell != "-" else ():
        match = _CELL.fullmatch(part)
        assert match, part
        hold = seconds(match["hold"]) if match["hold"] else None
        yield Stated(match["severity"], parse_limit(match["limit"], kpi.unit), hold)


def promises(kpi: Kpi, row: dict[str, str], profile: Profile) -> dict[str, Stated]:
    """Apply what is agreed: the default's figures where a platform states none."""
    cells = [row[Profile.MCP_SECURITY_PLATFORM], row[profile], row["beside"]]
    return {each.severity: each for cell in cells for each in stated(kpi, cell)}


with (ROOT / "tests/data/kpis.tsv").open() as file:
    ROWS = {row["kpi"]: row for row in csv.DictReader(file, delimiter="\t")}


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("name", ROWS)
def test_a_limit_is_the_platforms_own(name: str, profile: Profile) -> None:
    expected = promises(KPIS[name], ROWS[name], profile)

    found = {str(each.severity): each for each in KPIS[name].alerts_of(profile)}

    assert {name: a.limit for name, a in found.items()} == {
        name: each.limit for name, each in expected.items()
    }
    assert [each for each in found.values() if not held(each, expected)] == []


def held(alert: Alert, expected: dict[str, Stated]) -> bool:
    hold = expected[alert.severity].hold
    return hold is None or hold == alert.hold


def test_no_profile_states_what_no_platform_does() -> None:
    own = {kpi.id for kpi in KPIS.values() if kpi.profiles}

    assert own <= ROWS.keys()


def test_the_table_is_read_by_severity_limit_and_time() -> None:
    row = ROWS["error_rate"]

    assert promises(KPIS["error_rate"], row, Profile.STELLAR_LOGIC) == {
        "warning": Stated("warning", 0.001, None),
        "critical": Stated("critical", 0.05, 120.0),
    }


@pytest.mark.parametrize(
    ("kpi", "factors"),
    [("error_rate", [14.4, 6, 3, 1]), ("api_latency_p95", [14.4, 6, 3, 1])],
)
def test_burn_rates_stand_beside_stated_alerts(kpi: str, factors: list[float]) -> None:
    budget = KPIS[kpi].burn

    assert budget is not None
    assert [window.factor for window in WINDOWS] == factors
    assert all(window.factor * (budget.budget or 0.001) < 1 for window in WINDOWS)


def test_a_target_that_is_stated_beside_an_alert_is_what_the_month_is_judged_by() -> (
    None
):
    found = {
        rule["record"]: rule["expr"]
        for rule in rule_list(plan("stellar-logic"))
        if "record" in rule
    }

    assert 'le=~"0.1"' in found["application:api_latency_p95:bad1h"]


@pytest.mark.parametrize("profile", Profile)
def test_no_rule_and_no_panel_is_over_nothing(profile: Profile) -> None:
    made = plan(str(profile))
    given = {*declared(), "up"}
    given |= {name for each in made.applications for name in each.declared()}
    given |= {rule["record"] for rule in rule_list(made) if "record" in rule}

    assert {need.use.name for need in needs(made)} - given == set()


@pytest.mark.parametrize("kpi", KPIS.values(), ids=KPIS)
def test_a_figure_that_is_not_counted_says_so(kpi: Kpi) -> None:
    figure = kpi.measured.figure if kpi.measured else None

    if "histogram_quantile" in kpi.expr:
        assert figure == ("estimated" if "pg_statement_" in kpi.expr else "bounded")
    elif "deriv(" in kpi.expr:
        assert figure == "estimated"
    else:
        bounds = {None, "bounded" if "bound=" in kpi.expr else "exact"}
        assert figure in bounds | {"estimated"}


SEVERAL = ("latency", "query", "operation", "hit_rate", "statement_mean", "error_rate")


@pytest.mark.parametrize("profile", Profile)
def test_where_several_could_answer_the_alert_names_who_does(profile: Profile) -> None:
    alerts = [rule for rule in rule_list(plan(str(profile))) if "alert" in rule]
    said = [
        rule["annotations"]["description"]
        for rule in alerts
        if any(part in rule["labels"]["kpi"] for part in SEVERAL)
        if not rule["alert"].endswith("Burn")
    ]

    assert len(said) >= 4
    for text in said:
        assert re.search(
            r" Measured by .+; the figure is (exact|bounded|estimated)[,.]", text
        )


def test_the_latency_of_queries_is_the_applications_own_measurement() -> None:
    (rule,) = (
        rule
        for rule in rule_list(plan("developer-mesh"))
        if rule.get("alert") == "AppQueryP95"
    )

    assert rule["annotations"]["description"] == (
        "Promised is at most 10ms. Do queries answer in time, and on which table do "
        "they drag? Measured by the application's own histogram, the network included; "
        "the figure is bounded, and the verdict is exact where a bucket ends at the "
        "limit."
    )
