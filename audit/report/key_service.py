"""Signing with a key that a key service keeps: only digests go there, only signatures come back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from asn1crypto import x509 as asn1_x509
from pyhanko.sign import signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

from audit.errors import UsageError
from audit.sources.kms import KmsKey

_ECDSA = {"secp256r1": "sha256", "secp384r1": "sha384", "secp521r1": "sha512"}
"""The one digest that KMS signs with a key on each curve."""

_LONGEST = 512
"""Bytes of a signature at most: RSA of 4096 bits."""


class KeyServiceSigner(signers.Signer):
    """What pyHanko asks for signatures.

    Args:
        key: in the service.
        certificate: of the key (asn1crypto).
        chain: certificates between it and its root.

    Raises:
        UsageError: the service can't be asked, the certificate is not the key's, or the key is of a kind that no report is signed with.
    """

    def __init__(self, key: KmsKey, certificate: Any, chain: Sequence[Any]) -> None:
        registry = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        registry.register_multiple(chain)
        super().__init__(signing_cert=certificate, cert_registry=registry)
        self._key = key
        self.digest, self._algorithm = _algorithm(certificate)
        if key.public_key() != certificate.public_key.dump():
            raise UsageError(
                f"report_signature: {key.name} is not the key of the certificate",
                remedy="name the certificate that was issued for this key",
            )

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """The signature of data; room for it in a dry run."""
        if dry_run:
            return bytes(_LONGEST)
        return self._key.sign(hashlib.new(digest_algorithm, data).digest(), self._algorithm)


def _algorithm(certificate: asn1_x509.Certificate) -> tuple[str, str]:
    """The digest, and KMS's name of the algorithm, for a certificate's key."""
    kind = certificate.public_key.algorithm
    if kind == "rsa":
        return "sha256", "RSASSA_PKCS1_V1_5_SHA_256"
    digest = _ECDSA.get(str(certificate.public_key.curve[1])) if kind == "ec" else None
    if digest is None:
        raise UsageError(
            "report_signature: the certificate's key is neither RSA nor on a curve of NIST's",
            remedy="make a key in the service of kind RSA_2048 or more, or ECC_NIST_P256, P384 or P521",
        )
    return digest, f"ECDSA_SHA_{digest.removeprefix('sha')}"
