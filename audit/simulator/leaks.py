"""Secrets that someone commits in the clear. All are made up: they open nothing.

Three kinds: a forge's token in a ConfigMap, a `Secret` manifest, and a file that SOPS should have encrypted. One token
is the documentation's example, which the repository's file of waivers names.
"""

from __future__ import annotations

import hashlib
import hmac
import random
from collections.abc import Iterator
from typing import NamedTuple

from audit.simulator.repository import Commit
from audit.simulator.world import ENVIRONMENTS

KEY = b"The key of the demonstration's fingerprints. It keeps nothing secret.\n"
KEY_FILE = "fingerprints.key"
WAIVERS = ".gitops-audit/secret-waivers.yaml"
"""The file of waivers by fingerprint."""
KINDS = ("debug", "example", "credentials", "encrypted")


class Leak(NamedTuple):
    """One secret in the clear, as a finding names it."""

    path: str
    rule: str
    value: str
    waived: bool


def _token(said: object) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    digest = hashlib.sha512(f"a made-up token: {said}".encode()).digest()
    return "ghp_" + "".join(letters[byte % len(letters)] for byte in digest[:36])


_EXAMPLE = _token("example")


def fingerprint(value: str) -> str:
    """As findings are known: HMAC-SHA-256 under the key in hexadecimal."""
    return hmac.new(KEY.hex().encode(), value.encode(), hashlib.sha256).hexdigest()


def first_files() -> dict[str, str]:
    """What the repository holds from the start: the waiver, and what SOPS is to encrypt."""
    return {
        WAIVERS: (
            f"- fingerprint: {fingerprint(_EXAMPLE)}\n  reason: the documentation's example, which opens nothing\n"
            "  approved_by: platform\n"
        ),
        ".sops.yaml": "creation_rules:\n  - path_regex: encrypted/.*\\.yaml$\n    age: age1-made-up\n",
    }


def path(rng: random.Random, apps: tuple[str, ...], kind: str, number: int) -> str:
    """A file with a secret of one of `KINDS` that is not there yet."""
    if kind == "encrypted":
        return f"encrypted/settings-{number}.yaml"
    return f"apps/{rng.choice(apps)}/overlays/{rng.choice(ENVIRONMENTS)}/{kind}-{number}.yaml"


def page(where: str, serial: int) -> str | None:
    """Content of a new file at `where`; None where that is none of these."""
    folder, _, name = where.rpartition("/")
    kind, title = name.partition("-")[0], name.removesuffix(".yaml")
    if folder == "encrypted":
        return f"retention: 24h\nbanner: open-{serial}\n"
    if kind in ("debug", "example"):
        token = _EXAMPLE if kind == "example" else _token(serial)
        return (
            f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {title}\ndata:\n  memory: 256Mi\n  url: https://git.netbpf.com\n"
            f"  level: info\n  zone: a\n  TOKEN: {token}\n"
        )
    if kind == "credentials":
        return (
            f'apiVersion: v1\nkind: Secret\nmetadata:\n  name: {title}\n  labels:\n    version: "1.0.0"\n'
            f"stringData:\n  banner: open-{serial}\n"
        )
    return None


def _held(where: str, content: str) -> set[tuple[str, str]]:
    """Rule and value of each secret in a file."""
    folder, _, name = where.rpartition("/")
    fields = [line.strip().partition(": ") for line in content.splitlines()]
    kind, title = name.partition("-")[0], name.removesuffix(".yaml")
    if folder == "encrypted" and kind == "settings":
        return {(f"sops:{key}", value) for key, _, value in fields if value}
    if kind in ("debug", "example"):
        return {("github-pat", value) for key, _, value in fields if key == "TOKEN"}
    if kind == "credentials":
        return {(f"Secret//{title}:{key}", value) for key, _, value in fields if key == "banner"}
    return set()


def added(commit: Commit) -> Iterator[Leak]:
    """What a commit of the mainline adds, against its first parent."""
    before = commit.parents[0].tree if commit.parents else {}
    for where, content in commit.tree.items():
        if before.get(where) != content:
            for rule, value in sorted(_held(where, content) - _held(where, before.get(where, ""))):
                yield Leak(where, rule, value, value == _EXAMPLE)
