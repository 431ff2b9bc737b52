"""The catalogue's loader: each mistake with file, line, key, and what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.catalogue.loader import catalogue, read
from exporter.errors import ConfigError
from tests.unit.catalogue_mistakes import MISTAKES

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
subject: shop
title: Shop
kpis:
- id: queue_age
  title: Age of the queue
  question: Is the work done in time?
  unit: seconds
  better: lower
  by: [queue]
  expr: max by (job, instance, target, queue) (queue_age_seconds{target!=""})
  guard: queue_length{target!=""} > 0
  alerts:
  - {severity: warning, limit: 30s, for: 5m}
  - {severity: critical, limit: 2m, for: 5m}
  profiles:
    mcp-v2: {warning: 10s}
  evidence:
    title: The oldest
    expr: topk by (job, instance, target) (3, queue_age_seconds{target!=""})
    line: '{{ .Labels.queue }} waits {{ .Value | humanizeDuration }}'
    expected: ['mail waits {v | duration}']
  why: Somebody waits for it.
  runbook: Start a worker.
  panel: {row: "Is work done?"}
  inputs:
  - {series: 'queue_age_seconds{job="j", queue="mail"}', value: 'v'}
"""
BURN = """\
  burn:
    bad: sum by (job) (rate($requests{$app, $status=~"5.."}[$window]))
    total: sum by (job) (rate($requests{$app}[$window]))
    inputs:
    - {series: '$requests{$labels}', rate: 100 * v}
"""


def problems(folder: Path, text: str) -> list[str]:
    """Return what a file `shop.yaml` with this text is refused for, by line and key."""
    path = folder / "shop.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read([path])
    return [problem.removeprefix(f"{path}:") for problem in caught.value.problems]


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, f"{old!r} is there {GOOD.count(old)} times"
    return GOOD.replace(old, new)


def test_the_shipped_catalogue_is_without_a_mistake() -> None:
    subjects = [subject.subject for subject in catalogue()]

    assert {"api", "host", "neo4j", "postgres", "redis"} <= set(subjects)


def test_a_good_file_is_read_in_base_units(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(GOOD + BURN)

    ((kpi,),) = [subject.kpis for subject in read([path])]

    assert [(str(a.severity), a.limit, a.hold) for a in kpi.alerts] == [
        ("warning", 30.0, 300.0),
        ("critical", 120.0, 300.0),
    ]


@pytest.mark.parametrize(("old", "new", "problem"), MISTAKES)
def test_a_mistake_is_said_with_its_line_its_key_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert problems(tmp_path, changed(old, new)) == [problem]


def test_an_unknown_name_in_an_expression_is_said_with_those_that_there_are(
    tmp_path: Path,
) -> None:
    (problem,) = problems(tmp_path, changed("(queue_age_seconds{t", "($ages{t"))

    assert problem.startswith(
        "10: kpis.0.expr: no name $ages; there are app, requests, request_seconds,"
    )


def test_names_of_burn_rates_are_known_in_burn_rates_alone(tmp_path: Path) -> None:
    text = changed("queue_length{target", "rate(queue_length[$window]{target") + BURN

    (problem,) = problems(tmp_path, text)

    assert problem.startswith(
        "11: kpis.0.guard: no name $window; there are app, requests,"
    )


def test_a_dollar_that_begins_no_name_is_told_apart(tmp_path: Path) -> None:
    text = changed("(queue_age_seconds{target!", "(queue_age_seconds{$!")

    assert problems(tmp_path, text) == [
        "10: kpis.0.expr: a $ before no name; write $$ for a dollar"
    ]


def test_every_mistake_of_every_file_is_in_one_message(tmp_path: Path) -> None:
    first, second, third = (tmp_path / f"{name}.yaml" for name in ("a", "b", "c"))
    text = GOOD.replace("seconds\n", "parsecs\n").replace("value: 'v'", "value: 'x'")
    first.write_text(text.replace("shop", "a").replace("2m", "1s"))
    second.write_text(changed("subject: shop", "subject: b"))
    third.write_text("kpis: [")

    with pytest.raises(ConfigError) as caught:
        read([first, second, third])

    assert [
        problem.removeprefix(str(tmp_path) + "/").split(": ")[:2]
        for problem in caught.value.problems
    ] == [
        ["a.yaml:7", "kpis.0.unit"],
        ["a.yaml:26", "kpis.0.inputs.0.value"],
        ["b.yaml:4", "kpis.0.id"],
        ["c.yaml:1", "not YAML"],
    ]


def test_a_mistake_of_one_kpi_hides_none_of_another(tmp_path: Path) -> None:
    kpi = GOOD.split("kpis:\n")[1]
    other = kpi.replace("queue_age\n", "queue_size\n").replace("max by", "mux by")
    text = GOOD.replace("better: lower", "better: less") + other

    assert [problem.split(": ")[1] for problem in problems(tmp_path, text)] == [
        "kpis.0.better",
        "kpis.1.expr",
    ]


def test_an_id_that_is_taken_is_said_with_the_place_that_has_it(
    tmp_path: Path,
) -> None:
    text = GOOD + GOOD.split("kpis:\n")[1]

    assert problems(tmp_path, text) == [
        "27: kpis.1.id: the id queue_age is taken in shop.yaml:4"
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", " subject: is needed"),
        ("[]", "1: keys and values are wanted"),
        ("kpis: {}", "1: kpis: a list is wanted"),
        ("kpis: [1]", "1: kpis.0: keys and values are wanted"),
        ("kpis: [{alerts: 3}]", "1: kpis.0.alerts: a list is wanted"),
        (
            "kpis: [{unit: ratio, profiles: 3}]",
            "1: kpis.0.profiles: keys and values are wanted",
        ),
        (
            "kpis: [{unit: ratio, alerts: [3], profiles: {mcp-v2: {warning: 1}}}]",
            "1: kpis.0.alerts.0: keys and values are wanted",
        ),
        (
            "kpis: [{unit: ratio, profiles: {mcp-v2: 80%}}]",
            "1: kpis.0.profiles.mcp-v2: keys and values are wanted",
        ),
    ],
)
def test_data_of_another_shape_is_refused_in_words(
    tmp_path: Path, text: str, problem: str
) -> None:
    assert any(found.startswith(problem) for found in problems(tmp_path, text))
