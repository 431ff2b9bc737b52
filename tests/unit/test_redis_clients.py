"""The collector `clients`: connections by kind and by name."""

from __future__ import annotations

from exporter.collectors.redis_clients import (
    _LINE,
    Client,
    Pools,
    _client,
    samples,
)
from tests.unit.sampled import values

LINE_7 = (
    b"id=10 addr=127.0.0.1:49522 laddr=127.0.0.1:7990 fd=8 name=%s age=300 idle=%d "
    b"flags=%s db=0 sub=%d psub=0 ssub=0 multi=-1 qbuf=26 qbuf-free=20448 argv-mem=10 "
    b"multi-mem=0 rbs=16384 rbp=16384 obl=0 oll=0 omem=%d tot-mem=37658 events=r "
    b"cmd=client|list user=default redir=-1 resp=2\n"
)
LINE_6 = (
    b"id=4 addr=127.0.0.1:59204 laddr=127.0.0.1:7989 fd=8 name=%s age=0 idle=%d "
    b"flags=%s db=0 sub=%d psub=0 multi=-1 qbuf=26 qbuf-free=32744 argv-mem=10 obl=0 "
    b"oll=0 omem=%d tot-mem=49810 events=r cmd=client user=default redir=-1\n"
)


def parsed(text: bytes) -> list[Client]:
    return [_client(found) for found in _LINE.findall(text)]


def test_a_line_of_every_version_is_read() -> None:
    for line in (LINE_6, LINE_7):
        (client,) = parsed(line % (b"shop", 5, b"N", 0, 1024))
        assert client == Client("shop", "normal", "active", 5, 26, 1024)


def test_kinds_and_states_are_told_apart() -> None:
    flags = {b"N": 0, b"S": 0, b"M": 0, b"O": 0, b"P": 1, b"b": 0}
    text = b"".join(LINE_7 % (b"", 70, flag, subs, 0) for flag, subs in flags.items())
    found = [(client.kind, client.state) for client in parsed(text)]
    assert found == [
        ("normal", "idle"),
        ("replica", "idle"),
        ("master", "idle"),
        ("monitor", "idle"),
        ("pubsub", "idle"),
        ("normal", "blocked"),
    ]


def test_numbers_in_names_are_not_shown() -> None:
    names = (b"worker-1", b"worker-22", b"shop", b"s2", b"a1b2c3d4e5f6-00ff", b"")
    text = b"".join(LINE_7 % (name, 0, b"N", 0, 0) for name in names)
    found = [client.name for client in parsed(text)]
    assert found == ["worker-*", "worker-*", "shop", "s2", "*", "unnamed"]


def test_buffers_are_summed_and_the_largest_is_shown() -> None:
    clients = [
        Client("feed", "pubsub", "active", 0, 10, 1000),
        Client("feed", "pubsub", "idle", 90, 20, 5000),
    ]
    found = values(samples(clients, Pools()))
    assert found["redis_clients"][("pubsub",)] == 2
    assert found["redis_clients"][("replica",)] == 0
    assert found["redis_client_output_buffer_bytes"][("pubsub",)] == 6000
    assert found["redis_client_output_buffer_largest_bytes"][("pubsub",)] == 5000
    assert found["redis_client_query_buffer_largest_bytes"][("pubsub",)] == 20
    assert found["redis_pool_connections"][("feed", "idle")] == 1
    assert found["redis_pool_connections"][("feed", "blocked")] == 0
    assert found["redis_pool_longest_idle_seconds"][("feed",)] == 90
    assert found["redis_pool_output_buffer_bytes"][("feed",)] == 6000


def test_names_beyond_twenty_are_summed_in_other() -> None:
    clients = [
        Client(chr(97 + n), "normal", "active", 0, 0, 0)
        for n in range(26)
        for _ in range(26 - n)
    ]
    found = values(samples(clients, Pools()))["redis_pool_connections"]
    active = {name: count for (name, state), count in found.items() if state != "idle"}
    assert len({name for name, _ in found}) == 21
    assert found["other", "active"] == 1 + 2 + 3 + 4 + 5 + 6
    assert "a" in active


def test_a_list_that_is_too_long_is_left_out_and_that_is_said() -> None:
    assert values(samples(None, Pools())) == {"redis_client_list_omitted": {(): 1}}
