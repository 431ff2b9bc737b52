"""Checks names and passwords against bcrypt hashes without stopping the event loop."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import secrets
from typing import TYPE_CHECKING

import bcrypt

if TYPE_CHECKING:
    from collections.abc import Mapping

_REMEMBERED = 100
_MOST_BYTES = 72  # bcrypt reads no more of a password


class BasicAuth:
    """Answers whether a request may pass, and remembers what bcrypt said.

    One password is checked at a time, in a thread, so that a flood of wrong ones costs
    one core at the most. What was right and what was wrong is remembered apart: wrong
    guesses cannot push out the scraper's right password.
    """

    def __init__(self) -> None:
        """Begin without memory; what is kept is useless outside this process."""
        self._secret = secrets.token_bytes(32)
        self._right: dict[bytes, None] = {}
        self._wrong: dict[bytes, None] = {}
        self._turn = asyncio.Lock()

    async def allows(self, users: Mapping[str, str], header: str) -> bool:
        """Check an `Authorization` header against bcrypt hashes by user name.

        An unknown name costs as much time as a known one.
        """
        given = credentials(header)
        if given is None or not users:
            return False
        user, password = given
        hashed = users.get(user) or next(iter(users.values()))
        key = self._key(user, hashed, password)
        if key not in self._right and key not in self._wrong:
            async with self._turn:
                await self._learn(key, hashed, password)
        return key in self._right and user in users

    async def _learn(self, key: bytes, hashed: str, password: bytes) -> None:
        if key in self._right or key in self._wrong:
            return
        right = await asyncio.to_thread(
            bcrypt.checkpw, password[:_MOST_BYTES], hashed.encode()
        )
        memory = self._right if right else self._wrong
        memory[key] = None
        if len(memory) > _REMEMBERED:
            del memory[next(iter(memory))]

    def _key(self, user: str, hashed: str, password: bytes) -> bytes:
        parts = (user.encode(), hashed.encode(), password)
        whole = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return hmac.digest(self._secret, whole, "sha256")


def credentials(header: str) -> tuple[str, bytes] | None:
    """Read user and password from an `Authorization: Basic` header."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
        user, colon, password = decoded.partition(b":")
        return (user.decode(), password) if colon else None
    except (binascii.Error, ValueError):
        return None
