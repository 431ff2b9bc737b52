"""Polls follow scrapes: recognising a scraper, and placing the next poll."""

from __future__ import annotations

from itertools import pairwise

import pytest

from exporter.phase import Beat, Scrapes, Wish, next_start


def followed(arrivals: list[float]) -> Scrapes:
    scrapes = Scrapes()
    for at in arrivals:
        scrapes.seen(at)
    return scrapes


def test_two_scrapes_are_not_yet_a_scraper() -> None:
    assert followed([0.0, 15.0]).beat is None


def test_three_scrapes_at_equal_distances_are_a_scraper() -> None:
    assert followed([0.0, 15.0, 30.0]).beat == Beat(last=30.0, period=15.0)


def test_of_two_scrapers_at_one_period_the_first_recognised_is_kept() -> None:
    arrivals = sorted([15.0 * n for n in range(9)] + [4.0 + 15.0 * n for n in range(9)])

    beat = followed(arrivals).beat

    assert beat is not None
    assert beat.period == pytest.approx(15.0)
    assert beat.last % 15.0 == pytest.approx(0.0)


def test_a_burst_of_scrapes_does_not_disturb_the_scraper() -> None:
    scrapes = followed([0.0, 15.0, 30.0])

    changed = [scrapes.seen(37.0 + 0.001 * n) for n in range(200)]

    assert not any(changed)
    assert scrapes.beat == Beat(30.0, 15.0)


def test_a_scraper_that_stays_away_is_forgotten() -> None:
    scrapes = followed([0.0, 15.0, 30.0])

    assert scrapes.current(30.0 + 3 * 15.0) == Beat(30.0, 15.0)
    assert scrapes.current(30.0 + 4 * 15.0) is None


def test_a_missed_scrape_does_not_lose_the_scraper() -> None:
    scrapes = followed([0.0, 15.0, 30.0, 60.0])

    assert scrapes.beat == Beat(60.0, 15.0)


def test_a_scraper_that_changes_its_period_is_not_taken_for_a_very_slow_one() -> None:
    """A second scrape every 5 minutes that is 6 s off is nobody's."""
    before = [3.0 + 15.0 * n for n in range(66)]

    beat = followed([*before, *(1029.0 + 30.0 * n for n in range(20))]).beat

    assert beat == Beat(last=1599.0, period=30.0)


@pytest.mark.parametrize(("old", "new"), [(10.0, 15.0), (20.0, 30.0), (30.0, 20.0)])
def test_a_scraper_that_changes_its_period_and_meets_its_old_times_is_followed(
    old: float, new: float
) -> None:
    before = [old * n for n in range(20)]

    beat = followed([*before, *(before[-1] + new * n for n in range(1, 20))]).beat

    assert beat == Beat(before[-1] + new * 19, new)


def test_a_drifting_period_is_followed() -> None:
    scrapes = followed([n * 15.01 for n in range(40)])

    assert scrapes.beat is not None
    assert scrapes.beat.period == pytest.approx(15.01, abs=0.002)
    assert scrapes.beat.last == pytest.approx(39 * 15.01)


def test_only_a_scrape_off_its_time_changes_plans() -> None:
    scrapes = followed([0.0, 15.0])

    assert scrapes.seen(30.0)
    assert not scrapes.seen(45.001)
    assert scrapes.seen(60.05)


def test_without_a_scraper_polls_keep_the_interval() -> None:
    assert next_start(None, Wish(15.0, last=100.0), now=101.0) == 115.0


def test_a_poll_that_is_overdue_begins_now() -> None:
    assert next_start(None, Wish(15.0, last=100.0), now=140.0) == 140.0


def test_a_poll_begins_its_lead_before_the_scrape() -> None:
    wish = Wish(15.0, last=99.5, lead=0.5)

    assert next_start(Beat(100.0, 15.0), wish, now=100.1) == pytest.approx(114.5)


def test_a_poll_just_begun_is_not_repeated_for_the_same_scrape() -> None:
    """The scrape at 115 s has its poll already: it began 0.5 s before."""
    wish = Wish(15.0, last=114.5, lead=0.5)

    assert next_start(Beat(100.0, 15.0), wish, now=114.7) == pytest.approx(129.5)


def test_a_scrape_that_is_early_does_not_take_its_poll_away() -> None:
    """It came at 114.8 s; the poll that was to begin at 114.9 s begins at once."""
    wish = Wish(15.0, last=99.9, lead=0.1)

    assert next_start(Beat(114.8, 15.0), wish, now=114.81) == 114.81
    assert next_start(Beat(114.8, 15.0), wish, now=121.0) == pytest.approx(129.7)


def test_a_first_poll_waits_for_no_scrape() -> None:
    wish = Wish(15.0, last=float("-inf"), lead=0.1)

    assert next_start(Beat(100.0, 15.0), wish, now=103.0) == 103.0


@pytest.mark.parametrize(
    ("period", "interval", "step"),
    [(60.0, 15.0, 15.0), (5.0, 15.0, 15.0), (10.0, 15.0, 20.0), (20.0, 15.0, 20.0)],
)
def test_every_step_is_a_whole_part_or_multiple_of_the_scrapers_period(
    period: float, interval: float, step: float
) -> None:
    beat = Beat(1000.0, period)
    first = next_start(beat, Wish(interval, last=1000.0), now=1000.0)
    second = next_start(beat, Wish(interval, last=first), now=first)

    assert second - first == pytest.approx(step)
    assert (first - 1000.0) % min(step, period) == pytest.approx(0.0)


@pytest.mark.parametrize("period", [14.999, 15.0, 15.001])
def test_a_period_of_one_and_a_half_intervals_has_two_polls(period: float) -> None:
    beat = Beat(1000.0, period)

    start = next_start(beat, Wish(10.0, last=1000.0), now=1000.0)

    assert start == pytest.approx(1007.5, abs=0.01)


@pytest.mark.parametrize("off", [0.0, 0.04, 0.2])
def test_polls_for_quick_scrapes_are_not_put_off_by_each_of_them(off: float) -> None:
    """Scrapes every 5 s, each second one late, and plans made anew at each of them."""
    last = planned = 0.0
    starts: list[float] = []
    for turn in range(100):
        scrape = 5.0 * turn + off * (turn % 2)
        while planned <= scrape:
            starts.append(planned)
            last = planned
            wish = Wish(15.0, last, lead=0.5)
            planned = next_start(Beat(scrape, 5.0), wish, last + 0.1)
        planned = next_start(Beat(scrape, 5.0), Wish(15.0, last, lead=0.5), scrape)

    assert {round(b - a) for a, b in pairwise(starts[2:])} == {15}


def test_of_two_scrapers_half_a_period_apart_one_is_followed() -> None:
    """Together they look like one scraper at half the period."""
    scrapes = followed([0.0, 7.5, 15.0])
    last = planned = 14.5
    starts: list[float] = []
    for turn in range(3, 40):
        while planned <= 7.5 * turn:
            starts.append(planned)
            last = planned
            planned = next_start(scrapes.beat, Wish(15.0, last, lead=0.5), last + 0.1)
        scrapes.seen(7.5 * turn)
        planned = next_start(scrapes.beat, Wish(15.0, last, lead=0.5), 7.5 * turn)

    assert {round(b - a, 3) for a, b in pairwise(starts)} == {15.0}
    assert {round(start % 7.5, 3) for start in starts} == {7.0}


def test_each_scrape_at_the_interval_sees_exactly_one_new_poll() -> None:
    scrapes = followed([0.0, 15.0, 30.0])
    starts: list[float] = []
    last = 29.5
    for scrape in range(45, 450, 15):
        now = last + 0.2
        while True:
            start = next_start(scrapes.beat, Wish(15.0, last, lead=0.5), now)
            if start >= scrape:
                break
            starts.append(start)
            last, now = start, start + 0.2
        scrapes.seen(float(scrape))

    gaps = {round(b - a, 6) for a, b in pairwise(starts)}

    assert len(starts) == len(range(45, 450, 15))
    assert gaps == {15.0}
