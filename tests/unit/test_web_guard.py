"""The rate limit, what an Authorization header holds, and names in certificates."""

from __future__ import annotations

import asyncio
import base64

import bcrypt
import pytest

from exporter.web.auth import BasicAuth, credentials
from exporter.web.guard import Bucket
from exporter.web.tls import names
from exporter.web.web_config import RateLimit


def limit(interval: str, burst: int) -> RateLimit:
    return RateLimit.model_validate({"interval": interval, "burst": burst})


def test_a_burst_passes_and_then_one_request_per_interval() -> None:
    bucket, two = Bucket(), limit("10s", 2)
    times = [100.0, 100.0, 100.1, 109.9, 110.1, 110.2, 130.0, 130.0, 130.0]
    passed = [True, True, False, False, True, False, True, True, False]
    assert [bucket.allows(two, time) for time in times] == passed


def test_without_an_interval_everything_passes() -> None:
    bucket = Bucket()
    assert all(bucket.allows(RateLimit(), 0.0) for _ in range(1000))


def test_a_limit_that_changes_holds_at_once() -> None:
    bucket = Bucket()
    assert [bucket.allows(limit("1h", 5), 0.0) for _ in range(3)] == [True] * 3
    assert [bucket.allows(limit("1h", 1), 1.0) for _ in range(2)] == [True, False]


def basic(user: str, password: str) -> str:
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"Basic {encoded}"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (basic("a", "b:c"), ("a", b"b:c")),
        (basic("", ""), ("", b"")),
        (basic("ä", "ß").replace("Basic", "bAsIc"), ("ä", "ß".encode())),
        ("", None),
        ("Bearer abc", None),
        ("Basic", None),
        ("Basic !!!", None),
        ("Basic " + base64.b64encode(b"no colon").decode(), None),
        ("Basic " + base64.b64encode(b"\xff:x").decode(), None),
    ],
)
def test_user_and_password_are_read_from_the_header(
    header: str, expected: tuple[str, bytes] | None
) -> None:
    assert credentials(header) == expected


def hashed(password: bytes, rounds: int = 4) -> str:
    return bcrypt.hashpw(password, bcrypt.gensalt(rounds)).decode()


async def test_an_unknown_user_costs_a_hash_like_a_known_one() -> None:
    auth, users = BasicAuth(), {"a": hashed(b"x")}
    assert not await auth.allows(users, basic("nobody", "guess"))
    assert not await auth.allows(users, basic("a", "guess"))
    assert len(auth._wrong) == 2


async def test_an_unknown_user_does_not_pass_with_a_known_ones_password() -> None:
    auth, users = BasicAuth(), {"a": hashed(b"x")}
    assert await auth.allows(users, basic("a", "x"))
    assert not await auth.allows(users, basic("b", "x"))


async def test_without_users_in_the_file_nobody_passes() -> None:
    assert not await BasicAuth().allows({}, basic("a", "x"))


async def test_a_changed_hash_is_believed_at_once() -> None:
    auth = BasicAuth()
    assert await auth.allows({"a": hashed(b"x")}, basic("a", "x"))
    assert not await auth.allows({"a": hashed(b"y")}, basic("a", "x"))
    assert await auth.allows({"a": hashed(b"y")}, basic("a", "y"))


async def test_wrong_guesses_do_not_push_out_what_was_right() -> None:
    auth, users = BasicAuth(), {"a": hashed(b"x")}
    assert await auth.allows(users, basic("a", "x"))
    for guess in range(120):
        assert not await auth.allows(users, basic("a", f"{guess}"))
    assert (len(auth._right), len(auth._wrong)) == (1, 100)


async def test_only_the_first_72_bytes_of_a_password_count_as_in_bcrypt() -> None:
    auth, users = BasicAuth(), {"a": hashed(b"x" * 72)}
    assert await auth.allows(users, basic("a", "x" * 100))


async def test_nothing_of_a_password_is_kept() -> None:
    auth = BasicAuth()
    await auth.allows({"a": hashed(b"x")}, basic("a", "a long password"))
    kept = next(iter(auth._wrong))
    assert (len(kept), b"password" in kept) == (32, False)


async def test_the_event_loop_goes_on_while_a_password_is_checked() -> None:
    auth, users = BasicAuth(), {"a": hashed(b"x", rounds=10)}
    asked = asyncio.create_task(auth.allows(users, basic("a", "x")))
    turns = 0
    while not asked.done():
        await asyncio.sleep(0)
        turns += 1
    assert asked.result()
    assert turns > 10


def test_names_of_a_certificate_are_those_that_go_would_compare() -> None:
    certificate = {
        "subject": ((("commonName", "not this"),),),
        "subjectAltName": (
            ("DNS", "prometheus"),
            ("email", "ops@example.test"),
            ("IP Address", "192.0.2.1"),
            ("IP Address", "2001:DB8:0:0:0:0:0:1"),
            ("URI", "spiffe://test/prometheus"),
            ("DirName", ((("commonName", "x"),),)),
        ),
    }
    assert names(certificate) == {
        "prometheus",
        "ops@example.test",
        "192.0.2.1",
        "2001:db8::1",
        "spiffe://test/prometheus",
    }


def test_no_certificate_has_no_names() -> None:
    assert names(None) == frozenset()
    assert names({}) == frozenset()
