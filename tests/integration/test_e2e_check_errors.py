"""`kpi-exporter check` with URLs that lead to nothing that it can use."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from exporter.demo.servers.process import free_port
from tests.integration.exporter_process import run
from tests.integration.strange_pages import served

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGIN = (
    "wants a user and a password; write them into the URL: "
    "https://user:password@host (401)"
)


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    with served() as address:
        yield address


@pytest.mark.parametrize(
    ("option", "path", "problem"),
    [
        (
            "--metrics",
            "/html",
            "is no page of metrics: line 1 is '<html><body>hello</body></html>'",
        ),
        ("--metrics", "/empty", "the page has no metrics"),
        (
            "--metrics",
            "/nowhere",
            "there is no such page (404); is it the right address?",
        ),
        (
            "--metrics",
            "/login",
            LOGIN,
        ),
        ("--metrics", "/broken", "the answer was 500 Internal Server Error"),
        ("--metrics", "/large", "the answer is larger than 64 MiB"),
        ("--prometheus", "", "the answer is not that of a Prometheus"),
        (
            "--prometheus",
            "/prometheus",
            "there is no such page (404); is it the right address?",
        ),
    ],
)
def test_what_cannot_be_used_is_said_in_a_line(
    pages: str, option: str, path: str, problem: str
) -> None:
    url = pages.replace("//", "//monitor:hush4711@") + path

    done = run("check", option, url)

    shown = pages + path
    if option == "--prometheus":
        shown += "/api/v1/rules"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{shown}: {problem}\n"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("127.0.0.1:10099", "a URL is https://host or http://host:10099/path"),
        ("ftp://127.0.0.1/", "a URL is https://host or http://host:10099/path"),
        ("http://127.0.0.1:99999", "the port must be a number from 1 to 65535"),
        ("http://no-such-host.invalid/metrics", "the host's name is not known"),
    ],
)
@pytest.mark.parametrize("option", ["--metrics", "--prometheus"])
def test_a_wrong_address_is_told_apart(option: str, url: str, problem: str) -> None:
    done = run("check", option, url)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(url)
    assert done.stderr.endswith(f": {problem}\n")


def test_a_dead_address_is_said_at_once() -> None:
    url = f"http://127.0.0.1:{free_port()}/metrics"

    done = run("check", "--metrics", url)

    assert done.returncode == 2
    assert done.stderr.startswith(f"{url}: cannot be reached: ")


def test_a_mute_server_is_not_waited_for_for_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/metrics"
        started = time.monotonic()

        done = run("check", "--metrics", url)

    assert done.returncode == 2
    assert done.stderr == f"{url}: no whole answer within 10 s\n"
    assert time.monotonic() - started < 25


def test_another_protocol_is_told_apart(pages: str) -> None:
    https = pages.replace("http://", "https://")

    done = run("check", "--metrics", https)

    assert done.returncode == 2
    assert done.stderr == f"{https}/metrics: TLS fails; does it speak https at all?\n"


def test_options_that_change_nothing_are_refused() -> None:
    done = run("check", "--metrics", "http://x", "--redis", "redis://127.0.0.1")

    assert done.returncode == 2
    assert done.stderr == ("--redis changes nothing beside --metrics or --prometheus\n")


def test_one_of_the_two_is_asked() -> None:
    done = run("check", "--metrics", "http://x", "--prometheus", "http://x")

    assert done.returncode == 2
    assert "not allowed with argument --metrics" in done.stderr
