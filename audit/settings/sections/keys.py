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
