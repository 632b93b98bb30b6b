"""Policy reports of any engine, as objects of the cluster, to `policy_report_results` and `policy_report_totals`.

PolicyReport and ClusterPolicyReport of wgpolicyk8s.io and reports.x-k8s.io, Report and ClusterReport of openreports.io.
A result that can't be read is quarantined by itself; a summary that counts more than is listed is told of.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec

from audit.normalise.interface import Context, Outcome, Row, Rows, Unreadable
from audit.normalise.jsonformat import ABSENT, Id, JsonFormat, cluster_of, keys
from audit.normalise.policy_objects import canonical, says_something
from audit.normalise.times import Time, optional, parse

MOST_RESULTS = 100_000
WORDS = ("pass", "fail", "warn", "error", "skip")
GROUPS = {
    "wgpolicyk8s.io": (
        ("PolicyReport", "ClusterPolicyReport"),
        ("v1alpha1", "v1alpha2", "v1beta1", "v1beta2"),
    ),
    "reports.x-k8s.io": (("PolicyReport", "ClusterPolicyReport"), ("v1beta1", "v1beta2")),
    "openreports.io": (("Report", "ClusterReport", "PolicyReport", "ClusterPolicyReport"), ("v1alpha1",)),
}
_PROPERTIES = frozenset({
    "FixedVersion", "InstalledVersion", "PrimaryURL", "VulnerabilityID", "action", "binding", "categories", "category",
    "controls", "exceptions", "index", "process", "scan", "severity", "standard", "standards", "suite", "target", "type",
    "user", "verb",
})  # fmt: skip
"""Properties that are taken in: those that say what was found, and none that may hold whatever a process was given."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_2 = datetime(2, 1, 1, tzinfo=UTC)


class _Metadata(msgspec.Struct):
    name: str
    namespace: str = ""
    creationTimestamp: Time | None = None


class _Reference(msgspec.Struct):
    """The resource that a result is about, or that a whole report is."""

    apiVersion: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str | None = None


class _Summary(msgspec.Struct):
    pass_: Id | None = msgspec.field(name="pass", default=None)
    fail: Id | None = None
    warn: Id | None = None
    error: Id | None = None
    skip: Id | None = None


class _Limits(msgspec.Struct):
    maxResults: Id | None = None


class _Configuration(msgspec.Struct):
    limits: _Limits | None = None


class _Stamp(msgspec.Struct):
    """A time as seconds and nanoseconds, which engines also write negative, or larger than a second."""

    seconds: int = 0
    nanos: int = 0


class _Result(msgspec.Struct):
    policy: str
    result: str | None = None
    status: str | None = None
    source: str | None = None
    rule: str | None = None
    category: str | None = None
    severity: str | None = None
    scored: bool | None = None
    message: str | None = None
    timestamp: _Stamp | str | None = None
    resources: list[_Reference] | None = None
    resourceSelector: msgspec.Raw = ABSENT
    properties: dict[str, msgspec.Raw] | None = None


class Report(msgspec.Struct):
    """A report as the cluster's API gives it; its results are decoded one by one."""

    apiVersion: str
    kind: str
    metadata: _Metadata
    source: str | None = None
    scope: _Reference | None = None
    configuration: _Configuration | None = None
    summary: _Summary | None = None
    results: list[msgspec.Raw] | None = None


_result = msgspec.json.Decoder(_Result)


def _rows(found: Report, context: Context) -> Outcome:
    group, _, version = found.apiVersion.partition("/")
    kinds, versions = GROUPS.get(group, ((), ()))
    if found.kind not in kinds or version not in versions:
        raise Unreadable(f"no report that is read: {found.kind[:40]!r} of {found.apiVersion[:60]!r}")
    if len(found.results or ()) > MOST_RESULTS:
        raise Unreadable(f"more than {MOST_RESULTS:,} results in one report")
    which = {
        "cluster": cluster_of(context),
        "api_group": group,
        "kind": found.kind,
        "namespace": found.metadata.namespace,
        "report": found.metadata.name,
    }
    rows: Rows = []
    failed: list[str] = []
    counted: Counter[str] = Counter()
    for item, raw in enumerate(found.results or (), 1):
        try:
            listed = _listed(raw, found, item, old=version == "v1alpha1")
        except Unreadable as error:
            failed.append(f"result {item} of {found.kind} {_short(found.metadata)}: {error}")
            continue
        counted[listed[0]["result"]] += 1
        rows += [("policy_report_results", {**which, **row}) for row in listed]
        if len(rows) > MOST_RESULTS:
            raise Unreadable(f"more than {MOST_RESULTS:,} resources in one report")
    at = max((row["at"] for _, row in rows if row["at"] is not None), default=None)
    totals = {**which, **_totals(found, counted, len(failed)), "at": at}
    return Outcome([("policy_report_totals", totals), *rows], at, tuple(failed))


def _short(metadata: _Metadata) -> str:
    return "/".join(part[:80] for part in (metadata.namespace, metadata.name) if part)


def _listed(raw: msgspec.Raw, report: Report, item: int, *, old: bool) -> list[Row]:
    """Columns of a result, once for each of its resources.

    Raises:
        Unreadable: it says neither of what policy nor what came out, or what came out is no word that is known.
    """
    try:
        result = _result.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(str(error)) from None
    except RecursionError:
        raise Unreadable("nested too deep") from None
    word = result.result if result.result is not None or not old else result.status
    if word is None:
        raise Unreadable("result is missing")
    if word not in WORDS:
        raise Unreadable(f"result is none of {', '.join(WORDS)}: {word[:40]!r}")
    facts: Row = {
        "item": item,
        "at": _time(result.timestamp),
        "source": result.source or report.source,
        "policy": result.policy,
        "rule": result.rule,
        "category": result.category,
        "severity": result.severity,
        "scored": result.scored,
        "result": word,
        "message": result.message,
        "resource_selector": canonical(result.resourceSelector)
        if says_something(result.resourceSelector)
        else None,
        "properties": _properties(result.properties),
    }
    about, references = _about(result, report)
    if len(references) > MOST_RESULTS:
        raise Unreadable(f"more than {MOST_RESULTS:,} resources")
    return [
        {
            **facts,
            "place": place,
            "about": about,
            "resource_api_version": each.apiVersion,
            "resource_kind": each.kind,
            "resource_namespace": each.namespace,
            "resource_name": each.name,
            "resource_uid": each.uid,
        }
        for place, each in enumerate(references, 1)
    ]


def _about(result: _Result, report: Report) -> tuple[str, list[_Reference]]:
    """Where the resources are named, and what they are; one that is empty where they are not."""
    if result.resources:
        return "result", result.resources
    if says_something(result.resourceSelector):  # some engines write an empty one with every result
        return "selector", [_Reference()]
    if report.scope is not None:
        return "scope", [report.scope]
    return "nowhere", [_Reference()]


def _time(stamp: _Stamp | str | None) -> datetime | None:
    """The time of a result; None for one that was never set, which is 1970's first second or lies in year 1.

    Raises:
        Unreadable: it is no time.
    """
    if stamp is None:
        return None
    if isinstance(stamp, str):
        at = parse(stamp)
    else:
        try:
            at = _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)
        except OverflowError:
            raise Unreadable(f"not a time: {stamp.seconds} s and {stamp.nanos} ns") from None
    return None if at == _EPOCH or at < _YEAR_2 else at


def _properties(given: dict[str, msgspec.Raw] | None) -> str | None:
    told = {name: raw for name, raw in (given or {}).items() if name in _PROPERTIES}
    return canonical(msgspec.Raw(msgspec.json.encode(told))) if told else None


def _totals(found: Report, counted: Counter[str], unreadable: int) -> Row:
    """What is listed beside what the summary counts."""
    summary, limits = found.summary, found.configuration.limits if found.configuration else None
    declared = {word: getattr(summary, "pass_" if word == "pass" else word, None) for word in WORDS}
    more = sum(count or 0 for count in declared.values()) - counted.total() - unreadable
    agrees = all((declared[word] or 0) == counted[word] for word in WORDS)
    return {
        "source": found.source,
        "created_at": optional(found.metadata.creationTimestamp),
        **{f"listed_{word}": counted[word] for word in WORDS},
        "unreadable": unreadable,
        **{f"declared_{word}": declared[word] for word in WORDS},
        "agrees": agrees if summary is not None else None,
        "cut": more > 0 if summary is not None else None,
        "limit": limits.maxResults if limits is not None else None,
    }


def _looks(record: bytes) -> bool:
    if b"Report" not in record or not any(group.encode() in record for group in GROUPS):
        return False
    found = keys(record)
    kinds, _ = GROUPS.get((found.apiVersion or "").partition("/")[0], ((), ()))
    return found.kind in kinds


FORMAT = JsonFormat(
    "policy-report", 3, ("policy_report_results", "policy_report_totals"), Report, _rows, _looks
)
