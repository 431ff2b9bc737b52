"""The verdict on a needed series, for whoever gives it, by what was seen."""

from __future__ import annotations

import pytest

from exporter.catalogue.applications import Application
from exporter.catalogue.loader import catalogue
from exporter.catalogue.plan import Plan
from exporter.catalogue.profiles import Profile
from exporter.check_series import (
    Giver,
    Seen,
    State,
    Wanted,
    plain,
    text,
    verdicts,
    wanted,
)
from exporter.declared import declared
from exporter.render.needs import boards, rule_list

ALL = frozenset(Giver)
MEMORY = Wanted(
    "redis_memory_used_bytes",
    frozenset({"target"}),
    Giver.EXPORTER,
    ("redis_memory_used",),
    promised=True,
    series=declared()["redis_memory_used_bytes"],
)
ERRORS = MEMORY._replace(
    name="redis_errors_total",
    labels=frozenset({"target", "err"}),
    series=declared()["redis_errors_total"],
)
BUILD = MEMORY._replace(
    name="kpi_exporter_build_info",
    labels=frozenset(),
    series=declared()["kpi_exporter_build_info"],
)
REQUESTS = Wanted(
    "http_requests_total",
    frozenset({"status", "path"}),
    Giver.APPLICATION,
    ("error_rate", "availability"),
    promised=True,
)
RECORD = Wanted(
    "target:cpu_used:ratio",
    frozenset({"job", "instance", "target"}),
    Giver.RULES,
    ("cpu_used",),
    promised=True,
)
UP = Wanted("up", frozenset(), Giver.PROMETHEUS, ("exporter_down",), promised=True)
SAID = """\
present    redis_memory_used_bytes
quiet      redis_errors_total       the collector info of redis works and has none now \
(for redis_memory_used)
missing    http_requests_total      no application publishes it \
(for error_rate, availability)
missing    x_total                  no application publishes it; \
nothing is promised about it
4 series are needed: 1 present, 1 quiet, 0 no target, 0 elsewhere, 2 missing
1 of the missing ones are needed to judge a promise"""
FAILS = (
    "needs the collector info of redis, which fails: "
    "`kpi-exporter check --config FILE` says why"
)
WORKING = {("redis", "info"): True}


def seen(
    labels: dict[str, set[str]],
    collectors: dict[tuple[str, str], bool] | None = None,
    asked: frozenset[Giver] = ALL,
    records: frozenset[str] = frozenset(),
) -> Seen:
    known = collectors or {}
    sources = frozenset(kind for kind, _ in known)
    return Seen(
        {name: frozenset(each) for name, each in labels.items()},
        sources,
        known,
        asked,
        records,
    )


@pytest.mark.parametrize(
    ("each", "found", "state", "why"),
    [
        (
            MEMORY,
            seen({"redis_memory_used_bytes": {"target", "more"}}),
            State.PRESENT,
            "",
        ),
        (MEMORY, seen({}), State.NO_TARGET, "no target is a redis"),
        (
            MEMORY,
            seen({"redis_memory_used_bytes": {"instance"}}),
            State.NO_TARGET,
            "is there from another exporter",
        ),
        (
            MEMORY,
            seen({"redis_memory_used_bytes": {"instance"}}, WORKING),
            State.MISSING,
            "is there without the label target",
        ),
        (
            MEMORY,
            seen({}, {("redis", "cluster"): True}),
            State.MISSING,
            "needs the collector info of redis, which is switched off",
        ),
        (
            MEMORY,
            seen({}, {("redis", "info"): False}),
            State.MISSING,
            FAILS,
        ),
        (
            ERRORS,
            seen({}, WORKING),
            State.QUIET,
            "the collector info of redis works and has none now",
        ),
        (
            ERRORS,
            seen({"redis_errors_total": {"target"}}, WORKING),
            State.QUIET,
            "no series of it has a value for err now",
        ),
        (
            MEMORY,
            seen({}, asked=frozenset({Giver.APPLICATION})),
            State.ELSEWHERE,
            "is the exporter's, who was not asked",
        ),
        (
            BUILD,
            seen({}),
            State.MISSING,
            "is ours, but not there: is that another version of us?",
        ),
        (
            REQUESTS,
            seen({"http_requests_total": {"status", "path", "method"}}),
            State.PRESENT,
            "",
        ),
        (
            REQUESTS,
            seen({"http_requests_total": {"code"}}),
            State.MISSING,
            "is there without the label path, status",
        ),
        (REQUESTS, seen({}), State.MISSING, "no application publishes it"),
        (
            RECORD,
            seen({}),
            State.MISSING,
            "no loaded rule records it; load the rendered rules",
        ),
        (
            RECORD,
            seen({}, records=frozenset({RECORD.name})),
            State.QUIET,
            "its rule is loaded and has nothing to record now",
        ),
        (
            RECORD,
            seen({RECORD.name: {"job"}}, records=frozenset({RECORD.name})),
            State.QUIET,
            "no series of it has a value for instance, target now",
        ),
        (
            RECORD,
            seen({RECORD.name: {"job"}}),
            State.MISSING,
            "is there without the label instance, target",
        ),
        (UP, seen({}), State.MISSING, "nothing is scraped"),
    ],
)
def test_a_series_gets_its_verdict_and_the_reason_for_it(
    each: Wanted, found: Seen, state: State, why: str
) -> None:
    (verdict,) = verdicts([each], found)

    assert (verdict.state, verdict.why) == (state, why)


def test_only_what_a_promise_needs_is_broken_when_it_is_missing() -> None:
    free = REQUESTS._replace(name="x_total", promised=False)

    found = verdicts([REQUESTS, free, MEMORY], seen({}))

    assert [each.broken for each in found] == [True, False, False]


def test_people_read_what_is_missing_last_and_for_which_promise() -> None:
    free = REQUESTS._replace(name="x_total", promised=False, kpis=())
    there = seen({"redis_memory_used_bytes": {"target"}}, WORKING)

    found = verdicts([REQUESTS, free, MEMORY, ERRORS], there)

    assert "\n".join(text(found)) == SAID


def test_programs_read_the_same() -> None:
    (found,) = plain(verdicts([ERRORS], seen({}, {("redis", "info"): False})))

    assert found == {
        "series": "redis_errors_total",
        "labels": ["err", "target"],
        "giver": "exporter",
        "source": "redis",
        "collector": "info",
        "kpis": ("redis_memory_used",),
        "state": "missing",
        "broken": True,
        "lacking": (),
        "why": FAILS,
    }


@pytest.mark.parametrize("profile", Profile)
def test_everything_that_a_profile_needs_is_given_by_somebody(profile: Profile) -> None:
    needed = {each.name: each for each in wanted(Plan(catalogue(), profile))}
    rules = rule_list(Plan(catalogue(), profile))
    records = {rule["record"] for rule in rules if "record" in rule}
    names = {name for name, each in needed.items() if each.giver is Giver.APPLICATION}

    assert names == names & Application().declared().keys()
    assert {n for n, e in needed.items() if e.giver is Giver.RULES} == {
        name for name in needed if name in records
    }
    assert needed["redis_up"].labels == {"target", "job", "instance"}
    assert needed["up"].giver is Giver.PROMETHEUS


def test_a_series_of_the_rules_or_of_a_panel_is_needed_for_its_kpis() -> None:
    plan = Plan(catalogue())
    needed = {each.name: each for each in wanted(plan)}

    assert needed["node_disk_reads_completed_total"].kpis == ("disk_wait",)
    resident = needed["node_process_group_resident_memory_bytes"]
    assert sorted(resident.kpis) == ["memory_pressure", "memory_used"]
    assert needed["target:cpu_used:ratio"].kpis == ("cpu_used",)
    assert needed["node_cpu_seconds_total"].labels >= {"mode", "target"}
    assert "kpi_exporter_collector_success" in needed
    assert {"overview", "redis"} <= boards(plan).keys()


def test_what_no_limit_depends_on_is_not_promised() -> None:
    default = {e.name: e for e in wanted(Plan(catalogue()))}
    mesh = {e.name: e for e in wanted(Plan(catalogue(), Profile.DEVELOPER_MESH))}

    name = "websocket_message_duration_seconds_bucket"
    assert (default[name].promised, mesh[name].promised) == (False, True)


def test_what_another_series_can_stand_for_is_not_promised() -> None:
    needed = {e.name: e for e in wanted(Plan(catalogue()))}

    assert "application_down" in needed["cache_hit_total"].kpis
    assert not needed["cache_hit_total"].promised
    assert needed["http_requests_total"].promised


def test_labels_that_the_selector_gives_are_told_apart() -> None:
    shop = Application("shop", 'job="shop", env=~"prod|canary"')
    needed = {e.name: e for e in wanted(Plan(catalogue(), applications=(shop,)))}

    assert needed["http_requests_total"].fixed == {"job", "env"}
    assert needed["http_requests_total"].labels >= {"env", "status"}
    assert needed["redis_up"].fixed == frozenset()
