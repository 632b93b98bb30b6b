"""Lists: JSON arrays, lists of Kubernetes objects, pages of GitHub's, files that CloudTrail delivers, people's records."""

from __future__ import annotations

import msgspec

from audit.normalise.envelopes.shape import (
    Contents,
    Opener,
    Top,
    as_array,
    as_object,
    as_text,
    each,
    keys,
    listed,
)

_CHANGES = frozenset({"ADDED", "MODIFIED", "UPDATED", "DELETED"})
"""What a watch says became of an object; that an Event is forgotten says nothing."""
_DIGITS = b"-0123456789"


def array(items: list[msgspec.Raw]) -> tuple[str, Contents]:
    """The items of an array; of a pair of Fluentd's forward protocol, `[time, {…}]` or `[[time, {…}], {…}]`, the record."""
    if len(items) == 2 and bytes(items[1])[:1] == b"{":
        first = as_array(items[0])
        time = items[0] if first is None else first[0] if first else b""
        if bytes(time)[:1] in _DIGITS and bytes(time):
            return "fluentd", Contents([bytes(items[1])])
    return "array", each(items)


def _kubernetes(top: Top) -> Contents | None:
    kind, items = as_text(top["kind"]), as_array(top["items"])
    if items is None or kind is None or not kind.endswith("List"):
        return None
    version = as_text(top.get("apiVersion", b""))
    return Contents([_typed(bytes(item), kind.removesuffix("List"), version) for item in items])


def _group(top: Top) -> Contents | None:
    """A group of alerts, as Alertmanager's API lists them by receiver."""
    return None if as_object(top["receiver"]) is None else listed("alerts")(top)


def _api(top: Top) -> Contents | None:
    """A list as Argo CD's API gives it: it has no kind, nor have its items."""
    if not top.keys() <= {"metadata", "items"}:
        return None
    return Contents() if bytes(top["items"]) == b"null" else listed("items")(top)


def _watched(top: Top) -> Contents | None:
    """An Event as a watch of the API tells it, or as eventrouter logs it. Of other kinds a watch tells what was, too: it is no listing."""
    name, told = ("object", "type") if "object" in top else ("event", "verb")
    inner = as_object(top[name])
    if (
        inner is None
        or as_text(top[told]) not in _CHANGES
        or not {"involvedObject", "regarding"} & inner.keys()
    ):
        return None
    return Contents([bytes(top[name])]) if as_text(top[told]) != "DELETED" else Contents(noise=1)


def _typed(item: bytes, kind: str, version: str | None) -> bytes:
    """An item of a list with the kind that the list's own kind names, where the item, as the API gives it, has none."""
    if not kind or item[:1] != b"{" or item.strip() == b"{}" or not version:
        return item
    if b'"kind"' in item and "kind" in (
        as_object(item) or ("kind",)
    ):  # what it refers to may have a kind, too
        return item
    typed = msgspec.json.encode({"kind": kind, "apiVersion": version})
    return typed[:-1] + b"," + item[1:]


OPENERS = (
    Opener("kubernetes-list", keys("kind", "items"), _kubernetes),
    *(
        Opener("github-page", keys(name, "total_count"), listed(name))
        for name in ("check_runs", "workflow_runs", "environments")
    ),
    Opener("api-list", keys("metadata", "items"), _api),
    Opener("kubernetes-watch", keys("object", "type"), _watched),
    Opener("kubernetes-watch", keys("event", "verb"), _watched),
    Opener("alert-group", keys("alerts", "labels", "receiver"), _group),
    Opener("github-page", keys("statuses", "sha", "state", "total_count"), listed("statuses")),
    Opener("records", keys("Records"), listed("Records")),
    Opener("records", keys("records"), listed("records")),
    Opener("trainings", keys("trainings"), listed("trainings")),
    Opener("access-reviews", keys("access_reviews"), listed("access_reviews")),
)
