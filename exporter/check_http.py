"""Asks other servers for pages: bounded in time and size, with clear errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import aiohttp

from exporter.errors import KpiExporterError

if TYPE_CHECKING:
    from types import TracebackType

_PATIENCE = 10.0  # seconds for one answer, from connecting to its last byte
_MOST_BYTES = 64 * 2**20  # after decompression
_CHUNK = 2**16
_REDIRECTS = 3
_SAID = 2000  # characters that are kept of what a refusal says
_LOGIN = (
    "wants a user and a password; write them into the URL: https://user:password@host"
)
_REFUSALS = {
    401: f"{_LOGIN} (401)",
    403: f"{_LOGIN} (403)",
    404: "there is no such page (404); is it the right address?",
}

_WORDS: dict[type[Exception], str] = {
    TimeoutError: f"no whole answer within {_PATIENCE:g} s",
    aiohttp.ClientSSLError: "TLS fails; does it speak https at all?",
    aiohttp.ClientConnectorDNSError: "the host's name is not known",
    aiohttp.TooManyRedirects: f"leads on more than {_REDIRECTS} times",
    aiohttp.InvalidURL: "is no URL that can be asked",
    aiohttp.NonHttpUrlClientError: "leads to what is no http or https URL",
}


class RefusedError(KpiExporterError):
    """A server answered, and not with success: its status, and what it said."""

    def __init__(self, words: str, answer: aiohttp.ClientResponse, said: str) -> None:
        """Take the words for the reader, and the answer."""
        super().__init__(words)
        self.status = answer.status
        self.said = " ".join(said[:_SAID].split())


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
        return await self._ask("GET", url, params=parameters)

    async def send(
        self, url: str, body: Any = None, *, method: str = "POST", token: str = ""
    ) -> str:
        """Send JSON (None: nothing) and return the answer's text; raises as `get`.

        `token` is a bearer's.
        """
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self._ask(method, url, json=body, headers=headers)

    async def _ask(self, method: str, url: str, **request: Any) -> str:
        try:
            return await self._answer(method, url, request)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise KpiExporterError(f"{shown(url)}: {_words(error)}") from error

    async def _answer(self, method: str, url: str, request: dict[str, Any]) -> str:
        call = self._session.request(
            method, url, max_redirects=_REDIRECTS, allow_redirects=True, **request
        )
        async with call as answer:
            found = bytearray()
            async for chunk in answer.content.iter_chunked(_CHUNK):
                found += chunk
                if len(found) > _MOST_BYTES:
                    raise KpiExporterError(
                        f"{shown(url)}: the answer is larger than 64 MiB"
                    )
            text = found.decode("utf-8", "replace")
            if not answer.ok:
                other = f"the answer was {answer.status} {answer.reason}"
                why = _REFUSALS.get(answer.status, other)
                raise RefusedError(f"{shown(url)}: {why}", answer, text)
            return text


def shown(url: str) -> str:
    """Write a URL without the user and the password in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


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
