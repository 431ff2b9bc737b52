"""Problems are said once each, and the configuration is the last good one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from exporter.config_load import load
from exporter.sidecar import delivery_page
from exporter.sidecar.followed import Followed
from exporter.sidecar.own import Own
from exporter.sidecar.problems import Problems
from exporter.sidecar.silences import Hidden

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

ONE = "a: one"


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [r.__dict__["fields"].get("problem", "well") for r in caplog.records]
    caplog.clear()
    return found


def test_a_problem_is_logged_when_it_comes_and_when_all_are_gone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    own = Own()
    problems = Problems(own, ["a"])
    assert problems.all() == ["a: not looked at yet"]
    logged = []
    assert b'kpi_sidecar_check_success{check="a"} 0' in own.page(ready=True).plain
    for found in (["one"], ["one"], ["one", "two"], ["two"], [], []):
        problems.set("a", found)
        logged.append(said(caplog))
    assert logged == [[ONE], [], ["a: two"], [], ["well"], []]
    assert b'kpi_sidecar_check_success{check="a"} 1' in own.page(ready=True).plain


def test_of_many_problems_some_are_said() -> None:
    own = Own()
    problems = Problems(own, ["a"])
    problems.set("a", [])
    problems.set("a", [str(n) for n in range(25)])
    assert b'kpi_sidecar_check_success{check="a"} 0' in own.page(ready=True).plain
    assert len(problems.all()) == 21
    assert problems.of("a")[-1] == "a: and 5 more"


def test_a_changed_file_is_read_and_a_broken_one_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "kpi.yaml"
    file.write_text("sidecar: {}\n")
    followed = Followed(file, lambda: load(file), Own())
    assert not followed.changed
    file.write_text("profile: developer-mesh\n")
    assert followed.changed
    assert followed.refresh()
    assert (followed.config.profile, followed.changed) == ("developer-mesh", False)
    followed.again()
    assert followed.changed
    assert followed.refresh()
    file.write_text("profile: nobody's\n")
    assert not followed.refresh()
    assert "kpi.yaml:1: profile" in followed.problems[0]
    assert followed.config.profile == "developer-mesh"
    file.unlink()
    assert followed.changed
    assert not followed.refresh()
    assert "cannot be read" in followed.problems[0]


def test_the_page_escapes_what_others_wrote() -> None:
    hidden = [Hidden("<i>Full</i>", "<b>ops", "silenced", firing=True)]
    text = delivery_page.render(["<u>x"], {"Watchdog": 3.0, "http://a": None}, hidden)
    assert "<i>" not in text
    assert "&lt;i&gt;Full&lt;/i&gt; fires now: silenced, &lt;b&gt;ops" in text
    assert "3 s ago" in text
    assert "never" in text
    assert "Alerts arrive" in delivery_page.render([], {}, [])
