"""All that can be proved of the store that settings name, offline: chain, signatures, objects, reports, timestamps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from audit.errors import EvidenceMissing, IntegrityError
from audit.evidence import keys, stamps
from audit.evidence.manifest import load_all
from audit.evidence.store import Store
from audit.evidence.verify import verify
from audit.settings import Settings


@dataclass(frozen=True)
class Proof:
    """What was proved of a store that is what it was.

    Attributes:
        manifests: how many it has.
        head: sha256 of the last one: what a report prints, and what to write down elsewhere.
        signed_by: ids of keys that the settings name and that signed it; empty when they name none.
        signatures: how many it bears, whoever made them.
        stamped_at: when a manifest was last stamped (UTC); None when none is.
    """

    manifests: int
    head: str
    signed_by: tuple[str, ...]
    signatures: int
    stamped_at: datetime | None


def prove(settings: Settings, progress: Callable[[int, int], None], *, heads: Sequence[str] = ()) -> Proof:
    """Recomputes all of it. Changes nothing, and makes no store where there is none.

    Args:
        progress: told (objects read, objects that manifests name).
        heads: sha256 of manifests that must be in the chain, as reports print them.

    Raises:
        IntegrityError: something changed, is missing or was added; names it.
        EvidenceMissing: there is no store, or it holds nothing: nothing can be proved of it.
        UsageError: a key, or a root of timestamps, can't be used.
    """
    nothing = EvidenceMissing(
        f"{settings.store_path}: holds no evidence, so that nothing can be verified",
        remedy="check 'store' in the settings; run 'audit collect' where nothing was collected yet",
    )
    if not settings.store_path.exists():
        raise nothing
    store, trusted = Store(settings.store_path), keys.verifiers(settings)
    problems = verify(store, trusted, progress, heads=heads) + stamps.check(store, settings)
    if problems:
        raise IntegrityError(
            "\n".join(problems), remedy="restore the store from its backup; do not report from it"
        )
    last = load_all(store)[-1:]
    if not last:
        raise nothing
    known = {key.keyid for key in trusted}
    return Proof(
        manifests=last[0].sequence,
        head=last[0].sha256,
        signed_by=tuple(one for one in last[0].signed_by if one in known),
        signatures=len(last[0].signed_by),
        stamped_at=stamps.stamped_at(store),
    )
