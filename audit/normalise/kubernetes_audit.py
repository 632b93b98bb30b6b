"""Kubernetes audit events (audit.k8s.io v1 and v1beta1, and the older `timestamp`) to `cluster_access`.

Kept: every request by someone who is no `system:` user, every request with impersonation, every write, sessions
into workloads, refused requests for secrets, and whatever a `system:` user asks of a resource with a program that people use: who
holds a controller's token and reads from a laptop. Noise: what else `system:` users read, and what they do to leases, events and
review resources. Of bodies only the options of deletions are decoded, for a dry run: no Secret's content can get into a row. EKS, AKS, k3s and RKE write these events
in envelopes of their own; GKE writes entries of another kind (`gke_audit`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import msgspec

from audit.model import LAPTOP_AGENTS
from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import ABSENT, JsonFormat, cluster_of, is_there
from audit.normalise.times import Time, utc

_READS = frozenset({"get", "list", "watch"})
_DELETES = frozenset({"delete", "deletecollection"})
_CHATTER = frozenset({"leases", "events"})
_SESSIONS = frozenset({"exec", "attach", "portforward", "proxy", "ephemeralcontainers"})
_PEOPLE = frozenset({"system:admin", "system:anonymous"})  # `system:` users behind which a person may be
_REFUSED = (401, 403)
_STAGES = {"RequestReceived": 0, "ResponseStarted": 1, "ResponseComplete": 2, "Panic": 2}


class _Extra(msgspec.Struct, gc=False):
    """What EKS tells of somebody besides the name."""

    arn: list[str] | None = None


class User(msgspec.Struct, gc=False):
    """Who authenticated, or whom they acted as."""

    username: str | None = None
    groups: list[str] | None = None
    extra: _Extra | None = None


class ObjectRef(msgspec.Struct, gc=False):
    """What a request was about."""

    resource: str | None = ""
    subresource: str | None = ""
    namespace: str | None = ""
    name: str | None = ""
    apiGroup: str | None = ""


class Status(msgspec.Struct, gc=False):
    """What came of a request."""

    code: int | None = None


class _Annotations(msgspec.Struct, gc=False):
    truncated: str | None = msgspec.field(name="audit.k8s.io/truncated", default=None)
    renamed: str | None = msgspec.field(name="audit_k8s_io/truncated", default=None)  # by Elastic's agents


class Event(msgspec.Struct, gc=False):
    """One audit event; what is not needed is not decoded."""

    auditID: str
    stage: Literal["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"]
    verb: str
    user: User
    requestReceivedTimestamp: Time | None = None
    timestamp: msgspec.Raw = ABSENT
    requestURI: str = ""
    objectRef: ObjectRef | None = None
    responseStatus: Status | None = None
    impersonatedUser: User | None = None
    userAgent: str | None = None
    sourceIPs: list[str] | None = None
    annotations: _Annotations | None = None
    requestObject: msgspec.Raw = ABSENT


class _Options(msgspec.Struct, gc=False):
    """Of the options of a deletion, what is needed."""

    dryRun: list[str] | str | None = None


_time = msgspec.json.Decoder(Time)
_options = msgspec.json.Decoder(_Options)
_laptop = [re.compile(pattern).fullmatch for pattern in LAPTOP_AGENTS]
_AGENT = 512  # characters of a user agent that are looked at
_KNOWN = 1024  # user agents that are remembered
_NOTHING = ObjectRef()
_LONGEST_MANAGER = 128


def rows(event: Event, context: Context) -> Outcome:
    """What an event gives; noise when it is a machine's everyday business.

    Raises:
        Unreadable: it has no time, its source names no cluster, or its URI is none.
    """
    at = event.requestReceivedTimestamp
    if at is None:
        at = _before(event.timestamp)
    if at.tzinfo is not UTC:
        at = utc(at)
    user, target = event.user.username, event.objectRef or _NOTHING
    if user is not None and user.startswith("system:") and _is_noise(event, user, target):
        return Outcome([], at)
    acting, verb = event.impersonatedUser, event.verb.lower()
    row = {
        "cluster": cluster_of(context),
        "audit_id": event.auditID,
        "variant": 0,
        "at": at,
        "stage_rank": _STAGES[event.stage],
        "verb": verb,
        "user": user,
        "groups": ",".join(event.user.groups or ()),
        "cloud_arn": _cloud_arn(event.user),
        "impersonated": acting.username if acting is not None else None,
        "api_group": target.apiGroup or "",
        "resource": target.resource or "",
        "subresource": target.subresource or "",
        "namespace": target.namespace or "",
        "name": target.name or "",
        "code": _code(event.responseStatus),
        "dry_run": _is_dry_run(event.requestURI)
        or (verb in _DELETES and asks_for_nothing(event.requestObject)),
        "user_agent": event.userAgent,
        "source_ip": event.sourceIPs[0] if event.sourceIPs else None,
        "field_manager": _field_manager(event.requestURI),
        "truncated": event.annotations is not None
        and (event.annotations.truncated or event.annotations.renamed) == "true",
    }
    return Outcome([("cluster_access", row)], at)


def _before(timestamp: msgspec.Raw) -> datetime:
    """The time of an event of before v1. In one of v1 a shipper may have put a time of its own there, of whatever kind.

    Raises:
        Unreadable: it has none.
    """
    if not is_there(timestamp):
        raise Unreadable("neither requestReceivedTimestamp nor timestamp")
    try:
        return _time.decode(timestamp)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"timestamp: {error}") from None


def _is_noise(event: Event, user: str, target: ObjectRef) -> bool:
    """Whether what a `system:` user asked for is a machine's everyday business."""
    resource = target.resource or ""
    if event.impersonatedUser is not None or target.subresource in _SESSIONS:
        return False
    if resource == "secrets" and _code(event.responseStatus) in _REFUSED:
        return False
    everyday = (
        event.verb in _READS
        or resource in _CHATTER
        or (resource.endswith("reviews") and (target.apiGroup or "").endswith(".k8s.io"))
        or event.verb.lower() in _READS
    )
    if not (everyday and resource):
        return everyday
    if user in _PEOPLE:
        return False
    agent = event.userAgent or ""
    hand = _hands.get(agent)
    return not (_by_hand(agent) if hand is None else hand)


_hands: dict[str, bool] = {}
"""Whether user agents are of programs that people use: a cluster has few programs, which ask all the time."""


def _by_hand(agent: str) -> bool:
    """Whether a user agent is of a program that people use; remembered, unless there are too many or it is too long."""
    found = any(matches(agent[:_AGENT]) for matches in _laptop)
    if len(_hands) < _KNOWN and len(agent) <= _AGENT:
        _hands[agent] = found
    return found


def _cloud_arn(user: User) -> str | None:
    """The one ARN of AWS that is told of somebody."""
    told = user.extra.arn if user.extra is not None else None
    return told[0] if told and len(told) == 1 and told[0].startswith("arn:aws") else None


def _code(status: Status | None) -> int | None:
    """The HTTP status; None where none was recorded, or none that is one."""
    return status.code if status is not None and status.code is not None and 0 < status.code < 1000 else None


def _is_dry_run(uri: str) -> bool:
    """Whether the request asked the server to change nothing."""
    if "dryRun" not in uri:
        return False
    try:
        return "All" in parse_qs(urlsplit(uri).query).get("dryRun", ())
    except ValueError as error:
        raise Unreadable(f"requestURI: {error}") from None


def asks_for_nothing(options: msgspec.Raw) -> bool:
    """Whether the options that were sent with a deletion ask for a dry run; kubectl says it there alone."""
    if b'"dryRun"' not in bytes(options):
        return False
    try:
        asked = _options.decode(options).dryRun
    except msgspec.DecodeError:
        return False  # another member of that name, in the object that was sent
    return asked is not None and "All" in asked


def _field_manager(uri: str) -> str | None:
    """The program that manages the fields it writes; the API server takes no name longer than 128 characters."""
    if "fieldManager" not in uri:
        return None
    try:
        named = parse_qs(urlsplit(uri).query).get("fieldManager", [""])[0]
    except ValueError as error:
        raise Unreadable(f"requestURI: {error}") from None
    return named[:_LONGEST_MANAGER] or None


def _looks(record: bytes) -> bool:
    """By bytes alone: lists of events look like it too, and are found to be lists when they can't be read."""
    return b'"auditID"' in record


FORMAT = JsonFormat("kubernetes-audit", 8, ("cluster_access",), Event, rows, _looks)
