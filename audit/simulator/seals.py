"""Signatures of commits: who has a key, who signs with what, and what a check must come to.

SSH signatures (the format SSHSIG) by Ed25519 keys that are made from names: the same run signs the same bytes. The keys
are made up, open nothing, and are written nowhere. Some people sign, and so does the release bot; in the last quarter of the
run the forge signs what it makes. Now and then someone signs on a machine whose key nobody knows, or amends a commit with a tool that
leaves the signature of what it was before. One person's key comes to its end, and its successor is not always used.
"""

from __future__ import annotations

import base64
import hashlib
import random
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.simulator import people
from audit.simulator.repository import Seal, Signature
from audit.simulator.schedule import Deck
from audit.simulator.world import Actor, World

SIGNERS = "allowed_signers"
"""Name of the file of keys that are known."""
_ONE_IN = 4  # people who sign
_HANDS = ("sure",) * 14 + ("new machine", "amended")  # of so many signatures
_LATER = ("renewed",) * 2 + ("old",)  # which key it is, once there are two
_TYPE = b"ssh-ed25519"
_HASH = b"sha512"


class _Key:
    """One key. `name`: what it is made from."""

    def __init__(self, name: str) -> None:
        self._name = name

    @cached_property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(
            hashlib.sha256(f"a made-up key: {self._name}".encode()).digest()
        )

    @cached_property
    def public(self) -> bytes:
        """The public key as SSH writes it."""
        raw = self._private.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        return _text(_TYPE) + _text(raw)

    @cached_property
    def fingerprint(self) -> str:
        """As ssh-keygen writes it: `SHA256:…`."""
        return f"SHA256:{base64.b64encode(hashlib.sha256(self.public).digest()).decode().rstrip('=')}"

    def sign(self, payload: bytes) -> str:
        """The armored signature of a commit, which ends without a newline."""
        about = _text(b"git") + _text(b"") + _text(_HASH)
        mark = self._private.sign(b"SSHSIG" + about + _text(hashlib.sha512(payload).digest()))
        blob = b"SSHSIG\0\0\0\1" + _text(self.public) + about + _text(_text(_TYPE) + _text(mark))
        told = base64.b64encode(blob).decode()
        lines = [told[start : start + 70] for start in range(0, len(told), 70)]
        return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----"])


class _Owner(NamedTuple):
    """Whose key it is: the address that stands for them; `end`: when their first key ends, where it does."""

    email: str
    key: _Key
    end: datetime | None = None
    successor: _Key | None = None


class Ring:
    """Everyone's keys."""

    def __init__(self, staff: tuple[Actor, ...], start: datetime, end: datetime) -> None:
        """`start`, `end`: of the run; in between one of the keys ends."""
        persons = [actor for actor in staff if actor.person and actor.kind == "person"]
        self._owners: dict[str, _Owner] = {}
        for number, actor in enumerate([*persons[::_ONE_IN], people.RELEASE]):
            usual = actor.emails[0]
            owner = _Owner(usual, _Key(usual))
            if number == 0:
                middle = (start + (end - start) / 2).replace(microsecond=0)
                owner = owner._replace(end=middle, successor=_Key(f"{usual}, renewed"))
            self._owners |= {email.lower(): owner for email in actor.emails}
        rng = random.Random("".join(sorted(self._owners)))  # the run's own dice are left alone
        self._outlived = False  # who goes on signing after their key has ended does so at once
        self._hands, self._later = Deck(rng, _HANDS), Deck(rng, _LATER)
        self._forge_since = start + (end - start) * 3 / 4
        self._forge = _Owner(people.FORGE[1], _Key(people.FORGE[1]))

    @classmethod
    def of(cls, world: World) -> Ring:
        """The keys of a run."""
        return cls(world.people, world.start, world.end)

    @property
    def forge_fingerprint(self) -> str:
        """Of the key with which the forge signs what it makes."""
        return self._forge.key.fingerprint

    def signs(self, committer: Signature) -> bool:
        """Whether commits by this committer are signed."""
        if committer.email == self._forge.email:
            return committer.at >= self._forge_since
        return committer.email.lower() in self._owners

    def seal(self, committer: Signature, payload: bytes) -> Seal:
        """The signature of a commit by someone who `signs`."""
        if committer.email == self._forge.email:
            return _sealed("forge", self._forge.key, payload)
        owner, hand = self._owners[committer.email.lower()], self._hands.draw()
        if hand == "new machine":
            return _sealed("unknown key", _Key(f"{owner.email}, a new machine"), payload)
        key, state = owner.key, "good"
        if owner.end and owner.successor and committer.at > owner.end:
            old = self._later.draw() == "old" or (hand != "amended" and not self._outlived)
            key, state = (key, "expired") if old else (owner.successor, "good")
            self._outlived |= old and hand != "amended"
        if hand == "amended":
            return _sealed("bad", key, payload + b"\nbefore it was amended\n")
        return _sealed(state, key, payload)

    def signers(self) -> str:
        """The file of allowed signers, as ssh-keygen(1) describes it."""
        lines = ["# Keys with which commits to NETBPF's repositories are signed."]
        owners = {owner.email: owner for owner in (*self._owners.values(), self._forge)}
        for email, owner in sorted(owners.items()):
            until = f',valid-before="{owner.end:%Y%m%d%H%M%S}"' if owner.end else ""
            lines.append(_line(email, owner.key, until))
            lines += [_line(email, owner.successor)] if owner.successor else []
        return "\n".join(lines) + "\n"


def _sealed(state: str, key: _Key, payload: bytes) -> Seal:
    return Seal(state, key.fingerprint, key.sign(payload))


def _line(email: str, key: _Key, options: str = "") -> str:
    return f'{email} namespaces="git"{options} {_TYPE.decode()} {base64.b64encode(key.public).decode()}'


def _text(raw: bytes) -> bytes:
    """Bytes with their length before them, as SSH writes them."""
    return len(raw).to_bytes(4, "big") + raw
