"""Reads passwords where the configuration says, and keeps them out of all output."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from exporter.errors import Reason, SourceError
from exporter.programs import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from exporter.config import WithSecret

_COMMAND_SECONDS = 10.0
_SHARE = 0.8  # of the deadline, so that a slow command is blamed, and not the server
_MOST_BYTES = 65536
_SHORTEST = 3  # masking every "a" or "12" would leave no output readable
_MOST_SECRETS = 2000
_MASK = "***"

_known: dict[str, tuple[str, ...]] = {}


async def read_secret(config: WithSecret) -> str | None:
    """Read a target's password anew, or return None when the target has none.

    Reads `password_file`, `password_env` or the standard output of `password_command`
    (at most 10 s and most of the deadline), less the line end. Raises SourceError(auth)
    with what to mend; its text holds neither the secret nor what a command wrote.
    """
    if config.password_file is not None:
        secret = _from_file(config.password_file)
    elif config.password_env is not None:
        secret = _from_environment(config.password_env)
    elif config.password_command is not None:
        patience = min(_COMMAND_SECONDS, _SHARE * config.deadline)
        secret = await _from_command(config.password_command, patience)
    else:
        return None
    remember(secret)
    return secret


def remember(secret: str) -> None:
    """Have `mask` hide this secret from now on; for passwords inside URLs and DSNs.

    The newest 2,000 are kept, so that tokens which change at each connect do not pile
    up for ever.
    """
    if len(secret) < _SHORTEST:
        return
    _known.pop(secret, None)
    _known[secret] = _spellings(secret)
    if len(_known) > _MOST_SECRETS:
        del _known[next(iter(_known))]


def mask(text: str) -> str:
    """Replace every known secret of at least 3 characters by `***`.

    Also as it is spelled in a URL, in JSON and in a key=value DSN.
    """
    for secret in sorted(_known, key=len, reverse=True):
        for spelling in _known[secret]:
            text = text.replace(spelling, _MASK)
    return text


def _spellings(secret: str) -> tuple[str, ...]:
    spelled = {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        secret.replace("\\", "\\\\").replace("'", "\\'"),
    }
    return tuple(sorted(spelled, key=len, reverse=True))


def _from_file(path: Path) -> str:
    try:
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise SourceError(Reason.AUTH, f"password_file {path} {what}")
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise SourceError(
            Reason.AUTH, f"password_file {path} cannot be read: {error.strerror}"
        ) from error
    return _text(content, f"password_file {path}")


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise SourceError(
            Reason.AUTH, f"password_env {name} is not set in the exporter's environment"
        )
    return _text(os.fsencode(value), f"password_env {name}")


async def _from_command(command: Sequence[str], patience: float) -> str:
    what = f"password_command {command[0]}"
    try:
        status, output = await run(command, patience, _MOST_BYTES)
    except TimeoutError as error:
        raise SourceError(
            Reason.AUTH, f"{what} took longer than {patience:g} s"
        ) from error
    except OSError as error:
        why = error.strerror or error
        raise SourceError(Reason.AUTH, f"{what} cannot be run: {why}") from error
    if status != 0:
        raise SourceError(
            Reason.AUTH,
            f"{what} failed with status {status}; try it by hand",
        )
    return _text(output, what)


def _text(content: bytes, what: str) -> str:
    if len(content) > _MOST_BYTES:
        raise SourceError(Reason.AUTH, f"{what} gives more than {_MOST_BYTES} bytes")
    try:
        secret = content.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise SourceError(Reason.AUTH, f"{what} is not UTF-8 text") from error
    if not secret:
        raise SourceError(Reason.AUTH, f"{what} is empty")
    return secret
