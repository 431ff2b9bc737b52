"""Turns `tls_server_config` of a web configuration into what Python's ssl can do."""

from __future__ import annotations

import os
import ssl
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from exporter.config_values import Strict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_OLD_VERSIONS = ("TLS10", "TLS11")
_POLICIES = {
    "": ssl.CERT_NONE,
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
_SUITES_OF_TLS12 = {
    f"TLS_ECDHE_{key}_WITH_{go}": f"ECDHE-{key}-{openssl}"
    for key in ("ECDSA", "RSA")
    for go, openssl in {
        "AES_128_GCM_SHA256": "AES128-GCM-SHA256",
        "AES_256_GCM_SHA384": "AES256-GCM-SHA384",
        "CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305",
        "AES_128_CBC_SHA": "AES128-SHA",
        "AES_256_CBC_SHA": "AES256-SHA",
    }.items()
}
_SUITES_OF_TLS13 = (  # always on, in Go as in Python
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
)
_CURVES = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
}
_LONGEST_INLINE = 65536  # what a pipe holds without a reader

Problem = tuple[str, str]


class TlsServer(Strict):
    """The keys of `tls_server_config`; an empty text is the same as no key."""

    cert: str = ""
    key: str = Field(default="", repr=False)
    client_ca: str = ""
    cert_file: str = ""
    key_file: str = ""
    client_ca_file: str = ""
    client_auth_type: str = ""
    client_allowed_sans: tuple[str, ...] | None = None
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True
    curve_preferences: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """The files it names, as they are written."""
        names = (self.cert_file, self.key_file, self.client_ca_file)
        return tuple(name for name in names if name)


class UnusableError(Exception):
    """A certificate, key or CA cannot be loaded; `key` is the key it is given by."""

    def __init__(self, key: str, message: str) -> None:
        """Keep the key, so that the reader is led to its line."""
        super().__init__(message)
        self.key = key


def problems(tls: TlsServer) -> Iterator[Problem]:
    """Yield each key that is wrong or cannot be honoured, with what to do about it."""
    for name in ("cert", "key"):
        yield from _one_of(tls, name)
    if tls.client_ca and tls.client_ca_file:
        yield "client_ca", "give client_ca or client_ca_file, not both"
    yield from _client_problems(tls)
    yield from _version_problems(tls)
    yield from _suite_problems(tls)
    yield from _curve_problems(tls)


def context(tls: TlsServer, folder: Path) -> ssl.SSLContext:
    """Make a server's context; raises UnusableError.

    Relative file names start at `folder`, which is where the web configuration lies.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = _VERSIONS[tls.min_version]
    made.maximum_version = _VERSIONS[tls.max_version]
    made.verify_mode = _POLICIES[tls.client_auth_type]
    suites = [s for s in tls.cipher_suites if s in _SUITES_OF_TLS12]
    if suites:
        made.set_ciphers(":".join(_SUITES_OF_TLS12[suite] for suite in suites))
    if not tls.prefer_server_cipher_suites:
        made.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    for curve in tls.curve_preferences:
        made.set_ecdh_curve(_CURVES[curve])
    _load_certificate(made, tls, folder)
    if made.verify_mode != ssl.CERT_NONE:
        _load_client_ca(made, tls, folder)
    return made


def names(certificate: Mapping[str, object] | None) -> frozenset[str]:
    """Return the subject alternative names of what `getpeercert` gave.

    DNS names, e-mail addresses, IP addresses in their usual spelling, and URIs.
    """
    found = (certificate or {}).get("subjectAltName", ())
    entries = found if isinstance(found, tuple) else ()
    return frozenset(
        str(ip_address(value.strip())) if kind == "IP Address" else value
        for kind, value in entries
        if kind in ("DNS", "email", "IP Address", "URI")
    )


def _one_of(tls: TlsServer, name: str) -> Iterator[Problem]:
    inline, file = getattr(tls, name), getattr(tls, f"{name}_file")
    if inline and file:
        yield name, f"give {name} or {name}_file, not both"
    elif not inline and not file:
        yield "", f"{name}_file (or {name}) is needed for TLS"
    elif len(inline) >= _LONGEST_INLINE:
        yield name, f"is longer than {_LONGEST_INLINE} characters; use {name}_file"


def _client_problems(tls: TlsServer) -> Iterator[Problem]:
    policy = tls.client_auth_type
    if policy in _UNVERIFIED:
        message = (
            f"{policy} takes certificates unverified, which Python's ssl cannot do; "
            "use VerifyClientCertIfGiven or RequireAndVerifyClientCert"
        )
        yield "client_auth_type", message
    elif policy not in _POLICIES:
        known = ", ".join(name for name in _POLICIES if name)
        yield "client_auth_type", f"{policy!r} is not a policy; there are {known}"
    elif _POLICIES[policy] == ssl.CERT_NONE and (tls.client_ca or tls.client_ca_file):
        key = "client_ca" if tls.client_ca else "client_ca_file"
        yield key, "is not used; set client_auth_type: RequireAndVerifyClientCert"
    if tls.client_allowed_sans is not None and policy != "RequireAndVerifyClientCert":
        message = "needs client_auth_type: RequireAndVerifyClientCert"
        yield "client_allowed_sans", message


def _version_problems(tls: TlsServer) -> Iterator[Problem]:
    for key in ("min_version", "max_version"):
        version = getattr(tls, key)
        if version in _OLD_VERSIONS:
            yield key, f"OpenSSL has {version} switched off; use TLS12 or TLS13"
        elif version not in _VERSIONS:
            yield key, f"{version!r} is not a version; there are TLS12, TLS13"
    if (tls.min_version, tls.max_version) == ("TLS13", "TLS12"):
        yield "min_version", "is above max_version"


def _suite_problems(tls: TlsServer) -> Iterator[Problem]:
    for suite in tls.cipher_suites:
        if suite not in _SUITES_OF_TLS12 and suite not in _SUITES_OF_TLS13:
            known = ", ".join((*_SUITES_OF_TLS12, *_SUITES_OF_TLS13))
            yield "cipher_suites", f"cannot have {suite!r}; there are {known}"
    only_new = all(suite in _SUITES_OF_TLS13 for suite in tls.cipher_suites)
    if tls.cipher_suites and only_new and tls.min_version == "TLS12":
        message = "leaves TLS 1.2 without a suite; add one or set min_version: TLS13"
        yield "cipher_suites", message


def _curve_problems(tls: TlsServer) -> Iterator[Problem]:
    curves = tls.curve_preferences
    if len(curves) > 1 or any(curve not in _CURVES for curve in curves):
        message = (
            f"Python's ssl can be given one curve of {', '.join(_CURVES)}, and no "
            "order; leave the key out to have X25519 and all of these"
        )
        yield "curve_preferences", message


def _load_certificate(made: ssl.SSLContext, tls: TlsServer, folder: Path) -> None:
    with ExitStack() as stack:
        certificate = stack.enter_context(_readable(tls, "cert", folder))
        key = stack.enter_context(_readable(tls, "key", folder))
        try:
            made.load_cert_chain(certificate, key, password="")
        except ssl.SSLError as error:
            raise UnusableError(
                _key(tls, "cert"),
                f"is no usable certificate with its key: {_reason(error)}",
            ) from error


def _load_client_ca(made: ssl.SSLContext, tls: TlsServer, folder: Path) -> None:
    if not tls.client_ca and not tls.client_ca_file:
        made.load_default_certs(ssl.Purpose.CLIENT_AUTH)
        return
    with _readable(tls, "client_ca", folder) as name:
        try:
            made.load_verify_locations(name)
        except ssl.SSLError as error:
            raise UnusableError(
                _key(tls, "client_ca"), f"holds no usable CA: {_reason(error)}"
            ) from error


@contextmanager
def _readable(tls: TlsServer, name: str, folder: Path) -> Iterator[str]:
    """Give a file name to read from; inline text goes through a pipe, never to disk."""
    if file := getattr(tls, f"{name}_file"):
        path = folder / Path(file)
        try:
            path.open("rb").close()
        except OSError as error:
            raise UnusableError(
                f"{name}_file", f"{path} cannot be read: {error.strerror}"
            ) from error
        yield str(path)
        return
    reader, writer = os.pipe()
    try:
        with os.fdopen(writer, "w") as file:
            file.write(getattr(tls, name))
        yield f"/dev/fd/{reader}"
    finally:
        os.close(reader)


def _key(tls: TlsServer, name: str) -> str:
    return f"{name}_file" if getattr(tls, f"{name}_file") else name


def _reason(error: ssl.SSLError) -> str:
    reason = error.reason or "PEM"
    if "PEM" in reason or reason == "NO_START_LINE":
        return "not in PEM format"
    return reason.lower().replace("_", " ")
