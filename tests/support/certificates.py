"""A throw-away authority and certificates of servers, made by the tests that need them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chassis import clock

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """One authority; `file` is what clients are given."""

    file: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    def sign(self, folder: Path, host: str, *, days: int = 2) -> None:
        """Write server.pem and server.key for a host into `folder`; with negative days it has expired already."""
        key = ec.generate_private_key(ec.SECP256R1())
        end = clock.now() + days * DAY
        built = _builder(_name(host), self.name, key, end).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
        )
        _write(folder / "server.pem", built.sign(self.key, hashes.SHA256()))
        (folder / "server.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )


def authority(file: Path) -> Authority:
    """Make an authority and write its certificate."""
    key, name = ec.generate_private_key(ec.SECP256R1()), _name(f"Throw-away {file.stem}")
    usage = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    built = (
        _builder(name, name, key, clock.now() + 9 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(key_cert_sign=True, **usage), critical=True)
    )
    _write(file, built.sign(key, hashes.SHA256()))
    return Authority(file, key, name)


def _builder(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, end: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(clock.now(), end) - DAY)
        .not_valid_after(end)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _write(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
