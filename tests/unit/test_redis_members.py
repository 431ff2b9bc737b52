"""The collectors `members` and `sentinel` on recorded answers."""

from __future__ import annotations

import pytest

from exporter.collectors import redis_sentinel
from exporter.collectors.redis_members import Member, Rows, State, _nodes, samples
from exporter.collectors.redis_sentinel import Master
from exporter.sources.redis_address import moved
from tests.unit.sampled import values

NODES = """\
07c37df 127.0.0.1:30004@31004,host4 slave e7d1eec 0 1426238317239 4 connected
67ed2db 127.0.0.1:30002@31002 master - 0 1426238316232 2 connected 5461-10922
292f8b3 ::1:30003@31003 master,fail - 0 1426238318243 3 connected 10923-16383
e7d1eec 127.0.0.1:30001@31001 myself,master - 0 0 1 connected 0-5460 7 [9->-292f8b3]
9aa1eec :0@0 master,noaddr - 0 0 1 disconnected
"""
MASTERS = {
    "sentinel_masters": "1",
    "sentinel_tilt": "0",
    "master0": "name=shop,status=odown,address=10.0.0.1:6379,slaves=2,sentinels=3",
}
SHOP = {
    "name": "shop",
    "ip": "10.0.0.1",
    "port": "6379",
    "num-slaves": "2",
    "num-other-sentinels": "2",
    "quorum": "2",
    "last-ok-ping-reply": "1500",
}


def poll(members: list[Member], state: State) -> dict[str, dict[object, float]]:
    rows = Rows(tuple(members), len(members), {})
    return dict(values(samples(rows, state)))  # type: ignore[arg-type]  # wider keys


def test_nodes_are_read_with_roles_failures_and_slots() -> None:
    assert _nodes(NODES) == [
        Member("127.0.0.1:30004", master=False, failing=False, slots=0),
        Member("127.0.0.1:30002", master=True, failing=False, slots=5462),
        Member("::1:30003", master=True, failing=True, slots=5461),
        Member("127.0.0.1:30001", master=True, failing=False, slots=5462),
    ]


def test_a_failover_is_a_promotion_and_the_series_go_on() -> None:
    state = State()
    one, two = "a:1", "b:1"
    before = poll([Member(one, True, False), Member(two, False, False)], state)  # noqa: FBT003 - a row
    after = poll([Member(one, False, True), Member(two, True, False)], state)  # noqa: FBT003 - a row
    assert before["redis_member_master"] == {(one,): 1, (two,): 0}
    assert before["redis_promotions_total"] == {(): 0}
    assert after["redis_member_master"] == {(one,): 0, (two,): 1}
    assert after["redis_member_failing"] == {(one,): 1, (two,): 0}
    assert after["redis_promotions_total"] == {(): 1}


def test_a_member_that_answers_shows_its_figures_and_another_is_not_up() -> None:
    members = (Member("a:1", True, False, 5), Member("b:1", False, False, 0))  # noqa: FBT003 - a row
    info = {"used_memory": "100", "db0": "keys=2,expires=1", "db3": "keys=5"}
    found = values(samples(Rows(members, 2, {"a:1": info, "b:1": None}), State()))
    assert found["redis_member_up"] == {("a:1",): 1, ("b:1",): 0}
    assert found["redis_member_memory_used_bytes"] == {("a:1",): 100}
    assert found["redis_member_keys"] == {("a:1",): 7}
    assert found["redis_member_slots"] == {("a:1",): 5, ("b:1",): 0}


def test_members_beyond_the_budget_are_counted_and_not_shown() -> None:
    members = tuple(Member(f"{n}:1", True, False) for n in range(5))  # noqa: FBT003 - a row
    found = values(samples(Rows(members, 2, {}), State()))
    assert found["redis_members"] == {(): 5}
    assert found["redis_members_omitted"] == {(): 3}
    assert len(found["redis_member_master"]) == 2


def test_a_single_server_has_no_members() -> None:
    assert values(samples(None, State())) == {}
    assert values(redis_sentinel.samples(None, None)) == {}


def test_a_sentinel_shows_its_masters_as_redis_exporter_does() -> None:
    rows = redis_sentinel.Rows(MASTERS, (Master(SHOP, ("slave", "s_down,slave")),))
    found = values(redis_sentinel.samples(rows, None))
    shop = ("shop", "10.0.0.1:6379")
    assert found["redis_sentinel_masters"] == {(): 1}
    assert found["redis_sentinel_master_status"] == {
        (*shop, "ok"): 0,
        (*shop, "odown"): 1,
        (*shop, "sdown"): 0,
    }
    assert found["redis_sentinel_master_slaves"] == {shop: 2}
    assert found["redis_sentinel_master_ok_slaves"] == {shop: 1}
    assert found["redis_sentinel_master_sentinels"] == {shop: 3}
    assert found["redis_sentinel_master_last_ok_ping_reply_seconds"] == {shop: 1.5}


@pytest.mark.parametrize(
    ("url", "address", "expected"),
    [
        ("redis://seed:6379/0", "10.0.0.1:6380", "redis://10.0.0.1:6380"),
        ("rediss://a:b@seed/0?x=1", "::1:7", "rediss://a:b@[::1]:7?x=1"),
        ("unix:///run/redis.sock", "10.0.0.1:1", "redis://10.0.0.1:1"),
        ("redis://u:p@seed:6379/0", ":7000", "redis://u:p@seed:7000"),
    ],
)
def test_a_member_is_reached_as_its_seed_is(
    url: str, address: str, expected: str
) -> None:
    assert moved(url, address) == expected
