"""What Alertmanager's webhook brings (version 4), checked and as plain values."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, NamedTuple

WATCHDOG = "Watchdog"
_FRACTION = re.compile(r"(\.\d{1,6})\d*")
_YEAR_ONE = "0001-"  # how Go writes a time that is not set


class PayloadError(ValueError):
    """What came is no call of Alertmanager's; the text says why."""


class Alert(NamedTuple):
    """One alert of a call; times are Unix times, `ends` is None while it fires."""

    fingerprint: str
    firing: bool
    labels: dict[str, str]
    annotations: dict[str, str]
    starts: float
    ends: float | None
    generator: str

    @property
    def name(self) -> str:
        """The alert's name."""
        return self.labels.get("alertname", "")


class Payload(NamedTuple):
    """One call: the group, its alerts, and which Alertmanager (`external`) sent it.

    `truncated` is how many alerts Alertmanager left out of the call.
    """

    receiver: str
    group: str
    external: str
    truncated: int
    alerts: tuple[Alert, ...]


def parse(body: Any) -> Payload:
    """Read the JSON of a call; raises PayloadError for what is none."""
    if not isinstance(body, dict) or not isinstance(body.get("alerts"), list):
        raise PayloadError("no object with a list of alerts")
    try:
        return Payload(
            str(body.get("receiver", "")),
            str(body.get("groupKey", "")),
            str(body.get("externalURL", "")),
            int(body.get("truncatedAlerts") or 0),
            tuple(_alert(each) for each in body["alerts"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PayloadError(f"an alert of another shape: {error!r}"[:200]) from error


def unix(written: str) -> float:
    """Read a time as RFC 3339 has it, with nanoseconds; raises ValueError."""
    return datetime.fromisoformat(_FRACTION.sub(r"\1", written)).timestamp()


def _alert(body: dict[str, Any]) -> Alert:
    ends = str(body.get("endsAt", _YEAR_ONE))
    firing = body["status"] == "firing"
    return Alert(
        str(body["fingerprint"]),
        firing,
        _texts(body["labels"]),
        _texts(body["annotations"]),
        unix(body["startsAt"]),
        None if firing or ends.startswith(_YEAR_ONE) else unix(ends),
        str(body.get("generatorURL", "")),
    )


def _texts(body: dict[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in body.items()}
