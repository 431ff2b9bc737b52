"""TLS on real connections: who is let in, and certificates that change meanwhile."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from typing import TYPE_CHECKING

import aiohttp
import pytest

from exporter.web.app import build
from exporter.web.server import start
from exporter.web.web_config import WebConfig
from tests.integration.web_support import (
    Certificate,
    FixedService,
    accepted,
    ask,
    certify,
    refused,
    serving,
    trusting,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path

HERE = "IP:127.0.0.1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certify(tmp_path_factory.mktemp("ca"), "ca", "", None)


@pytest.fixture
def folder(tmp_path: Path, authority: Certificate) -> Path:
    certify(tmp_path, "server", HERE, authority)
    return tmp_path


def web_config(folder: Path, *lines: str) -> WebConfig:
    path = folder / "web.yml"
    files = ("cert_file: server.crt", "key_file: server.key")
    text = "\n".join(f"  {line}" for line in (*files, *lines))
    path.write_text(f"tls_server_config:\n{text}\n")
    return WebConfig(path)


async def test_a_page_of_many_pieces_comes_whole(
    folder: Path, authority: Certificate
) -> None:
    text = "".join(f'a{{b="{number}"}} 1\n' for number in range(50_000))
    async with serving(FixedService(text), web_config(folder)) as url:
        async with asyncio.timeout(10):
            answer = await ask(f"{url}/metrics", trusting(authority))
    assert url.startswith("https://")
    assert answer.text == text


async def test_discovery_says_https(folder: Path, authority: Certificate) -> None:
    async with serving(FixedService(), web_config(folder)) as url:
        answer = await ask(f"{url}/sd", trusting(authority))
    assert '"__scheme__": "https"' in answer.text


async def test_certificate_and_key_may_stand_in_the_file_itself(
    folder: Path, authority: Certificate
) -> None:
    def indented(path: Path) -> str:
        return path.read_text().replace("\n", "\n    ")

    path = folder / "web.yml"
    path.write_text(
        "tls_server_config:\n"
        f"  cert: |\n    {indented(folder / 'server.crt')}\n"
        f"  key: |\n    {indented(folder / 'server.key')}\n"
        f"  client_ca: |\n    {indented(authority.certificate)}\n"
        "  client_auth_type: RequireAndVerifyClientCert\n"
    )
    client = certify(folder, "prometheus", "DNS:prometheus", authority)
    async with serving(FixedService(), WebConfig(path)) as url:
        assert await refused(url, trusting(authority))
        answer = await ask(f"{url}/metrics", trusting(authority, client))
    assert answer.status == 200


async def test_a_client_without_a_required_certificate_is_refused(
    folder: Path, authority: Certificate
) -> None:
    config = web_config(
        folder,
        f"client_ca_file: {authority.certificate}",
        "client_auth_type: RequireAndVerifyClientCert",
    )
    stranger = certify(folder, "other-ca", "", None)
    foreign = certify(folder, "foreign", "DNS:prometheus", stranger)
    known = certify(folder, "known", "DNS:prometheus", authority)
    async with serving(FixedService(), config) as url:
        assert await refused(url, trusting(authority))
        assert await refused(url, trusting(authority, foreign))
        assert await accepted(url, trusting(authority, known))


async def test_an_optional_certificate_is_verified_when_given(
    folder: Path, authority: Certificate
) -> None:
    config = web_config(
        folder,
        f"client_ca_file: {authority.certificate}",
        "client_auth_type: VerifyClientCertIfGiven",
    )
    stranger = certify(folder, "other-ca", "", None)
    foreign = certify(folder, "foreign", "DNS:prometheus", stranger)
    async with serving(FixedService(), config) as url:
        assert await accepted(url, trusting(authority))
        assert await refused(url, trusting(authority, foreign))


@pytest.mark.parametrize(
    ("san", "status"),
    [
        ("DNS:prometheus", 200),
        ("DNS:other,URI:spiffe://test/prometheus", 200),
        ("email:ops@example.test", 200),
        ("IP:2001:db8::1", 200),
        ("DNS:prometheus.evil", 403),
    ],
)
async def test_only_the_allowed_names_of_client_certificates_pass(
    san: str, status: int, folder: Path, authority: Certificate
) -> None:
    names = ("prometheus", "spiffe://test/prometheus", "ops@example.test")
    config = web_config(
        folder,
        f"client_ca_file: {authority.certificate}",
        "client_auth_type: RequireAndVerifyClientCert",
        f"client_allowed_sans: ['2001:db8::1', {', '.join(map(repr, names))}]",
    )
    client = certify(folder, "client", san, authority)
    async with serving(FixedService(), config) as url:
        answer = await ask(f"{url}/metrics", trusting(authority, client))
    assert answer.status == status


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), ("TLSv1.3", "TLS_AES_256_GCM_SHA384")),
        (
            (
                "max_version: TLS12",
                "cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]",
            ),
            ("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        ),
    ],
)
async def test_versions_and_suites_are_honoured(
    lines: tuple[str, ...],
    expected: tuple[str, str],
    folder: Path,
    authority: Certificate,
) -> None:
    async with serving(FixedService(), web_config(folder, *lines)) as url:
        host, _, port = url.removeprefix("https://").partition(":")
        _, writer = await asyncio.open_connection(
            host, int(port), ssl=trusting(authority).trust
        )
        version = writer.get_extra_info("ssl_object").version()
        suite = writer.get_extra_info("cipher")[0]
        writer.close()
        await writer.wait_closed()
    assert (version, suite) == expected


async def test_a_client_below_the_lowest_version_is_refused(
    folder: Path, authority: Certificate
) -> None:
    asked = trusting(authority)
    assert asked.trust is not None
    asked.trust.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serving(FixedService(), web_config(folder, "min_version: TLS13")) as url:
        assert await refused(url, asked)


async def test_a_single_curve_is_honoured(folder: Path, authority: Certificate) -> None:
    config = web_config(folder, "curve_preferences: [CurveP384]")
    async with serving(FixedService(), config) as url:
        for curve, passes in (("prime256v1", False), ("secp384r1", True)):
            asked = trusting(authority)
            assert asked.trust is not None
            asked.trust.set_ecdh_curve(curve)
            assert await accepted(url, asked) == passes


@pytest.mark.parametrize("preferred", [True, False])
async def test_whose_order_of_suites_counts_can_be_chosen(
    folder: Path, *, preferred: bool
) -> None:
    config = web_config(folder, f"prefer_server_cipher_suites: {preferred}")
    assert config.context is not None
    option = ssl.OP_CIPHER_SERVER_PREFERENCE
    assert bool(config.context.options & option) is preferred


async def test_without_a_client_authority_the_systems_own_count(
    folder: Path, authority: Certificate
) -> None:
    config = web_config(folder, "client_auth_type: RequireAndVerifyClientCert")
    known_to_us_alone = certify(folder, "client", "DNS:prometheus", authority)
    async with serving(FixedService(), config) as url:
        assert await refused(url, trusting(authority, known_to_us_alone))


async def test_a_changed_certificate_is_taken_while_connections_go_on(
    folder: Path, authority: Certificate
) -> None:
    new = folder / "new"
    new.mkdir()
    other = certify(new, "other-ca", "", None)
    certify(new, "server", HERE, other)
    async with serving(FixedService(), web_config(folder)) as url:
        connector = aiohttp.TCPConnector(ssl=trusting(authority).trust or True)
        async with aiohttp.ClientSession(connector=connector) as session:
            before = await session.get(f"{url}/metrics")
            assert before.status == 200
            await before.read()
            shutil.copy(new / "server.crt", folder)
            shutil.copy(new / "server.key", folder)

            await until(lambda: accepted(url, trusting(other)))
            after = await session.get(f"{url}/metrics")
            assert (after.status, await after.read()) == (200, b"all 1\n")
        assert await refused(url, trusting(authority))


async def test_a_changed_certificate_leaves_no_listener_behind(folder: Path) -> None:
    config = web_config(folder)
    server = await start(build(FixedService(), config), "127.0.0.1:0", config)
    (first,) = server.sites
    (folder / "web.yml").touch()
    await until(lambda: server.sites.isdisjoint({first}))
    sites = len(server.sites)
    await server.cleanup()
    assert sites == 1


async def test_a_changed_client_authority_shuts_out_the_old_one(
    folder: Path, authority: Certificate
) -> None:
    shutil.copy(authority.certificate, folder / "clients.crt")
    config = web_config(
        folder,
        "client_ca_file: clients.crt",
        "client_auth_type: RequireAndVerifyClientCert",
    )
    old = certify(folder, "old", "DNS:prometheus", authority)
    other = certify(folder, "other-ca", "", None)
    new = certify(folder, "new", "DNS:prometheus", other)
    async with serving(FixedService(), config) as url:
        assert await accepted(url, trusting(authority, old))
        shutil.copy(other.certificate, folder / "clients.crt")
        await until(lambda: refused(url, trusting(authority, old)))
        assert await accepted(url, trusting(authority, new))


async def test_a_broken_certificate_keeps_the_old_one_and_is_logged_once(
    folder: Path, authority: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    config = web_config(folder)
    certificate = (folder / "server.crt").read_text()
    async with serving(FixedService(), config) as url:
        (folder / "half.crt").write_text(certificate[:100])
        (folder / "half.crt").replace(folder / "server.crt")
        await until(lambda: bool(caplog.records))
        assert not config.refresh()
        assert await accepted(url, trusting(authority))
    (folder / "server.crt").write_text(certificate)
    assert config.refresh()
    problems = [vars(r)["fields"]["problems"] for r in caplog.records[:1]]
    key = f"{folder}/web.yml:2: tls_server_config.cert_file"
    why = "is no usable certificate with its key: not in PEM format"
    assert problems == [f"{key}: {why}"]
    assert len([r for r in caplog.records if r.levelname == "ERROR"]) == 1
