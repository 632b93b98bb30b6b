"""Keys: those that sign manifests, those that commits are held against, and that of fingerprints."""

from __future__ import annotations

import re
from typing import Self

from pydantic import Field, field_validator, model_validator

from audit.settings.sections.base import Section


class Signing(Section):
    """How manifests are signed."""

    key_file: str | None = Field(
        None, description="Ed25519 private key (PEM, PKCS#8); relative to audit.toml"
    )
    public_keys: tuple[str, ...] = Field((), description="Public keys (PEM files) that verify manifests")
    timestamp_url: str | None = Field(
        None,
        description="Timestamping authority (RFC 3161) that stamps manifests",
        pattern=r"^https?://[^\s]+$",
    )
    timestamp_roots: tuple[str, ...] = Field(
        (), description="PEM files of certificates that its timestamps must lead to; relative to audit.toml"
    )

    @model_validator(mode="after")
    def _roots_for_timestamps(self) -> Self:
        if self.timestamp_url is not None and not self.timestamp_roots:
            raise ValueError("timestamp_url needs timestamp_roots: without them no timestamp can be verified")
        return self


class ReportSignature(Section):
    """How the report itself is signed (PAdES). Without a key it is not."""

    certificate: str | None = Field(
        None, description="PEM file with the certificate of key_file or kms_key; relative to audit.toml"
    )
    key_file: str | None = Field(
        None, description="Private key that signs reports (PEM); relative to audit.toml"
    )
    pkcs12: str | None = Field(
        None, description="PKCS#12 file with key and certificate, in place of the two; relative to audit.toml"
    )
    pkcs11_module: str | None = Field(
        None, description="Library that speaks to a token or a key service (PKCS#11), in place of files"
    )
    pkcs11_token: str | None = Field(None, description="Label of the token")
    pkcs11_label: str | None = Field(None, description="Label of the key and its certificate on the token")
    kms_key: str | None = Field(
        None, description="Key in AWS KMS that signs, in place of key_file: alias/…, id or ARN"
    )
    kms_region: str | None = Field(None, description="Its region; from boto3's chain when not set")
    kms_endpoint_url: str | None = Field(
        None, description="Address of another service that speaks as KMS does", pattern=r"^https?://[^\s]+$"
    )
    passphrase_env: str | None = Field(
        None, description="Environment variable with the passphrase of the key, or the PIN of the token"
    )
    passphrase_file: str | None = Field(None, description="File with it; relative to audit.toml")
    chain: tuple[str, ...] = Field((), description="PEM files of certificates between the key's and its root")
    roots: tuple[str, ...] = Field(
        (),
        description="PEM files of roots that certificate and timestamps lead to; needed with timestamp_url",
    )
    revocation_lists: tuple[str, ...] = Field(
        (), description="Revocation lists (CRL, PEM or DER) that are embedded to verify the signature later"
    )
    timestamp_url: str | None = Field(
        None,
        description="Timestamping authority (RFC 3161): the signature can then be verified after the certificate's end",
        pattern=r"^https?://[^\s]+$",
    )
    visible: bool = Field(False, description="Show the signature as a field on the sign-off page")

    @property
    def wanted(self) -> bool:
        """The settings name a key."""
        return any((self.key_file, self.pkcs12, self.pkcs11_module, self.kms_key))

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        kinds = [
            bool(self.certificate or self.key_file or self.kms_key),
            bool(self.pkcs12),
            bool(self.pkcs11_module),
        ]
        if sum(kinds) > 1:
            raise ValueError("name one of certificate (with key_file or kms_key), pkcs12, or pkcs11_module")
        if self.key_file and self.kms_key:
            raise ValueError("name key_file or kms_key, not both")
        if bool(self.certificate) != bool(self.key_file or self.kms_key):
            raise ValueError("certificate goes together with key_file or kms_key")
        if not self.kms_key and (self.kms_region or self.kms_endpoint_url):
            raise ValueError("kms_region and kms_endpoint_url need kms_key")
        if bool(self.pkcs11_module) != bool(self.pkcs11_label and self.pkcs11_token):
            raise ValueError("pkcs11_module, pkcs11_token and pkcs11_label go together")
        if self.passphrase_env and self.passphrase_file:
            raise ValueError("name passphrase_env or passphrase_file, not both")
        if self.timestamp_url is not None and not self.roots:
            raise ValueError("timestamp_url needs roots: without them no timestamp can be verified")
        return self


class Signatures(Section):
    """Keys against which the signatures of commits are checked. Without any, no signature can be good."""

    openpgp_keys: tuple[str, ...] = Field(
        (), description="Files of OpenPGP public keys, armored or not; relative to audit.toml"
    )
    ssh_signers: str | None = Field(
        None, description="File of allowed SSH signers, as ssh-keygen(1) describes it; relative to audit.toml"
    )
    x509_roots: tuple[str, ...] = Field(
        (), description="PEM files of certificates that X.509 signatures must lead to; relative to audit.toml"
    )
    forge_keys: tuple[str, ...] = Field(
        (), description="Fingerprints of the forge's own keys: what they sign, the forge made"
    )

    @field_validator("forge_keys")
    @classmethod
    def _whole(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for key in keys:
            plain = re.sub(r"^0x|[\s:]", "", key)
            if not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}=?", key.strip()) and not re.fullmatch(
                r"(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})", plain
            ):
                raise ValueError(
                    f"'{key}' is not a whole fingerprint: 40 or 64 hexadecimal digits, or SHA256:…"
                )
        return keys


class Secrets(Section):
    """How secrets in the clear are told, and which of them are known to be none."""

    fingerprint_key_file: str | None = Field(
        None,
        description="File with the key of the fingerprints (at least 32 bytes); made in the store when not set",
    )
    waivers: str = Field(
        ".gitops-audit/secret-waivers.yaml",
        description="Path in each repository of the reviewed file that waives findings by fingerprint",
    )
