"""The catalogue's loader: each mistake with file, line, key, and what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.catalogue.loader import catalogue, read
from exporter.errors import ConfigError

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


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "unit: seconds",
            "unit: second",
            (
                "7: kpis.0.unit: Input should be 'seconds', 'ratio', 'bytes', "
                "'count' or 'per_second'"
            ),
        ),
        (
            "limit: 30s",
            "limit: 30%",
            (
                "13: kpis.0.alerts.0.limit: '30%' is no limit in seconds; write "
                "it as 12ms or 12s or 12m or 12h or 12d"
            ),
        ),
        (
            "{warning: 10s}",
            "{warning: 10GiB}",
            (
                "16: kpis.0.profiles.mcp-v2.warning.limit: '10GiB' is no limit in "
                "seconds; write it as 12ms or 12s or 12m or 12h or 12d"
            ),
        ),
        (
            "limit: 2m",
            "limit: 20s",
            "12: kpis.0.alerts: critical (20) is milder than warning (30)",
        ),
        (
            "{warning: 10s}",
            "{warning: 10m}",
            "15: kpis.0.profiles: mcp-v2: critical (120) is milder than warning (600)",
        ),
        (
            "severity: critical",
            "severity: warning",
            "12: kpis.0.alerts: two alerts have the same severity",
        ),
        (
            "mcp-v2:",
            "mcp-v3:",
            (
                "16: kpis.0.profiles.mcp-v3: Input should be "
                "'mcp-security-platform', 'stellar-logic', 'ultimate-mcp', "
                "'developer-mesh' or 'mcp-v2'"
            ),
        ),
        (
            "severity: critical",
            "severity: fatal",
            (
                "14: kpis.0.alerts.1.severity: Input should be 'critical', "
                "'warning' or 'info'"
            ),
        ),
        (
            "{warning: 10s}",
            "{fatal: {limit: 10s, for: 1m}}",
            (
                "16: kpis.0.profiles.mcp-v2.fatal: Input should be 'critical', "
                "'warning' or 'info'"
            ),
        ),
        (
            "{warning: 10s}",
            "{info: 10s}",
            "16: kpis.0.profiles.mcp-v2.info.for: is needed",
        ),
        (
            "{severity: critical, limit: 2m, for: 5m}",
            "{severity: critical, limit: 2m, for: 5 minutes}",
            (
                "14: kpis.0.alerts.1.for: '5 minutes' is not a duration; write "
                "15s, 500ms or 1m30s"
            ),
        ),
        (
            "{severity: critical, limit: 2m, for: 5m}",
            "{severity: critical, limit: 2m, for: 5m, hold: 5m}",
            "14: kpis.0.alerts.1.hold: unknown key; there are severity, limit, for",
        ),
        (
            "panel: {row:",
            "panel: {width: 3, row:",
            "23: kpis.0.panel.width: unknown key; there are row, kind",
        ),
        (
            "expr: max by (job, instance, target, queue) (",
            "expr: max by (job, instance, target, queue) ((",
            "10: kpis.0.expr: is not PromQL: unclosed left parenthesis",
        ),
        (
            "guard: queue_length{",
            "guard: rate(queue_length) > 0 or x{",
            (
                "11: kpis.0.guard: is not PromQL: expected type matrix in call to "
                "function 'rate', got vector"
            ),
        ),
        (
            "value: 'v'",
            "value: 'w * 2'",
            (
                "25: kpis.0.inputs.0.value: 'w' is not arithmetic: only v, t, "
                "numbers and + - * / ** are allowed"
            ),
        ),
        (
            "value: 'v'",
            "value: '1 +'",
            (
                "25: kpis.0.inputs.0.value: '1 +' is not arithmetic: only v, t, "
                "numbers and + - * / ** are allowed"
            ),
        ),
        (
            "value: 'v'",
            "value: 'v / 0'",
            (
                "25: kpis.0.inputs.0.value: 'v / 0' is not arithmetic: only v, t, "
                "numbers and + - * / ** are allowed"
            ),
        ),
        (
            "value: 'v'",
            "value: 'v', rate: '1'",
            "25: kpis.0.inputs.0: give one of value, rate, quantile",
        ),
        (
            'queue="mail"}',
            'queue=~"mail"}',
            '25: kpis.0.inputs.0.series: queue has no value; write it as queue="…"',
        ),
        (
            "series: 'queue_age_seconds{",
            "series: 'queue_age_seconds + x{",
            (
                '25: kpis.0.inputs.0.series: \'queue_age_seconds + x{job="j", '
                'queue="mail"}\' is no series; write it as name{label="value"}'
            ),
        ),
        (
            "{v | duration}",
            "{value | duration}",
            (
                "20: kpis.0.evidence.expected.0: 'value' is not arithmetic: only "
                "v, t, numbers and + - * / ** are allowed"
            ),
        ),
        (
            "id: queue_age",
            "id: queueAge",
            "4: kpis.0.id: String should match pattern '^[a-z][a-z0-9_]*$'",
        ),
        ("subject: shop", "subject: store", "1: subject: must be shop"),
        (
            "  better: lower\n",
            "  better: lower\n  better: higher\n",
            "9: kpis.0.better: given twice, first on line 8",
        ),
        ("  why: Somebody waits for it.\n", "", "4: kpis.0.why: is needed"),
    ],
)
def test_a_mistake_is_said_with_its_line_its_key_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert problems(tmp_path, changed(old, new)) == [problem]


def test_an_unknown_name_in_an_expression_is_said_with_those_that_there_are(
    tmp_path: Path,
) -> None:
    (problem,) = problems(tmp_path, changed("(queue_age_seconds{t", "($ages{t"))

    assert problem.startswith(
        "10: kpis.0.expr: no name $ages; there are requests, request_seconds, status,"
    )


def test_names_of_burn_rates_are_known_in_burn_rates_alone(tmp_path: Path) -> None:
    text = changed("queue_length{target", "rate(queue_length[$window]{target") + BURN

    (problem,) = problems(tmp_path, text)

    assert problem.startswith("11: kpis.0.guard: no name $window; there are requests,")


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
        ["a.yaml:25", "kpis.0.inputs.0.value"],
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
        "26: kpis.1.id: the id queue_age is taken in shop.yaml:4"
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1: subject: is needed"),
        ("[]", "1: Input should be a valid dictionary or instance of Subject"),
        ("kpis: {}", "1: kpis: Input should be a valid tuple"),
        ("kpis: [1]", "1: kpis.0: Input should be a valid dictionary"),
        ("kpis: [{alerts: 3}]", "1: kpis.0.alerts: Input should be a valid tuple"),
        (
            "kpis: [{unit: ratio, profiles: 3}]",
            "1: kpis.0.profiles: Input should be a valid dictionary",
        ),
        (
            "kpis: [{unit: ratio, alerts: [3], profiles: {mcp-v2: {warning: 1}}}]",
            "1: kpis.0.alerts.0: Input should be a valid dictionary",
        ),
        (
            "kpis: [{unit: ratio, profiles: {mcp-v2: 80%}}]",
            "1: kpis.0.profiles.mcp-v2: Input should be a valid dictionary",
        ),
    ],
)
def test_data_of_another_shape_is_refused_in_words(
    tmp_path: Path, text: str, problem: str
) -> None:
    assert any(found.startswith(problem) for found in problems(tmp_path, text))
