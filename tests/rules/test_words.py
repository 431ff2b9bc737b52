"""Our way of writing values is that of Prometheus' template functions, by a table."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from exporter.catalogue.limits import Unit
from exporter.render.files import dump
from exporter.render.words import humanize, humanize_duration, shown, template
from tests.rules.promtool import failures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIGURES = (0, 1, 1.5, 2, 9.9994, 9.9996, 12, 59.94, 59.96, 99.99, 99.995, 123.456)
VALUES = sorted(
    {
        float(f"{sign}{figure}e{power}")
        for figure in FIGURES
        for power in (-9, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 9, 13)
        for sign in ("", "-")
    }
    | {59.0, 60.0, 61.0, 119.9, 3599.0, 3600.0, 86399.9, 86400.0, 90061.0, 1e17}
    | {1023.0, 1024.0, 1048575.0, 1048576.0, 2.0**40, 0.1 + 0.2, 1 / 3}
)
WRITTEN: dict[str, Callable[[float], str]] = {
    "humanize": humanize,
    "humanizeDuration": humanize_duration,
    **{str(unit): partial(shown, unit=unit) for unit in Unit},
}


def template_of(name: str) -> str:
    return template(Unit(name)) if name in list(Unit) else f"{{{{ $value | {name} }}}}"


@pytest.mark.parametrize("name", WRITTEN)
def test_a_value_is_written_as_prometheus_does(tmp_path: Path, name: str) -> None:
    rules = [rule(number, template_of(name)) for number in range(len(VALUES))]
    tests = [check(n, WRITTEN[name](v)) for n, v in enumerate(VALUES)]
    series = [
        {"series": f"v{number}", "values": f"{value:.17g}"}
        for number, value in enumerate(VALUES)
    ]
    (tmp_path / "rules.yaml").write_text(
        dump({"groups": [{"name": "words", "rules": rules}]})
    )
    test = {"interval": "1m", "input_series": series, "alert_rule_test": tests}
    path = tmp_path / "tests.yaml"
    path.write_text(dump({"rule_files": ["rules.yaml"], "tests": [test]}))

    found = failures([path])

    assert not found, found


def rule(number: int, text: str) -> dict[str, Any]:
    return {
        "alert": f"V{number}",
        "expr": f"v{number}",
        "annotations": {"written": text},
    }


def check(number: int, text: str) -> dict[str, Any]:
    alert = {"exp_labels": {}, "exp_annotations": {"written": text}}
    return {"eval_time": "0s", "alertname": f"V{number}", "exp_alerts": [alert]}
