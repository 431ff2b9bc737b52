"""Rendered rule groups beside those that Prometheus has loaded: what differs; pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from exporter.render.promql import canonical
from exporter.sidecar.payload import unix
from exporter.units import seconds

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

Group = dict[str, Any]
_WELL = "ok"
_LATE = 3.0  # intervals without an evaluation
_SLACK = 10.0


def differences(
    wanted: Mapping[str, Sequence[Group]],
    loaded: Sequence[Group],
    elsewhere: Container[str] = (),
) -> list[str]:
    """Return where the loaded groups are not exactly the wanted ones, by file name.

    Groups of other files are nobody's business, unless they have the name of one of
    ours: then every alert of theirs comes twice. `elsewhere` are loaded files that are
    not ours although they may have a name of ours.
    """
    mine = {(name, g["name"]): g for name, groups in wanted.items() for g in groups}
    names = {group for _, group in mine}
    there: dict[tuple[str, str], Group] = {}
    strange: list[str] = []
    doubled: list[Group] = []
    for group in loaded:
        key = (PurePosixPath(group["file"]).name, group["name"])
        ours = group["file"] not in elsewhere
        if ours and key in mine and key not in there:
            there[key] = group
        elif group["name"] in names:
            doubled.append(group)
        elif ours and key[0] in wanted:
            strange.append(f"group {group['name']} of {group['file']} is not ours")
    none = "none of the groups is loaded: does rule_files name the folder?"
    lacking = [*_lacking(mine, there)] if there else [none]
    return [*lacking, *_twice(doubled, alone=not there), *strange]


def unwell(mine: Sequence[Group], now: float) -> tuple[list[str], bool]:
    """Return which rules of ours fail or are late, and whether all were evaluated once.

    `now` is the Unix time by Prometheus' clock.
    """
    found: list[str] = []
    for group in mine:
        found += _failing(group)
        found += _late(group, now)
    return found, all(_evaluated(group) for group in mine)


@dataclass(slots=True)
class Grace:
    """The time that loaded rules have for their first evaluation and first series.

    It begins when they are seen to be loaded, because checking and loading them may
    take long; and again when rules are unevaluated that were not: after a restart.
    """

    since: float | None = None
    evaluated: bool = False

    def over(self, mine: Sequence[Group], now: float, *, evaluated: bool) -> bool:
        """Whether it has passed at `now` (monotonic seconds)."""
        if self.since is None or (self.evaluated and not evaluated):
            self.since = now
        self.evaluated = evaluated
        longest = max((float(group["interval"]) for group in mine), default=0.0)
        return now - self.since > 2 * longest + _SLACK


def _lacking(
    mine: Mapping[tuple[str, str], Group], there: Mapping[tuple[str, str], Group]
) -> Iterator[str]:
    for key, group in mine.items():
        if key not in there:
            yield f"group {key[1]} of {key[0]} is not loaded"
        else:
            yield from _differing(group, there[key])


def _twice(groups: Sequence[Group], *, alone: bool) -> Iterator[str]:
    how = ", which is not in our folder" if alone else " as well"
    for group in groups:
        yield f"group {group['name']} is loaded from {group['file']}{how}"


def _differing(group: Group, there: Group) -> Iterator[str]:
    rules, loaded = group["rules"], there["rules"]
    if len(rules) != len(loaded):
        yield f"group {group['name']} has {len(loaded)} rules, not {len(rules)}"
        return
    for rule, other in zip(rules, loaded, strict=True):
        name = rule.get("alert") or rule["record"]
        if _ours(rule) != _theirs(other):
            yield f"rule {name} of group {group['name']} is loaded in another version"


def _ours(rule: dict[str, Any]) -> tuple[Any, ...]:
    return (
        rule.get("alert") or rule["record"],
        canonical(str(rule["expr"])),
        seconds(rule["for"]) if "for" in rule else 0.0,
        rule.get("labels") or {},
        rule.get("annotations") or {},
    )


def _theirs(rule: dict[str, Any]) -> tuple[Any, ...]:
    return (
        rule["name"],
        canonical(rule["query"]),
        float(rule.get("duration", 0)),
        rule.get("labels") or {},
        rule.get("annotations") or {},
    )


def _evaluated(group: Group) -> bool:
    return all(_when(rule) is not None for rule in group["rules"])


def _failing(group: Group) -> Iterator[str]:
    for rule in group["rules"]:
        if _when(rule) is not None and rule["health"] != _WELL:
            said = rule.get("lastError") or rule["health"]
            yield f"rule {rule['name']} of group {group['name']} fails: {said}"


def _late(group: Group, now: float) -> Iterator[str]:
    took, interval = float(group["evaluationTime"]), float(group["interval"])
    if took > interval:
        yield f"group {group['name']} takes {took:.3g} s of its {interval:g} s"
    last = _when(group)
    if last is not None and now - last > _LATE * interval + took:
        yield f"group {group['name']} was last evaluated {now - last:.0f} s ago"


def _when(what: dict[str, Any]) -> float | None:
    written = str(what.get("lastEvaluation", ""))
    return None if not written or written.startswith("0001-") else unix(written)
