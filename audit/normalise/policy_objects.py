"""What the objects of policy engines share: how they are told apart, and the rows of `policy_constraints`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from audit.normalise.interface import Context, Outcome, Row, Rows, Unreadable
from audit.normalise.jsonformat import ABSENT, Id, cluster_of, is_there, keys
from audit.normalise.times import Time, optional

T = TypeVar("T")

NOTHING = msgspec.Raw(b"{}")
MOST_PARTS = 1_000
"""Rules, exceptions or webhooks that an object may have: far more than a cluster would take."""
_EMPTY: Row = {
    "part": "", "place": 1, "policy": None, "rule_type": None, "enforcement": None, "refuses": None, "overrides": None,
    "failure_policy": None, "background": None, "scope": None, "exempts": None, "content_digest": None, "ready": None,
    "observed_at": None, "total_violations": None, "listed_violations": None, "cut": None,
}  # fmt: skip


class Metadata(msgspec.Struct):
    """Of an object's metadata, what counts."""

    name: str
    namespace: str = ""
    generation: Id | None = None
    creationTimestamp: Time | None = None


class Object(msgspec.Struct):
    """An object of a policy engine; what it specifies and its state are decoded by its kind."""

    apiVersion: str
    kind: str
    metadata: Metadata
    spec: msgspec.Raw = ABSENT
    status: msgspec.Raw = ABSENT
    webhooks: msgspec.Raw = ABSENT

    @property
    def group(self) -> str:
        """Its API group."""
        return self.apiVersion.rpartition("/")[0]


def decoded(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw, name: str) -> T:
    """A part of an object.

    Raises:
        Unreadable: it is missing, or not of that shape.
    """
    if not is_there(raw):
        raise Unreadable(f"{name} is missing")
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"{name}: {error}") from None
    except RecursionError:
        raise Unreadable(f"{name}: nested too deep") from None


def canonical(raw: msgspec.Raw) -> str | None:
    """JSON with sorted keys and no blanks; None where there is nothing.

    Raises:
        Unreadable: it is nested too deep, or holds a number that is none.
    """
    if not is_there(raw):
        return None
    try:
        value = msgspec.json.decode(raw)
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except RecursionError:
        raise Unreadable("nested too deep") from None
    except (ValueError, msgspec.DecodeError) as error:
        raise Unreadable(str(error)) from None


def together(**parts: msgspec.Raw) -> str | None:
    """As `canonical`, of an object that has those of the parts that are there and not empty."""
    there = {name: raw for name, raw in parts.items() if is_there(raw) and bytes(raw) not in (b"{}", b"[]")}
    return canonical(msgspec.Raw(msgspec.json.encode(there))) if there else None


def says_something(raw: msgspec.Raw) -> bool:
    """Whether a part is there and holds more than empty objects and lists, which engines write where nothing was given.

    Raises:
        Unreadable: as `canonical`.
    """
    text = canonical(raw)
    left = [] if text is None else [json.loads(text)]
    while left:
        value = left.pop()
        if isinstance(value, dict | list):
            left.extend(value.values() if isinstance(value, dict) else value)
        elif value not in (None, ""):
            return True
    return False


def digest(raw: msgspec.Raw) -> str | None:
    """sha256 of what `canonical` gives: however it is written, the same content has the same digest."""
    text = canonical(raw)
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def parts(listed: list[msgspec.Raw], name: str) -> list[tuple[int, msgspec.Raw]]:
    """The parts of an object, each with its place, counted from 1.

    Raises:
        Unreadable: they are very many.
    """
    if len(listed) > MOST_PARTS:
        raise Unreadable(f"{name}: more than {MOST_PARTS:,}")
    return list(enumerate(listed, 1))


def part_by_part(rows: Rows, failed: list[str]) -> Outcome:
    """What an object gives whose parts are read one by one.

    Raises:
        Unreadable: none of them can be read: then the object as a whole can't.
    """
    if failed and not rows:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise Unreadable(f"{failed[0]}{more}")
    return Outcome(rows, None, tuple(failed))


def digest_of(found: Object) -> str | None:
    """The digest of all that an object specifies."""
    return digest(found.webhooks if is_there(found.webhooks) else found.spec)


def constraint(
    found: Object, context: Context, *, engine: str, role: str, whole: str | None, **facts: object
) -> tuple[str, Row]:
    """A row of `policy_constraints`; what the object does not tell is missing.

    Args:
        role: rule, template, binding, webhook or exemption.
        whole: what `digest_of` gives, taken once for all rows of the object.
        facts: columns that differ from the empty ones.
    """
    row = {
        "cluster": cluster_of(context),
        "engine": engine,
        "api_group": found.group,
        "kind": found.kind,
        "namespace": found.metadata.namespace,
        "name": found.metadata.name,
        "role": role,
        "generation": found.metadata.generation,
        "created_at": optional(found.metadata.creationTimestamp),
        "digest": whole,
        **_EMPTY,
        **facts,
    }
    return "policy_constraints", row


def of_kinds(kinds: Mapping[str, frozenset[str]]) -> Callable[[bytes], bool]:
    """A test for `recognises`: an object of one of the kinds of a group, in any version of it."""
    groups = tuple(f"{group}/".encode() for group in kinds)

    def looks(record: bytes) -> bool:
        if not any(group in record for group in groups):
            return False
        found = keys(record)
        group, _, version = (found.apiVersion or "").rpartition("/")
        return bool(version) and found.kind in kinds.get(group, ())

    return looks
