"""What must hold while one target of a process is broken, and once it is well again."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from tests.integration.exporter_process import TOKEN

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.integration.exporter_process import ExporterProcess, Page

HOST = {"machine": {"interval": "1s", "timeout": "1s"}}
TIMES = {"interval": "1s", "timeout": "700ms"}
SOON = 8.0  # seconds: an interval, three deadlines, and much for a busy machine
RECOVERY = 25.0  # seconds: the back-off after outages as short as ours, and SOON
SCRAPE = 0.1  # seconds that a scrape may take, whatever is broken
_LAST_SUCCESS = "kpi_exporter_collector_last_success_timestamp_seconds"


def healthy(exporter: ExporterProcess) -> Page:
    """Wait until every target works; returns the page that says so."""
    return exporter.wait_for(lambda page: all(map(page.works, targets(page))), RECOVERY)


def down(
    exporter: ExporterProcess, target: str, reasons: Collection[str], before: Page
) -> Page:
    """Wait until a target is down for new reasons, and check that nothing else is."""
    page = exporter.wait_for(lambda page: page.up(target) == 0, SOON)
    assert _successes(page, target) == {0.0}
    assert page.data(target) == set()
    assert new_reasons(page, target, before) == set(reasons)
    others_unharmed(exporter, target, page)
    return page


def failing(
    exporter: ExporterProcess, target: str, collector: str, reason: str
) -> Page:
    """Wait until one collector of a target fails for a reason, and check the rest."""
    success = "kpi_exporter_collector_success"
    page = exporter.wait_for(
        lambda page: page.value(success, target=target, collector=collector) == 0, SOON
    )
    assert page.up(target) == 1
    assert reason in page.failures(target, collector)
    others = {
        labels["collector"]: value
        for labels, value in page.samples(success, target=target)
    }
    del others[collector]
    assert set(others.values()) == {1.0}, others
    others_unharmed(exporter, target, page)
    return page


def recovers(exporter: ExporterProcess, target: str) -> Page:
    """Wait until a target that was broken works again, without a restart of ours."""
    page = exporter.wait_for(lambda page: page.works(target), RECOVERY)
    assert page.up(target) == 1
    return page


def others_unharmed(exporter: ExporterProcess, target: str, page: Page) -> None:
    """Check that scrapes are quick, and that the other targets are polled as ever."""
    assert exporter.scrape_seconds() < SCRAPE
    for other in targets(page) - {target}:
        polled_after(exporter, other, latest(page, other))


def polled_after(exporter: ExporterProcess, target: str, moment: float) -> Page:
    """Wait until a target was polled after a moment in Unix time, and all worked."""
    return exporter.wait_for(
        lambda page: page.works(target) and latest(page, target) > moment, SOON
    )


def new_reasons(page: Page, target: str, before: Page) -> set[str]:
    """Return the reasons for which polls of a target failed since an earlier page."""
    known = before.failures(target)
    found = page.failures(target).items()
    return {reason for reason, count in found if count > known.get(reason, 0)}


def targets(page: Page) -> set[str]:
    """Return the names of the configured targets."""
    return {labels["target"] for labels, _ in page.samples("kpi_exporter_target_info")}


def tells_no_secret(exporter: ExporterProcess) -> None:
    """Check that no page and no line of the log holds a secret or a traceback."""
    said = exporter.output()
    found = re.findall(rf"{TOKEN}|Traceback|never retrieved|never awaited", said)
    assert found == []


def _successes(page: Page, target: str) -> set[float]:
    samples = page.samples("kpi_exporter_collector_success", target=target)
    return {value for _, value in samples}


def findings(page: Page) -> set[str]:
    """Return the families that `promtool check metrics` finds fault with."""
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=page.text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 3), done.stderr
    return {line.split()[0] for line in done.stderr.splitlines()}


def latest(page: Page, target: str) -> float:
    """Return when a collector of a target worked last, in Unix time."""
    return max(value for _, value in page.samples(_LAST_SUCCESS, target=target))
