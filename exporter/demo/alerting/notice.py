"""What Alertmanager sends, as it arrives, and how it is written on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

WATCHDOG = "Watchdog"
_INDENT = " " * 12


class Notice(NamedTuple):
    """One alert of a notification."""

    name: str
    firing: bool
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def severity(self) -> str:
        """The alert's severity."""
        return self.labels.get("severity", "none")

    @property
    def who(self) -> str:
        """Whom the alert is about; empty when about nobody."""
        names = ("target", "application", "instance")
        return next((self.labels[n] for n in names if n in self.labels), "")

    @property
    def evidence(self) -> list[str]:
        """The lines that name the cause."""
        return self.annotations.get("evidence", "").splitlines()


def notices(payload: dict[str, Any]) -> list[Notice]:
    """Read the body of a webhook call, version 4."""
    return [
        Notice(
            alert["labels"]["alertname"],
            alert["status"] == "firing",
            alert["labels"],
            alert["annotations"],
        )
        for alert in payload["alerts"]
    ]


def text(notice: Notice) -> str:
    """Write a notice in lines: promise and value, limit, cause, runbook."""
    if notice.name == WATCHDOG:
        return "Watchdog: alerts arrive here"
    summary = notice.annotations.get("summary", notice.name)
    if not notice.firing:
        return f"over: {notice.name} on {notice.who}"
    return "\n".join([f"{notice.severity.upper()} {summary}", *_lines(notice)])


def style(notice: Notice) -> str:
    """Return the colour of a notice."""
    colors = {"critical": "bold red", "warning": "yellow"}
    return colors.get(notice.severity, "") if notice.firing else "green"


def _lines(notice: Notice) -> Iterator[str]:
    yield f"{_INDENT}{notice.annotations.get('description', '')}"
    for line in notice.evidence:
        yield f"{_INDENT}cause: {line}"
    if url := notice.annotations.get("runbook_url"):
        yield f"{_INDENT}runbook: {url}"
