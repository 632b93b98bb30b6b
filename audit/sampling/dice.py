"""Random numbers that are the same on every machine: SHA-256 of the seed, what they are for, and a counter."""

from __future__ import annotations

import hashlib

_RANGE = 2**256


class Dice:
    """A source of whole numbers, each determined by the seed, the purpose and how many were asked for before.

    Args:
        seed: as the auditor chose it.
        purpose: what is drawn; another purpose has other numbers.
    """

    def __init__(self, seed: int, purpose: str) -> None:
        self._head = f"{seed}\n{purpose}\n".encode()
        self._count = 0

    def below(self, limit: int) -> int:
        """A number of 0 to `limit` - 1, each as likely: digests at the ragged end of their range are passed over."""
        fair = _RANGE - _RANGE % limit
        while True:
            digest = hashlib.sha256(self._head + str(self._count).encode()).digest()
            self._count += 1
            value = int.from_bytes(digest, "big")
            if value < fair:
                return value % limit

    def draw(self, count: int, of: int) -> list[int]:
        """`count` distinct numbers of 0 to `of` - 1, every set as likely; sorted."""
        moved: dict[int, int] = {}
        chosen = []
        for place in range(count):
            other = place + self.below(of - place)
            chosen.append(moved.get(other, other))
            moved[other] = moved.get(place, place)
        return sorted(chosen)
