"""A key that stays in AWS KMS, or in a service that speaks as it does: it signs digests that are sent to it."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

from audit.errors import UsageError
from audit.sources.failures import FAILURES

_REMEDY = (
    "check report_signature.kms_key, kms_region and kms_endpoint_url, that boto3 finds credentials, and that they may do "
    "kms:GetPublicKey and kms:Sign with the key"
)


class KmsKey:
    """One asymmetric key for signing.

    Args:
        name: id, ARN or alias.
        region, endpoint_url: as boto3 takes them; None for what its own chain finds.
    """

    def __init__(self, name: str, *, region: str | None = None, endpoint_url: str | None = None) -> None:
        self.name = name
        try:
            session = boto3.Session(region_name=region)
            self._client: Any = session.client(
                "kms",
                endpoint_url=endpoint_url,
                config=Config(connect_timeout=10, read_timeout=30, retries={"mode": "standard"}),
            )
        except FAILURES as error:
            raise self._failed(error) from None

    def public_key(self) -> bytes:
        """Its public half (DER, SubjectPublicKeyInfo).

        Raises:
            UsageError: the service can't be reached, refuses, or knows no such key.
        """
        try:
            return bytes(self._client.get_public_key(KeyId=self.name)["PublicKey"])
        except (*FAILURES, KeyError) as error:
            raise self._failed(error) from None

    def sign(self, digest: bytes, algorithm: str) -> bytes:
        """The signature of a digest.

        Args:
            algorithm: as KMS names it, such as RSASSA_PKCS1_V1_5_SHA_256.

        Raises:
            UsageError: the service can't be reached, refuses, or can't sign so with this key.
        """
        try:
            said = self._client.sign(
                KeyId=self.name, Message=digest, MessageType="DIGEST", SigningAlgorithm=algorithm
            )
            return bytes(said["Signature"])
        except (*FAILURES, KeyError) as error:
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> UsageError:
        """What went wrong, by its code: what a service says else may hold what is nobody's business."""
        said = getattr(error, "response", {}).get("Error", {}).get("Code") or type(error).__name__
        return UsageError(f"report_signature.kms_key: {self.name}: {said!s:.60}", remedy=_REMEDY)
