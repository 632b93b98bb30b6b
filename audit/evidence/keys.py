"""The keys that sign manifests and verify them: Ed25519, from PEM files that the settings name."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from securesystemslib.signer import (  # type: ignore[attr-defined]  # it re-exports them without saying so
    CryptoSigner,
    Key,
    Signer,
    SSlibKey,
)

from audit.errors import UsageError
from audit.settings import Settings

__all__ = ["Key", "Signer", "signer", "verifiers"]

_MAKE = "make one with: openssl genpkey -algorithm ed25519 -out manifest-key.pem"
_EXPORT = "export it with: openssl pkey -in manifest-key.pem -pubout -out manifest-key.pub.pem"


def signer(settings: Settings) -> CryptoSigner | None:
    """What signs manifests; None when the settings name no key.

    Raises:
        UsageError: the file can't be read or holds no unencrypted Ed25519 private key.
    """
    if settings.signing.key_file is None:
        return None
    path = settings.resolve(settings.signing.key_file)
    try:
        private = load_pem_private_key(_bytes("signing.key_file", path), password=None)
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise UsageError(f"signing.key_file: {path}: not an Ed25519 private key (PEM, PKCS#8)", remedy=_MAKE)
    return CryptoSigner(private)


def verifiers(settings: Settings) -> list[Key]:
    """The public keys that manifests are verified with: those the settings name, and the signing key's own.

    Raises:
        UsageError: a file can't be read or holds no Ed25519 public key.
    """
    own = signer(settings)
    keys: dict[str, Key] = {} if own is None else {own.public_key.keyid: own.public_key}
    for name in settings.signing.public_keys:
        path = settings.resolve(name)
        try:
            public = load_pem_public_key(_bytes("signing.public_keys", path))
        except ValueError:
            public = None
        if not isinstance(public, Ed25519PublicKey):
            raise UsageError(f"signing.public_keys: {path}: not an Ed25519 public key (PEM)", remedy=_EXPORT)
        key = SSlibKey.from_crypto(public)
        keys[key.keyid] = key
    return list(keys.values())


def _bytes(setting: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{setting}: {path}: can't be read: {error.strerror}", remedy="check the path and its permissions"
        ) from None
