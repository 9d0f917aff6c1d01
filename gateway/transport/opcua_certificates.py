"""Certificates of OPC UA applications: reading, judging, making and fetching them.

A server compares the application URI that a client states with the one in its certificate (OPC 10000-6, 6.2.2), so the
gateway states the URI of its certificate.
"""

import datetime as dt
import hashlib
import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.errors import SourceUnavailableError
from gateway.transport.opcua_source import Security

WARNED_DAYS_BEFORE = 30
_RSA_BITS = 2048
_LONGEST_DAYS = 3650


def certificates_in(path: Path) -> Iterator[x509.Certificate]:
    """Yield the certificates in a file (DER or PEM), or in each file of a folder; raises SourceUnavailableError."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
    except OSError as error:
        raise SourceUnavailableError(f"{path} cannot be read: {error.strerror}") from error
    for file in files:
        try:
            content = file.read_bytes()
            if content.lstrip().startswith(b"-----BEGIN"):
                yield from x509.load_pem_x509_certificates(content)
            else:
                yield x509.load_der_x509_certificate(content)
        except (OSError, ValueError) as error:
            raise SourceUnavailableError(f"{file} is no certificate that can be read: {error}") from error


def certificate_in(path: Path) -> x509.Certificate:
    """Return the first certificate in a file; raises SourceUnavailableError where there is none."""
    for certificate in certificates_in(path):
        return certificate
    raise SourceUnavailableError(f"{path} holds no certificate")


def application_uri_of(certificate: x509.Certificate) -> str | None:
    """Return the application URI that a certificate is made for, or None."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return str(uris[0]) if uris else None


def days_left(certificate: x509.Certificate, now: dt.datetime) -> float:
    """Return for how many days a certificate is still valid; below zero where it has expired."""
    return (certificate.not_valid_after_utc - now) / dt.timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What is wrong with a certificate, and what soon will be."""

    wrong: tuple[str, ...] = ()
    soon: tuple[str, ...] = ()


def judge(certificate: x509.Certificate, *, now: dt.datetime, private_key: Path | None = None) -> Judgement:
    """Return what speaks against a certificate; of our own (``private_key``) also what servers would refuse."""
    wrong, soon = [], []
    left = days_left(certificate, now)
    until = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
    if left < 0:
        wrong.append(f"has expired on {until}: make a new one with labline opcua certificate")
    elif left < WARNED_DAYS_BEFORE:
        soon.append(f"expires on {until}, in {left:.0f} days: make a new one with labline opcua certificate")
    if certificate.not_valid_before_utc > now:
        wrong.append(f"is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}: is this machine's clock right?")
    if private_key is not None:
        if application_uri_of(certificate) is None:
            wrong.append(
                "names no application URI, which servers refuse: labline opcua certificate makes one that does"
            )
        if not _fits(certificate, private_key):
            wrong.append("does not fit its private key: both must come from one labline opcua certificate")
    return Judgement(wrong=tuple(wrong), soon=tuple(soon))


def expires(security: Security, *, now_ns: int) -> bool:
    """Return whether our certificate, or every pinned one of the server, expires soon or has expired.

    Raises SourceUnavailableError where one cannot be read.
    """
    now = dt.datetime.fromtimestamp(now_ns / 1e9, dt.UTC)
    own = [judge(certificate, now=now) for certificate in certificates_in(security.certificate)]
    pinned = [judge(certificate, now=now) for certificate in certificates_in(security.server_certificate)]
    if any(judgement.wrong or judgement.soon for judgement in own):
        return True
    return bool(pinned) and all(judgement.wrong or judgement.soon for judgement in pinned)


def _fits(certificate: x509.Certificate, private_key: Path) -> bool:
    try:
        key = load_pem_private_key(private_key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return False
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(*form) == certificate.public_key().public_bytes(*form)


def sha256_of(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate in DER, in hexadecimal, as people compare it."""
    return hashlib.sha256(certificate).hexdigest()


def make_certificate(*, uri: str, hosts: Sequence[str], days: int, now: dt.datetime) -> tuple[bytes, bytes]:
    """Return (a new private key as PEM, its self-signed certificate as DER) of an application (OPC 10000-6, 6.2.2).

    Args:
        uri: the application URI, unique to this gateway.
        hosts: names and addresses of the machine.
        days: for how long it is valid, at most ten years.
        now: from when on.
    """
    if not 1 <= days <= _LONGEST_DAYS:
        raise ValueError(f"days must be from 1 to {_LONGEST_DAYS}")
    key = rsa.generate_private_key(public_exponent=65_537, key_size=_RSA_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, uri.rsplit(":", 1)[-1][:64] or "labline")])
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri), *(_general_name(host) for host in hosts)]
    certificate = _self_signed(key, name, names, days=days, now=now)
    return (
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        certificate.public_bytes(Encoding.DER),
    )


def renewed_certificate(certificate: x509.Certificate, private_key: Path, *, now: dt.datetime) -> x509.Certificate:
    """Return our certificate made again, with its key, its name and its application URI, valid as long as it was.

    Raises SourceUnavailableError where it is not ours, or the key cannot be read.
    """
    if certificate.issuer != certificate.subject:
        raise SourceUnavailableError("an authority has signed it: only that can renew it")
    if not _fits(certificate, private_key):
        raise SourceUnavailableError(f"{private_key} is not its private key")
    key = load_pem_private_key(private_key.read_bytes(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SourceUnavailableError(f"{private_key} is no RSA key")
    names = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    days = round((certificate.not_valid_after_utc - certificate.not_valid_before_utc) / dt.timedelta(days=1))
    return _self_signed(key, certificate.subject, names, days=min(max(days, 1), _LONGEST_DAYS), now=now)


def _self_signed(
    key: rsa.RSAPrivateKey, name: x509.Name, names: Sequence[x509.GeneralName], *, days: int, now: dt.datetime
) -> x509.Certificate:
    """Return a certificate of an application by its own key (OPC 10000-6, 6.2.2)."""
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))  # clocks may be a little apart
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .add_extension(_key_usage(), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        .sign(key, hashes.SHA256())
    )


def _key_usage() -> x509.KeyUsage:
    """Return what the key of an application may be used for."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
