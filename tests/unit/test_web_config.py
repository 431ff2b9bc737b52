"""The web configuration file: what is taken, and every complaint in full."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from exporter.errors import ConfigError
from exporter.web.tls import TlsServer
from exporter.web.web_config import RateLimit, WebConfig

if TYPE_CHECKING:
    from pathlib import Path

HASH = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"


def read(folder: Path, text: str) -> WebConfig:
    path = folder / "web.yml"
    path.write_text(text)
    return WebConfig(path)


def complaints(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        read(folder, text)
    prefix = f"{folder}/web.yml:"
    assert all(problem.startswith(prefix) for problem in refused.value.problems)
    return [problem.removeprefix(prefix) for problem in refused.value.problems]


@pytest.mark.parametrize(
    "text",
    ["", "{}", "# nothing", "tls_server_config:\nbasic_auth_users:\nrate_limit: {}"],
)
def test_an_empty_file_means_plain_http_for_everybody(
    tmp_path: Path, text: str
) -> None:
    config = read(tmp_path, text)
    assert config.context is None
    assert config.settings.basic_auth_users == {}
    assert config.settings.rate_limit == RateLimit()


def test_all_that_needs_no_certificate_is_read(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        f"""\
http_server_config:
  http2: false
  headers: {{X-Frame-Options: deny, X-XSS-Protection: 0, X-Content-Type-Options: ""}}
basic_auth_users:
  prometheus: {HASH}
  "12": {HASH}
rate_limit: {{interval: 500ms, burst: 20}}
""",
    ).settings
    assert settings.http_server_config.headers == {
        "X-Frame-Options": "deny",
        "X-XSS-Protection": "0",
        "X-Content-Type-Options": "",
    }
    assert set(settings.basic_auth_users) == {"prometheus", "12"}
    assert settings.rate_limit == RateLimit.model_validate(
        {"interval": "500ms", "burst": 20}
    )


def test_an_interval_of_zero_switches_the_limit_off(tmp_path: Path) -> None:
    config = read(tmp_path, "rate_limit: {interval: 0, burst: 0}")
    assert config.settings.rate_limit.interval == 0


def unwrapped(text: str) -> list[str]:
    """Split into lines; an indented line belongs to the one before it."""
    return text.replace("\n  ", " ").splitlines()


EVERYTHING_WRONG = f"""\
tls_server_config:
  cert_file: a.crt
  client_ca_file: ca.crt
  client_allowed_sans: [prometheus]
  min_version: TLS11
  max_version: SSL3
  curve_preferences: [X25519, CurveP256]
http_server_config:
  http2: true
  headers:
    Server: nginx
    X-Frame-Options: never
    Strict-Transport-Security: "a\\r\\nb"
basic_auth_users:
  alice: plain-password
  "a:b": {HASH}
rate_limit: {{interval: 1s}}
"""

COMPLAINTS = unwrapped("""\
1: tls_server_config: key_file (or key) is needed for TLS
3: tls_server_config.client_ca_file: is not used;
  set client_auth_type: RequireAndVerifyClientCert
4: tls_server_config.client_allowed_sans:
  needs client_auth_type: RequireAndVerifyClientCert
5: tls_server_config.min_version: OpenSSL has TLS11 switched off; use TLS12 or TLS13
6: tls_server_config.max_version: 'SSL3' is not a version; there are TLS12, TLS13
7: tls_server_config.curve_preferences: Python's ssl can be given one curve of
  CurveP256, CurveP384, CurveP521, and no order;
  leave the key out to have X25519 and all of these
9: http_server_config.http2: aiohttp has no HTTP/2; leave the key out or say false
11: http_server_config.headers.Server: cannot be set; there are
  Content-Security-Policy, Strict-Transport-Security, X-Content-Type-Options,
  X-Frame-Options, X-XSS-Protection
12: http_server_config.headers.X-Frame-Options: 'never' is not allowed;
  write deny or sameorigin
13: http_server_config.headers.Strict-Transport-Security:
  must be one line of ASCII text
15: basic_auth_users.alice: is no bcrypt hash; make one with: htpasswd -nBC 10 USER
16: basic_auth_users.a:b: a user's name cannot hold a colon
17: rate_limit.burst: at least 1 is needed, or nothing would be answered
""")


def test_every_complaint_is_made_in_one_go(tmp_path: Path) -> None:
    assert complaints(tmp_path, EVERYTHING_WRONG) == COMPLAINTS


MISTYPED = """\
tls_server_config:
  certfile: a.crt
http_server_config: yes please
rate_limit: {interval: 1, burst: few, burst: 2}
users: {}
"""

MISTYPED_COMPLAINTS = unwrapped("""\
2: tls_server_config.certfile: unknown key; there are cert, key, client_ca,
  cert_file, key_file, client_ca_file, client_auth_type, client_allowed_sans,
  min_version, max_version, cipher_suites, prefer_server_cipher_suites,
  curve_preferences
3: http_server_config: keys and values are wanted
4: rate_limit.burst: given twice, first on line 4
4: rate_limit.interval: 1 is not a duration; write 15s, 500ms or 1m30s
4: rate_limit.burst: a whole number is wanted
5: users: unknown key; there are tls_server_config, http_server_config,
  basic_auth_users, rate_limit
""")


def test_unknown_and_mistyped_keys_are_named_with_their_line(tmp_path: Path) -> None:
    assert complaints(tmp_path, MISTYPED) == MISTYPED_COMPLAINTS


UNVERIFIED = (
    "takes certificates unverified, which Python's ssl cannot do; use "
    "VerifyClientCertIfGiven or RequireAndVerifyClientCert"
)
BOTH_CAS = "client_ca: a, client_ca_file: b, client_auth_type: VerifyClientCertIfGiven"


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        (
            "client_auth_type: RequestClientCert",
            f"client_auth_type: RequestClientCert {UNVERIFIED}",
        ),
        (
            "client_auth_type: RequireAnyClientCert",
            f"client_auth_type: RequireAnyClientCert {UNVERIFIED}",
        ),
        (
            "client_auth_type: RequireClientCert",
            f"client_auth_type: RequireClientCert {UNVERIFIED}",
        ),
        (
            "client_auth_type: always",
            (
                "client_auth_type: 'always' is not a policy; there are NoClientCert, "
                "VerifyClientCertIfGiven, RequireAndVerifyClientCert"
            ),
        ),
        (
            "min_version: TLS13, max_version: TLS12",
            "min_version: is above max_version",
        ),
        (
            "cipher_suites: [TLS_AES_128_GCM_SHA256]",
            (
                "cipher_suites: leaves TLS 1.2 without a suite; add one or set "
                "min_version: TLS13"
            ),
        ),
        ("cert: inline", "cert: give cert or cert_file, not both"),
        ("key: inline", "key: give key or key_file, not both"),
        (BOTH_CAS, "client_ca: give client_ca or client_ca_file, not both"),
    ],
)
def test_what_tls_cannot_be_is_refused(
    tmp_path: Path, keys: str, complaint: str
) -> None:
    text = f"tls_server_config: {{cert_file: a, key_file: b, {keys}}}"
    assert complaints(tmp_path, text) == [f"1: tls_server_config.{complaint}"]


def test_a_suite_that_go_knows_and_openssl_lacks_is_refused(tmp_path: Path) -> None:
    text = (
        "tls_server_config: {cert_file: a, key_file: b, "
        "cipher_suites: [TLS_RSA_WITH_RC4_128_SHA, TLS_AES_128_GCM_SHA256], "
        "min_version: TLS13}"
    )
    problem = complaints(tmp_path, text)[0]
    start = "1: tls_server_config.cipher_suites: cannot have 'TLS_RSA_WITH_RC4_128_SHA'"
    assert problem.startswith(f"{start}; there are TLS_ECDHE_ECDSA_WITH_AES_128_GCM")


def test_a_long_inline_key_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    text = f"tls_server_config: {{cert_file: a, key: {'x' * 65536}}}"
    assert complaints(tmp_path, text) == [
        "1: tls_server_config.key: is longer than 65536 characters; use key_file"
    ]


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path) -> None:
    text = "tls_server_config:\n  cert_file: a.crt\n  key_file: /nowhere/a.key\n"
    (tmp_path / "a.crt").write_text("")
    why = "/nowhere/a.key cannot be read: No such file or directory"
    assert complaints(tmp_path, text) == [f"3: tls_server_config.key_file: {why}"]


def test_a_key_never_shows_in_what_is_printed(tmp_path: Path) -> None:
    text = (
        "tls_server_config: {cert: x, key: hidden-key}\nbasic_auth_users: {a: hidden}"
    )
    assert "hidden" not in "".join(complaints(tmp_path, text))
    assert "hidden" not in repr(TlsServer(cert="x", key="hidden"))


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    assert complaints(tmp_path, "- a\n") == ["1: keys and values are wanted"]


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        WebConfig(tmp_path / "no.yml")
    path = tmp_path / "no.yml"
    assert refused.value.problems == [
        f"{path}: cannot be read: No such file or directory"
    ]


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    config = read(tmp_path, f"basic_auth_users: {{a: {HASH}}}")
    before = config.settings
    assert not config.refresh()
    assert config.settings is before


def test_a_changed_file_is_read_again_even_within_one_tick_of_its_clock(
    tmp_path: Path,
) -> None:
    config = read(tmp_path, f"basic_auth_users: {{a: {HASH}}}")
    path = tmp_path / "web.yml"
    moment = path.stat().st_mtime_ns
    (tmp_path / "next.yml").write_text(f"basic_auth_users: {{b: {HASH}}}")
    (tmp_path / "next.yml").replace(path)
    os.utime(path, ns=(moment, moment))
    assert config.refresh()
    assert set(config.settings.basic_auth_users) == {"b"}


def test_a_file_that_vanishes_keeps_what_was_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = read(tmp_path, f"basic_auth_users: {{a: {HASH}}}")
    (tmp_path / "web.yml").unlink()
    assert [config.refresh(), config.refresh()] == [False, False]
    assert set(config.settings.basic_auth_users) == {"a"}
    assert len(caplog.records) == 1
