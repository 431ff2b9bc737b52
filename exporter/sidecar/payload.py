"""What Alertmanager's webhook brings (version 4), checked and as plain values."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, NamedTuple

WATCHDOG = "Watchdog"
_FRACTION = re.compile(r"(\.\d{1,6})\d*")
_FIRING = "firing"
_STATUSES = (_FIRING, "resolved")
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

    `truncated` is how many alerts Alertmanager left out of the call, `unread` says of
    each alert that cannot be read what is wrong with it.
    """

    receiver: str
    group: str
    external: str
    truncated: int
    alerts: tuple[Alert, ...]
    unread: tuple[str, ...] = ()


def read(body: bytes) -> Payload:
    """Read a call; raises PayloadError for what is none."""
    try:
        found = json.loads(body)
    except RecursionError as error:
        raise PayloadError("it is nested too deeply") from error
    except ValueError as error:
        raise PayloadError("it is not JSON") from error
    return parse(found)


def parse(body: Any) -> Payload:
    """Take the JSON of a call; raises PayloadError when nothing of it can be read.

    Alertmanager does not send again what is refused: an alert that cannot be read must
    not cost those beside it.
    """
    if not isinstance(body, dict) or not isinstance(body.get("alerts"), list):
        raise PayloadError("it is no object with a list of alerts")
    alerts: list[Alert] = []
    unread: list[str] = []
    for each in body["alerts"]:
        try:
            alerts.append(_alert(each))
        except PayloadError as error:
            unread.append(str(error))
    if unread and not alerts:
        raise PayloadError(f"no alert of it can be read: {unread[0]}")
    left_out = body.get("truncatedAlerts")
    return Payload(
        _text(body.get("receiver")),
        _text(body.get("groupKey")),
        _text(body.get("externalURL")),
        left_out if isinstance(left_out, int) else 0,
        tuple(alerts),
        tuple(unread),
    )


def unix(written: str) -> float:
    """Read a time as RFC 3339 has it, with nanoseconds; raises ValueError."""
    return datetime.fromisoformat(_FRACTION.sub(r"\1", written)).timestamp()


def _alert(body: Any) -> Alert:
    if not isinstance(body, dict):
        raise PayloadError("an alert is no object")
    status, fingerprint = body.get("status"), _text(body.get("fingerprint"))
    if status not in _STATUSES:
        raise PayloadError("its status is neither firing nor resolved")
    if not fingerprint:
        raise PayloadError("it has no fingerprint")
    firing = status == _FIRING
    ends = _text(body.get("endsAt"))
    ended = bool(ends) and not firing and not ends.startswith(_YEAR_ONE)
    return Alert(
        fingerprint,
        firing,
        _texts(body, "labels"),
        _texts(body, "annotations"),
        _moment(body, "startsAt"),
        _moment(body, "endsAt") if ended else None,
        _text(body.get("generatorURL")),
    )


def _moment(body: dict[str, Any], key: str) -> float:
    try:
        return unix(_text(body.get(key)))
    except (ValueError, OverflowError) as error:
        raise PayloadError(f"its {key} is no time") from error


def _texts(body: dict[str, Any], key: str) -> dict[str, str]:
    found = body.get(key) or {}
    if not isinstance(found, dict):
        raise PayloadError(f"its {key} are no object")
    if any(isinstance(value, list | dict) for value in found.values()):
        raise PayloadError(f"its {key} are not all text")
    return {name: _text(value) for name, value in found.items()}


def _text(value: Any) -> str:
    """Write what a field holds; what is no single value counts as not there."""
    return "" if value is None or isinstance(value, list | dict) else str(value)
