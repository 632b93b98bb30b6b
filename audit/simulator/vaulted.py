"""Secrets that are kept as they should be: sealed, encrypted by SOPS, or named where something else keeps them.

All values are made up, and encrypt nothing. Another value rotates a secret; a review, or another version of the tool
that encrypted it, does not. Secrets in the clear are told too: they are secrets, and their age counts as well.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import NamedTuple

SOPS = "encrypted/registry.yaml"
"""The file that SOPS did encrypt."""
_FIELD = r"^  {}: (.*)$"
_HELD = (
    (r"(?:.*/)?sealed-secret\.yaml", "SealedSecret", r"^    sealed: (.*)$"),
    (r"(?:.*/)?external-secret\.yaml", "ExternalSecret", r"^        version: (.*)$"),
    (re.escape(SOPS), "SOPS", r"^sealed: (.*)$"),
    (r".*/credentials-\d+\.yaml", "Secret", r"^  banner: (.*)$"),
)
"""Files, the kind of secret in each, and the line with its value."""


class Kept(NamedTuple):
    """One secret in a file. `value`: what rotation changes."""

    kind: str
    namespace: str
    name: str
    value: str


def held(path: str, content: str) -> Kept | None:
    """The secret that a file holds, or refers to; None where there is none."""
    for pattern, kind, line in _HELD:
        if re.fullmatch(pattern, path):
            value = _first(line, content)
            if kind == "SOPS":
                return Kept(kind, "", path, value)
            namespace, name = (_first(_FIELD.format(key), content) for key in ("namespace", "name"))
            return Kept(kind, namespace, name, value)
    return None


def _first(pattern: str, content: str) -> str:
    match = re.search(pattern, content, re.MULTILINE)
    return match[1] if match else ""


def value(old: str, serial: int) -> str:
    """Another value in place of `old`, written as that is."""
    if not old.startswith("ENC["):
        return f"AgB{_noise('sealed', serial, 96)}"
    parts = (f"{name}:{_noise(name, serial, size)}" for name, size in (("data", 24), ("iv", 32), ("tag", 16)))
    return f"ENC[AES256_GCM,{','.join(parts)},type:str]"


def _noise(name: str, serial: int, size: int) -> str:
    raw = b"".join(hashlib.sha512(f"made up: {name} {serial} {part}".encode()).digest() for part in (1, 2))
    return base64.b64encode(raw[:size]).decode()


def sealed_secret(app: str) -> str:
    """A SealedSecret of an app."""
    return f"""apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  annotations:
    reviewed: revision 0
  name: {app}-sealed
  namespace: {app}
spec:
  encryptedData:
    sealed: {value("", 0)}
"""


def external_secret(app: str) -> str:
    """An ExternalSecret of an app."""
    return f"""apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  annotations:
    reviewed: revision 0
  name: {app}-external
  namespace: {app}
spec:
  refreshInterval: 1h
  secretStoreRef:
    kind: ClusterSecretStore
    name: store
  data:
    - secretKey: dsn
      remoteRef:
        key: apps/{app}
        version: "1.0.0"
"""


def sops_file() -> str:
    """A file that SOPS encrypted."""
    return f"""sealed: {value("ENC[", 0)}
sops:
  age:
    - recipient: age1-made-up
  lastmodified: "2025-08-01T09:00:00Z"
  mac: {value("ENC[", 1)}
  version: "1.0.0"
"""
