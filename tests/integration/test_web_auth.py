"""Users, headers and the rate limit of a web configuration, on a real server."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import bcrypt
import pytest

from exporter.web.web_config import WebConfig
from tests.integration.web_support import Asked, FixedService, ask, serving, until

if TYPE_CHECKING:
    from pathlib import Path


def hashed(password: str, rounds: int = 4) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds)).decode()


def users(folder: Path, **hashes: str) -> Path:
    path = folder / "web.yml"
    lines = "\n".join(f'  {name}: "{value}"' for name, value in hashes.items())
    path.write_text(f"basic_auth_users:\n{lines}\n")
    return path


def as_user(name: str, password: str, method: str = "GET") -> Asked:
    encoded = base64.b64encode(f"{name}:{password}".encode()).decode()
    return Asked(method, {"Authorization": f"Basic {encoded}"})


@pytest.mark.parametrize(
    "path",
    ["/", "/metrics", "/probe?target=cache", "/sd", "/-/healthy", "/-/ready", "/no"],
)
async def test_nothing_is_shown_without_a_password(tmp_path: Path, path: str) -> None:
    config = WebConfig(users(tmp_path, prometheus=hashed("right")))
    async with serving(FixedService(), config) as url:
        answer = await ask(f"{url}{path}")
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Basic")
    assert answer.text == "user and password are needed\n"


async def test_only_the_right_password_of_a_known_user_passes(tmp_path: Path) -> None:
    config = WebConfig(users(tmp_path, a=hashed("right"), b=hashed("Grüße:\t!")))
    service = FixedService()
    async with serving(service, config) as url:

        async def status(name: str, password: str) -> int:
            return (await ask(f"{url}/metrics", as_user(name, password))).status

        assert await status("a", "right") == 200
        assert await status("b", "Grüße:\t!") == 200
        assert await status("a", "wrong") == 401
        assert await status("b", "right") == 401
        assert await status("nobody", "right") == 401
        assert await status("a", "") == 401
    assert len(service.scrapes) == 2


async def test_reload_needs_the_password_too(tmp_path: Path) -> None:
    config = WebConfig(users(tmp_path, a=hashed("right")))
    service = FixedService()
    async with serving(service, config) as url:
        refused = await ask(f"{url}/-/reload", Asked("POST"))
        done = await ask(f"{url}/-/reload", as_user("a", "right", "POST"))
    assert (refused.status, done.status, service.reloads) == (401, 200, 1)


async def test_two_hundred_scrapers_cost_one_slow_hash(tmp_path: Path) -> None:
    config = WebConfig(users(tmp_path, a=hashed("right", rounds=12)))
    async with serving(FixedService(), config) as url:
        async with asyncio.timeout(15):  # two hundred hashes would take far longer
            answers = await asyncio.gather(
                *(ask(f"{url}/metrics", as_user("a", "right")) for _ in range(200))
            )
    assert [answer.status for answer in answers] == [200] * 200


async def test_users_and_passwords_change_without_a_restart(tmp_path: Path) -> None:
    path = users(tmp_path, old=hashed("one"))
    async with serving(FixedService(), WebConfig(path)) as url:
        assert (await ask(f"{url}/sd", as_user("old", "one"))).status == 200
        users(tmp_path, new=hashed("two"))

        async def new_one_passes() -> bool:
            return (await ask(f"{url}/sd", as_user("new", "two"))).status == 200

        await until(new_one_passes)
        assert (await ask(f"{url}/sd", as_user("old", "one"))).status == 401


async def test_a_broken_file_while_running_keeps_the_users(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = users(tmp_path, a=hashed("right"))
    async with serving(FixedService(), WebConfig(path)) as url:
        path.write_text("basic_auth_users: {}\nno_such_key: 1\n")
        await until(lambda: bool(caplog.records))
        assert (await ask(f"{url}/sd")).status == 401
        assert (await ask(f"{url}/sd", as_user("a", "right"))).status == 200
    assert vars(caplog.records[0])["fields"]["problems"] == (
        f"{path}:2: no_such_key: unknown key; there are tls_server_config, "
        "http_server_config, basic_auth_users, rate_limit"
    )


async def test_headers_are_added_to_every_answer(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text(
        "http_server_config:\n  headers:\n    X-Frame-Options: deny\n"
        "    Content-Security-Policy: default-src 'self'\n    X-XSS-Protection: 0\n"
        "    X-Content-Type-Options: ''\n"
    )
    async with serving(FixedService(), WebConfig(path)) as url:
        for place in ("/", "/metrics", "/no"):
            headers = (await ask(f"{url}{place}")).headers
            assert headers["X-Frame-Options"] == "deny"
            assert headers["Content-Security-Policy"] == "default-src 'self'"
            assert headers["X-XSS-Protection"] == "0"
            assert headers["X-Content-Type-Options"] == "nosniff"


async def test_beyond_the_rate_limit_requests_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text("rate_limit: {interval: 1h, burst: 2}\n")
    async with serving(FixedService(), WebConfig(path)) as url:
        answers = [await ask(f"{url}/-/healthy") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[-1].text == "too many requests\n"
