"""Asks other servers for pages: bounded in time and size, with clear errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Self
from urllib.parse import urlsplit

import aiohttp

from exporter.errors import KpiExporterError

if TYPE_CHECKING:
    from types import TracebackType

_PATIENCE = 10.0  # seconds for one answer, from connecting to its last byte
_MOST_BYTES = 64 * 2**20  # after decompression
_CHUNK = 2**16
_REDIRECTS = 3
_NOT_FOUND = 404
_DENIED = (401, 403)
_LOGIN = (
    "wants a user and a password; write them into the URL: https://user:password@host"
)

_WORDS: dict[type[Exception], str] = {
    TimeoutError: f"no whole answer within {_PATIENCE:g} s",
    aiohttp.ClientSSLError: "TLS fails; does it speak https at all?",
    aiohttp.ClientConnectorDNSError: "the host's name is not known",
    aiohttp.TooManyRedirects: f"leads on more than {_REDIRECTS} times",
    aiohttp.InvalidURL: "is no URL that can be asked",
    aiohttp.NonHttpUrlClientError: "leads to what is no http or https URL",
}


class Browser:
    """A client for a few pages; closes its connections when it is left."""

    async def __aenter__(self) -> Self:
        """Begin without proxies and cookies."""
        timeout = aiohttp.ClientTimeout(total=_PATIENCE)
        jar = aiohttp.DummyCookieJar()
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=jar)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what is open."""
        await self._session.close()

    async def get(self, url: str, **parameters: str) -> str:
        """Return an answer's text; raises KpiExporterError with what went wrong."""
        try:
            return await self._get(url, parameters)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise KpiExporterError(f"{shown(url)}: {_words(error)}") from error

    async def _get(self, url: str, parameters: dict[str, str]) -> str:
        request = self._session.get(
            url, params=parameters, max_redirects=_REDIRECTS, allow_redirects=True
        )
        async with request as answer:
            if answer.status in _DENIED:
                _refuse(url, f"{_LOGIN} ({answer.status})")
            if answer.status == _NOT_FOUND:
                _refuse(url, "there is no such page (404); is it the right address?")
            found = bytearray()
            async for chunk in answer.content.iter_chunked(_CHUNK):
                found += chunk
                if len(found) > _MOST_BYTES:
                    _refuse(url, "the answer is larger than 64 MiB")
            if not answer.ok:
                _refuse(url, f"the answer was {answer.status} {answer.reason}")
            return found.decode("utf-8", "replace")


def shown(url: str) -> str:
    """Write a URL without the user and the password in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _refuse(url: str, why: str) -> NoReturn:
    raise KpiExporterError(f"{shown(url)}: {why}")


def _words(error: Exception) -> str:
    """Say what failed; the libraries' own texts may repeat a password in a URL."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = error.certificate_error
        return (
            f"its certificate is not trusted ({why}); SSL_CERT_FILE names authorities"
        )
    for kind, words in _WORDS.items():
        if isinstance(error, kind):
            return words
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot be reached: {error.strerror}"
    return "what answered does not speak HTTP as it should"
