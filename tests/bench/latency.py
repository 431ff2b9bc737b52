"""How near the latency of statements comes to the truth, by load and interval."""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from exporter.collectors._postgres_durations import Durations, Grown, Seen
from exporter.collectors._postgres_memory import Running
from exporter.collectors._postgres_moments import Counted
from tests.bench.latency_loads import LOADS, Poll, calls, polls
from tests.bench.latency_server import LIVE, recorded
from tests.bench.report import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.world import World

INTERVALS = (5.0, 15.0, 60.0)
LIMITS = (0.05, 0.1, 1.0)
_SECONDS = 600.0
_LIMIT, _PROMISE = 0.1, 0.95
_FULL = 3  # calls of the slowest kind that a window needs to be judged


class Verdicts(NamedTuple):
    """Windows: how many, violated intervals, undecidable, wrong certainly, by guess."""

    windows: int
    violated: int
    undecidable: int
    certain_wrong: int
    estimate_wrong: int


def run(world: World) -> Iterator[Line]:
    """Compare estimates with simulated loads and with those of a real server."""
    totals: Counter[str] = Counter()
    for name in LOADS:
        made = calls(name, _SECONDS, seed=7)
        for interval in INTERVALS:
            yield from _lines(name, interval, polls(made, _SECONDS, interval), totals)
    for name in LIVE:
        for interval, found in recorded(world, name, INTERVALS):
            yield from _lines(f"PostgreSQL: {name}", interval, found, totals)
    windows, wrong = totals["windows"], totals["certain_wrong"]
    note = f"{totals['undecidable']} of {windows:,} windows undecidable"
    yield Line("guaranteed interval violated", totals["violated"], "", exactly=0)
    yield Line('"p95 < 100 ms" wrong and certain', wrong, "", exactly=0, note=note)
    share = 100 * totals["estimate_wrong"] / max(1, windows)
    yield Line(
        '"p95 < 100 ms" wrong by the estimate', share, "%", note=f"of {windows:,}"
    )


def _lines(
    name: str, interval: float, found: list[Poll], totals: Counter[str]
) -> Iterator[Line]:
    began = time.process_time()
    state, verdicts = _replayed(found)
    cpu = (time.process_time() - began) / max(1, len(found)) * 1e3
    totals.update(verdicts._asdict())
    took = sorted(duration for poll in found for duration in poll.took)
    account = state.accounts["load"]
    means = sorted(_means(found))
    ratios = []
    for share in (0.5, 0.95, 0.99):
        true = took[int(share * len(took))]
        estimate = _quantile(list(account.cumulative()), share * account.calls)
        mean = means[min(len(means) - 1, int(share * len(means)))]
        ratios.append((estimate / true, mean / true))
    texts = [f"{ours:.2f} (mean only {mean:.2f})" for ours, mean in ratios]
    worst, shares = 0.0, []
    for limit in LIMITS:
        slower = account.slower[limit]
        true = 100 * (len(took) - bisect_right(took, limit)) / len(took)
        least, estimate, most = (
            100 * part / len(took)
            for part in (slower.least, slower.estimate, slower.most)
        )
        worst = max(worst, _miss(estimate, true))
        shares.append(f"{least:.2f} ≤ {estimate:.2f} [{true:.2f}] ≤ {most:.2f}")
    what = f"{name}, {interval:g} s"
    off = max(ratios[1][0], 1 / ratios[1][0])
    note = f"p50 {texts[0]} p95 {texts[1]} p99 {texts[2]}; {cpu:.1f} ms CPU a poll"
    yield Line(f"{what}: p95 off by", off, "x", most=1.25, note=note)
    note = "% above 50 ms, 100 ms, 1 s, true in []: " + "; ".join(shares)
    yield Line(f"{what}: shares off by", worst, "", most=1.0, note=note)


def _miss(estimate: float, true: float) -> float:
    """Return how far a share (%) is off, in units of a fifth or half a point."""
    return abs(estimate - true) / max(0.2 * true, 0.5)


def _replayed(found: list[Poll]) -> tuple[Durations, Verdicts]:
    """Poll a load and judge each window."""
    state, verdicts = Durations(), [0, 0, 0, 0, 0]
    state.update([], Seen(Running({}, 0.0)), LIMITS, ["load"])
    old: dict[int, Counted] = {}
    before = _figures(state)
    for poll in found:
        grown = [
            Grown((1, 1, key), "load", new, old.get(key))
            for key, new in poll.view.items()
        ]
        old |= poll.view
        if poll.base:
            continue
        ages = {(1, 1, key): seen for key, seen in poll.ages.items()}
        state.update(grown, Seen(Running(ages, 1.0)), LIMITS, ["load"])
        now = _figures(state)
        _judge(poll, [b - a for a, b in zip(before, now, strict=True)], verdicts)
        before = now
    return state, Verdicts(*verdicts)


def _figures(state: Durations) -> list[float]:
    slower = state.accounts["load"].slower
    return [
        figure
        for limit in LIMITS
        for figure in (
            slower[limit].least,
            slower[limit].estimate,
            slower[limit].most,
        )
    ]


def _judge(poll: Poll, gained: list[float], verdicts: list[int]) -> None:
    took, slack = poll.took, poll.slack
    for place, limit in enumerate(LIMITS):
        true = sum(duration > limit for duration in took)
        least, estimate, most = gained[3 * place : 3 * place + 3]
        verdicts[1] += not least - slack <= true <= most + slack
        if limit != _LIMIT or len(took) < _FULL:
            continue
        allowed = (1 - _PROMISE) * len(took)
        verdicts[0] += 1
        if least <= allowed < most:
            verdicts[2] += 1
        else:
            verdicts[3] += (most <= allowed) != (true <= allowed)
        verdicts[4] += (estimate <= allowed) != (true <= allowed)


def _means(found: list[Poll]) -> Iterator[float]:
    """Yield, for each call, the mean of its statement and poll: what others show."""
    old: dict[int, Counted] = {}
    for poll in found:
        for key, new in () if poll.base else poll.view.items():
            before = old.get(key, Counted(0, 0.0, 0.0, 0.0, 0.0))
            number = new.calls - before.calls
            yield from [(new.total - before.total) / number] * number
        old |= poll.view


def _quantile(cumulative: list[tuple[float, int]], rank: float) -> float:
    """Interpolate as histogram_quantile does."""
    for (low, below), (high, upto) in pairwise([(0.0, 0), *cumulative]):
        if upto >= rank and upto > below:
            return low + (high - low) * (rank - below) / (upto - below)
    return math.inf
