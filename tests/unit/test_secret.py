"""Passwords are read anew each time, and hidden wherever they might show."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from exporter.config import PostgresTarget
from exporter.errors import Reason, SourceError
from exporter.secret import _from_command, mask, read_secret, remember

if TYPE_CHECKING:
    from pathlib import Path


def target(**secret: object) -> PostgresTarget:
    return PostgresTarget.model_validate({"dsn": "host=db1", **secret})


async def refused(**secret: object) -> str:
    with pytest.raises(SourceError) as caught:
        await read_secret(target(**secret))
    assert caught.value.reason == Reason.AUTH
    assert not caught.value.answered
    return str(caught.value)


async def test_a_target_without_a_secret_has_none() -> None:
    assert await read_secret(target()) is None


async def test_a_file_is_read_at_each_call_without_its_line_end(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(" first one \r\n")
    assert await read_secret(target(password_file=file)) == " first one "
    file.write_text("second")
    assert await read_secret(target(password_file=file)) == "second"


async def test_a_missing_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    assert await refused(password_file=file) == f"password_file {file} does not exist"


async def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    text = await refused(password_file=tmp_path)
    assert text == f"password_file {tmp_path} is not a file"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\n", "is empty"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"x" * 70000, "gives more than 65536 bytes"),
    ],
)
async def test_a_file_that_holds_no_password_is_refused(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    assert await refused(password_file=file) == f"password_file {file} {complaint}"


async def test_a_variable_is_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPH_PASSWORD", "one-word")
    assert await read_secret(target(password_env="GRAPH_PASSWORD")) == "one-word"
    monkeypatch.delenv("GRAPH_PASSWORD")
    assert await refused(password_env="GRAPH_PASSWORD") == (
        "password_env GRAPH_PASSWORD is not set in the exporter's environment"
    )


async def test_a_command_gives_the_secret() -> None:
    command = ["printf", "token-%s\\n", "abc"]
    assert await read_secret(target(password_command=command)) == "token-abc"


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (["/no/such/command"], "cannot be run: No such file or directory"),
        (["sh", "-c", "echo hunter2; exit 3"], "sh failed with status 3"),
        (["true"], "true is empty"),
        (["yes"], "yes gives more than 65536 bytes"),
    ],
)
async def test_a_command_that_gives_none_is_refused_without_its_output(
    command: list[str], complaint: str
) -> None:
    text = await refused(password_command=command)
    assert complaint in text
    assert "hunter2" not in text


async def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    script = f"(sleep 1; touch {tmp_path}/late) & sleep 60"
    with pytest.raises(SourceError) as caught:
        await _from_command(["sh", "-c", script], patience=0.2)
    assert caught.value.reason == Reason.AUTH
    assert str(caught.value) == "password_command sh took longer than 0.2 s"
    await asyncio.sleep(1.2)
    assert not (tmp_path / "late").exists()


async def test_what_was_read_is_masked_in_every_spelling(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("p@ss w/ö\"rd'")
    await read_secret(target(password_file=file))
    spelled = (
        "plain p@ss w/ö\"rd' url p%40ss%20w%2F%C3%B6%22rd%27 form "
        "p%40ss+w%2F%C3%B6%22rd%27 json p@ss w/\\u00f6\\\"rd' p@ss w/ö\\\"rd' "
        "dsn p@ss w/ö\"rd\\'"
    )
    assert mask(spelled) == "plain *** url *** form *** json *** *** dsn ***"


def test_the_longer_of_two_secrets_is_masked_whole() -> None:
    remember("swordfish")
    remember("swordfish-2")
    assert mask("swordfish-2 swordfish") == "*** ***"


@pytest.mark.parametrize("secret", ["", "a", "12"])
def test_a_secret_too_short_to_hide_mangles_nothing(secret: str) -> None:
    remember(secret)
    assert mask("a b 12 c") == "a b 12 c"


def test_old_tokens_are_forgotten_in_time() -> None:
    remember("oldest-token")
    for number in range(2000):
        remember(f"token-number-{number:04}")
    assert mask("oldest-token token-number-0000") == "oldest-token ***"
