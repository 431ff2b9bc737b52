"""What hides critical alerts: those that fire now, and those that would; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ACTIVE = "active"
_SIGNS = {
    (True, False): "=",
    (False, False): "!=",
    (True, True): "=~",
    (False, True): "!~",
}
_SHOWN = 5  # names of alerts that a silence hides


class Hidden(NamedTuple):
    """A critical KPI that nobody is told of: whom it is about, and what hides it.

    `firing` says that it is broken now; otherwise it would not be told if it were.
    """

    what: str
    by: str
    how: str
    firing: bool

    @property
    def said(self) -> str:
        """All of it in a line."""
        when = "fires now" if self.firing else "would not be told"
        return f"{self.what} {when}: {self.how}, {self.by}"


def critical(groups: Mapping[str, Sequence[dict[str, Any]]]) -> list[dict[str, str]]:
    """Return the labels that each critical alert of rendered rule groups surely has."""
    return [
        {**rule["labels"], "alertname": rule["alert"]}
        for file in groups.values()
        for group in file
        for rule in group["rules"]
        if rule.get("labels", {}).get("severity") == "critical" and "alert" in rule
    ]


def hidden(
    alerts: Iterable[dict[str, Any]],
    silences: Iterable[dict[str, Any]],
    known: Iterable[dict[str, str]],
) -> list[Hidden]:
    """Say what an Alertmanager hides.

    `alerts` are its suppressed critical ones and `silences` all of its own, as its API
    has them; `known` are those that `critical` found.
    """
    active = {s["id"]: s for s in silences if s["status"]["state"] == _ACTIVE}
    found = []
    for alert in alerts:
        silenced = [active[i] for i in alert["status"]["silencedBy"] if i in active]
        inhibited = alert["status"]["inhibitedBy"]
        by = "; ".join(map(_said, silenced)) or f"{len(inhibited)} other alerts"
        how = "silenced" if silenced or not inhibited else "inhibited"
        found.append(Hidden(_who(alert["labels"]), by, how, firing=True))
    for silence in active.values():
        names = dict.fromkeys(k["alertname"] for k in known if _can_hide(silence, k))
        if names:
            what = ", ".join([*names][:_SHOWN])
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            found.append(Hidden(what + more, _said(silence), "silenced", firing=False))
    return found


def _can_hide(silence: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether no matcher rules an alert out by the labels that it surely has."""
    return all(
        _matches(matcher, labels[matcher["name"]])
        for matcher in silence["matchers"]
        if matcher["name"] in labels
    )


def _matches(matcher: dict[str, Any], value: str) -> bool:
    if matcher["isRegex"]:
        try:
            found = re.fullmatch(matcher["value"], value) is not None
        except re.error:  # what Go's syntax has and Python's has not may match
            return True
    else:
        found = matcher["value"] == value
    return found == bool(matcher.get("isEqual", True))


def _said(silence: dict[str, Any]) -> str:
    """Write who silenced what until when, and why."""
    what = ", ".join(
        f"{m['name']}{_SIGNS[m.get('isEqual', True), m['isRegex']]}{m['value']}"
        for m in silence["matchers"]
    )
    who, why = silence["createdBy"], silence["comment"]
    return f"{{{what}}} by {who} until {silence['endsAt']}: {why}"


def _who(labels: dict[str, str]) -> str:
    names = ("target", "application", "instance")
    who = next((labels[name] for name in names if labels.get(name)), "")
    return f"{labels.get('alertname', '')} on {who}" if who else labels["alertname"]
