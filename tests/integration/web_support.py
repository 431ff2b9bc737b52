"""A service with fixed answers behind real pages, a client, and certificates."""

from __future__ import annotations

import asyncio
import gzip
import inspect
import io
import json
import ssl
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
import pytest
from openapi_schema_validator import OAS31Validator

from exporter.config import Config
from exporter.errors import ConfigError
from exporter.web.app import build
from exporter.web.openapi import document
from exporter.web.server import start

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from exporter.evidence import Kept
    from exporter.review.shape import Asked as ToReview
    from exporter.review.shape import ReviewError
    from exporter.web.server import Server
    from exporter.web.service import Item, TargetStatus
    from exporter.web.web_config import WebConfig

_PATIENCE = 120.0  # seconds: a bound for what hangs, not for what is slow


class FixedPage(NamedTuple):
    plain: bytes
    gzip: bytes


def page(text: str) -> FixedPage:
    return FixedPage(text.encode(), gzip.compress(text.encode()))


class FixedFigures(NamedTuple):
    end: str = "2026-11-21T12:00:00+00:00"
    report: str = '{"profile": "mcp-v2", "status": 0}'
    items: Mapping[str, list[Item]] = {}


def config(external_url: str | None = None) -> Config:
    made = Config.model_validate(
        {
            "postgres": {"orders": {"dsn": "postgresql://monitor@db1/orders"}},
            "neo4j": {"graph": {"uri": "bolt://graph:7687"}},
            "redis": {"cache": {"url": "redis://cache:6379/0"}},
            "host": {"local": {}},
            "links": {"external_url": external_url},
        }
    )
    for targets in (made.postgres, made.neo4j, made.redis, made.host):
        for name, target in targets.items():
            target.name_it(name)
    return made


class FixedService:
    """Says what it was told, and keeps what it was asked."""

    def __init__(self, everything: str = "all 1\n") -> None:
        self.config = config()
        self.everything = page(everything)
        self.one = page('redis_up{target="cache"} 0\n')
        self.answer_ready = (True, "every target was polled")
        self.problems: list[str] = []
        self.fault: Exception | None = None
        self.targets: list[TargetStatus] = []
        self.scrapes: list[tuple[str | None, str | None]] = []
        self.reloads = 0
        self.reviews: list[ToReview] = []
        self.refusal: ReviewError | None = None
        self.causes: dict[str, list[Kept]] = {"orders": []}
        self.figures = FixedFigures()

    @property
    def snapshot(self) -> FixedService:
        return self

    def page(self, target: str | None = None) -> FixedPage:
        if target is None:
            return self.everything
        return {"cache": self.one}[target]

    def own_page(self) -> FixedPage:
        if self.fault:
            raise self.fault
        return page("kpi_exporter_build_info 1\n")

    def runbook(self, name: str) -> str | None:
        return {"": "# All\n", "cpu_used": "# CPU\n\n**Is <it> `well`?**\n"}.get(name)

    def ready(self) -> tuple[bool, str]:
        return self.answer_ready

    async def reload(self) -> None:
        self.reloads += 1
        if self.problems:
            raise ConfigError(self.problems)

    def scraped(self, scope: str | None, remote: str | None) -> None:
        self.scrapes.append((scope, remote))

    def evidence(self, target: str, kpi: str | None) -> tuple[float, list[Kept]]:
        found = self.causes[target]
        return 100.0, [k for k in found if kpi is None or kpi in k.evidence.kpis]

    def kpis(self) -> list[str]:
        return ["pg_index_invalid", "pg_lock_waiters"]

    async def performance(self) -> FixedFigures:
        return self.figures

    async def review(self, asked: ToReview) -> dict[str, Any]:
        self.reviews.append(asked)
        if self.refusal:
            raise self.refusal
        return {"executed": False}

    def status(self) -> list[TargetStatus]:
        return self.targets


def port_of(server: Server) -> int:
    port: int = server.addresses[0][1]
    return port


@asynccontextmanager
async def serving(
    service: FixedService, web: WebConfig | None = None
) -> AsyncIterator[str]:
    """Serve on a free port of loopback; gives the address with its scheme."""
    server = await start(build(service, web), "127.0.0.1:0", web)
    scheme = "https" if web and web.context else "http"
    try:
        yield f"{scheme}://127.0.0.1:{port_of(server)}"
    finally:
        await server.cleanup()


@pytest.fixture
def service() -> FixedService:
    """Give a service as it is before a test changes what it says."""
    return FixedService()


@pytest.fixture
async def url(service: FixedService) -> AsyncIterator[str]:
    """Serve it; gives the address."""
    async with serving(service) as address:
        yield address


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Asked(NamedTuple):
    """What a request may have besides its address."""

    method: str = "GET"
    headers: Mapping[str, str] = {}
    trust: ssl.SSLContext | None = None
    body: bytes | None = None


async def ask(url: str, asked: Asked = Asked()) -> Answer:  # noqa: B008 - never changes
    """Ask once on a connection of its own; takes the body as it comes."""
    async with (
        aiohttp.ClientSession(
            auto_decompress=False,
            skip_auto_headers=["Accept-Encoding"],
            connector=aiohttp.TCPConnector(force_close=True, limit=0),
        ) as session,
        session.request(
            asked.method,
            url,
            headers=asked.headers,
            data=None if asked.body is None else io.BytesIO(asked.body),
            ssl=asked.trust or True,
        ) as answer,
    ):
        return Answer(answer.status, answer.headers, await answer.read())


def refusal(answer: Answer) -> dict[str, Any]:
    """Return the error of the platforms' API, checked by its own description."""
    assert answer.headers["Content-Type"].startswith("application/json")
    told: dict[str, Any] = json.loads(answer.body)
    OAS31Validator(document()["components"]["schemas"]["Error"]).validate(told)
    found: dict[str, Any] = told["error"]
    return found


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait for what has no event of its own; TimeoutError when it does not come."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            answer = condition()
            if await answer if inspect.isawaitable(answer) else answer:
                return
            await asyncio.sleep(0.05)


class Certificate(NamedTuple):
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


def certify(folder: Path, name: str, san: str, by: Certificate | None) -> Certificate:
    """Make a certificate with openssl: signed by itself (a CA) or by another."""
    made = Certificate(folder / f"{name}.crt", folder / f"{name}.key")
    signer = ("-CA", str(by.certificate), "-CAkey", str(by.key)) if by else ()
    extension = f"subjectAltName={san}" if by else "keyUsage=critical,keyCertSign"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"),
            *("-pkeyopt", "ec_paramgen_curve:P-256", "-subj", f"/CN={name}"),
            *("-addext", extension, *signer),
            *("-addext", f"basicConstraints=critical,CA:{'FALSE' if by else 'TRUE'}"),
            *("-keyout", str(made.key), "-out", str(made.certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return made


def trusting(authority: Certificate, own: Certificate | None = None) -> Asked:
    """Ask as a client that trusts this authority and may have a certificate."""
    context = ssl.create_default_context(cafile=str(authority.certificate))
    if own:
        context.load_cert_chain(own.certificate, own.key)
    return Asked(trust=context)


async def refused(url: str, asked: Asked) -> bool:
    """Say whether the connection itself was refused."""
    try:
        await ask(f"{url}/metrics", asked)
    except (aiohttp.ClientConnectionError, ssl.SSLError):
        return True
    return False


async def accepted(url: str, asked: Asked) -> bool:
    return not await refused(url, asked)
