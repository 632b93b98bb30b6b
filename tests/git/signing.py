"""Real keys and signed commits for tests: GnuPG, OpenSSH and a certificate authority of one's own."""

from __future__ import annotations

import base64
import contextlib
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from git_repo import Repo

from audit.settings import Settings

PACKAGES = {"gpg": "gpg gpg-agent", "gpgsm": "gpgsm", "ssh-keygen": "openssh-client"}
CREATED = "20260101T000000"


def require(*programs: str) -> None:
    """Fails with what to install: signatures that nothing verified would prove nothing."""
    missing = [PACKAGES[program] for program in programs if shutil.which(program) is None]
    if missing:
        pytest.fail(f"programs are missing; type: apt-get install {' '.join(missing)}", pytrace=False)


def settings_with(**signatures: Any) -> Settings:
    return Settings.model_validate({"organisation": {"name": "NETBPF"}, "signatures": signatures})


class OpenPGP:
    """Keys in a home of their own (its path is short: it holds sockets)."""

    def __init__(self) -> None:
        require("gpg")
        self.home = Path(tempfile.mkdtemp(prefix="keys-"))
        self.fingerprints: dict[str, str] = {}

    def gpg(self, *args: str, at: str = CREATED, stdin: bytes = b"", ok: tuple[int, ...] = (0,)) -> bytes:
        command = [
            "gpg",
            "--homedir",
            str(self.home),
            "--batch",
            "--no-tty",
            "--quiet",
            "--pinentry-mode",
            "loopback",
        ]
        done = subprocess.run(
            [*command, "--passphrase", "", "--faked-system-time", f"{at}!", *args],
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert done.returncode in ok, done.stderr.decode()
        return done.stdout

    def make(self, name: str) -> str:
        """A signing key; returns its fingerprint."""
        user = f"{name.capitalize()} <{name}@example.org>"
        self.gpg("--quick-gen-key", user, "ed25519", "sign", "never")
        self.fingerprints[name] = self.listed(f"{name}@example.org")[0]
        return self.fingerprints[name]

    def listed(self, user: str) -> list[str]:
        """Fingerprints of a key and its subkeys."""
        lines = self.gpg("--with-colons", "--list-keys", user).decode().splitlines()
        return [line.split(":")[9] for line in lines if line.startswith("fpr:")]

    def export(self, name: str, *, secret: bool = False) -> bytes:
        return self.gpg("--armor", "--export-secret-keys" if secret else "--export", f"{name}@example.org")

    def revoke(self, name: str) -> None:
        """Takes the key back with the certificate that GnuPG made along with it."""
        certificate = self.home / "openpgp-revocs.d" / f"{self.fingerprints[name]}.rev"
        self.gpg("--import", stdin=certificate.read_bytes().replace(b":-----BEGIN", b"-----BEGIN"))

    def sign(self, payload: bytes, name: str, *, at: int, how: str = "--detach-sign") -> bytes:
        """An armored signature of `payload`, made at `at` (seconds since 1970)."""
        when = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%S")
        return self.gpg("--armor", how, "--local-user", self.fingerprints[name], at=when, stdin=payload)

    def close(self) -> None:
        subprocess.run(
            ["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=False, capture_output=True
        )
        shutil.rmtree(self.home, ignore_errors=True)


class Authority:
    """A certificate authority, and certificates that it gives."""

    def __init__(self, name: str, *, above: Authority | None = None) -> None:
        self.name = name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.above = above
        issuer = above or self
        self.certificate = _certificate(self.name, self.key, issuer, "2020-01-01", "2040-01-01", True)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def sign(
        self,
        payload: bytes,
        name: str,
        *,
        start: str = "2026-01-01",
        end: str = "2027-01-01",
        chain: tuple[Authority, ...] = (),
    ) -> bytes:
        """A signature by a new certificate of this authority; `chain` goes along in the signature."""
        key = ec.generate_private_key(ec.SECP256R1())
        own = _certificate(name, key, self, start, end, False)
        builder = pkcs7.PKCS7SignatureBuilder().set_data(payload).add_signer(own, key, hashes.SHA256())
        for authority in chain:
            builder = builder.add_certificate(authority.certificate)
        options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
        der = builder.sign(serialization.Encoding.DER, options)
        return (
            b"-----BEGIN SIGNED MESSAGE-----\n" + base64.encodebytes(der) + b"-----END SIGNED MESSAGE-----\n"
        )


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: Authority, start: str, end: str, authority: bool
) -> x509.Certificate:
    def named(common: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)] if common else [])

    usage = x509.KeyUsage(
        digital_signature=not authority, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=authority, crl_sign=authority, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer.name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromisoformat(start).replace(tzinfo=UTC))
        .not_valid_after(datetime.fromisoformat(end).replace(tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(issuer.key, hashes.SHA256())
    )


def ssh_key(folder: Path, name: str) -> tuple[Path, str]:
    """A private key file, and the public key (type and base64)."""
    require("ssh-keygen")
    folder.mkdir(exist_ok=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return folder / name, " ".join((folder / f"{name}.pub").read_text().split()[:2])


def ssh_fingerprint(key: Path) -> str:
    said = subprocess.run(["ssh-keygen", "-lf", str(key)], check=True, capture_output=True, text=True).stdout
    return said.split()[1]


def payload(repo: Repo, message: str, *, at: int | None = None) -> bytes:
    """A new commit's object without a signature."""
    repo.clock += 60
    kept, repo.clock = repo.clock, repo.clock if at is None else at
    sha = repo.git("commit-tree", "-F", "-", "-p", "HEAD", "HEAD^{tree}", stdin=f"{message}\n".encode())
    repo.clock = kept
    return repo.git("cat-file", "commit", sha).encode("utf-8", "surrogateescape") + b"\n"


def header(signature: bytes, name: str = "gpgsig") -> bytes:
    return name.encode() + b" " + signature.rstrip(b"\n").replace(b"\n", b"\n ") + b"\n"


def store(repo: Repo, unsigned: bytes, *headers: bytes) -> str:
    """The commit with headers put behind its own."""
    head, _, message = unsigned.partition(b"\n\n")
    whole = head + b"\n" + b"".join(headers) + b"\n" + message
    return repo.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=whole)


def left_behind(folder: Path) -> list[str]:
    """What is still in a folder, and running programs that were told of it."""
    running = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            told = (process / "cmdline").read_bytes()
            if str(folder).encode() in told:
                running.append(told.replace(b"\0", b" ").decode())
    return sorted(file.name for file in folder.iterdir()) + running
