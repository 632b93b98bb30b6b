"""CloudTrail events, alone or in a delivered file's `Records`, to `cloud_events`.

Kept: every call, management or data. Noise: Insights, which are CloudTrail's own statistics, and digest files, which
prove the delivered files. Times are in UTC, also where no zone is written, as in queries. Of requests, only what names something is taken in; of responses, only whether a sign-in
succeeded: credentials that a call hands out never get into a row.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.jsonformat import JsonFormat, names
from audit.normalise.times import Time, optional, utc

T = TypeVar("T")

_ABSENT = msgspec.Raw()
_INSIGHT = "AwsCloudTrailInsight"
_TRUTHS = {"true": True, "false": False, "Yes": True, "No": False}


class _Issuer(msgspec.Struct):
    type: str | None = None
    arn: str | None = None
    userName: str | None = None


class _Attributes(msgspec.Struct):
    mfaAuthenticated: str | bool | None = None


class _Session(msgspec.Struct):
    sessionIssuer: _Issuer | None = None
    attributes: _Attributes | None = None


class _OnBehalfOf(msgspec.Struct):
    userId: str | None = None


class _Identity(msgspec.Struct):
    type: str = ""
    principalId: str | None = None
    arn: str | None = None
    accountId: str | None = None
    userName: str | None = None
    invokedBy: str | None = None
    sessionContext: _Session | None = None
    onBehalfOf: _OnBehalfOf | None = None


_TARGETS = frozenset(
    {"alias", "clusterName", "groupName", "keyId", "name", "policyArn", "policyName", "principalArn", "roleArn",
     "roleName", "roleSessionName", "secretId", "trailName", "userName", "username"}
)  # fmt: skip
"""Parameters that name what a call is about."""


_SIGN_INS = frozenset({"CheckMfa", "ConsoleLogin", "ExitRole", "SwitchRole", "UserAuthentication"})
"""Responses and details of sign-ins that say Success or Failure."""


class _Additional(msgspec.Struct):
    MFAUsed: str | None = None
    UserName: str | None = None


class _Resource(msgspec.Struct):
    ARN: str | None = None
    arn: str | None = None


class Event(msgspec.Struct):
    """One event, or a digest file; what is not needed is not decoded."""

    eventID: str | None = None
    eventTime: datetime | None = None
    moved: datetime | None = msgspec.field(name="@timestamp", default=None)
    eventSource: str | None = None
    eventName: str | None = None
    eventType: str = ""
    eventCategory: str = ""
    awsRegion: str = ""
    recipientAccountId: str | None = None
    sharedEventID: str | None = None
    userIdentity: _Identity | None = None
    sourceIPAddress: str | None = None
    userAgent: str | None = None
    readOnly: bool | str | None = None
    errorCode: str | None = None
    errorMessage: str | None = None
    requestParameters: msgspec.Raw = _ABSENT
    responseElements: msgspec.Raw = _ABSENT
    additionalEventData: msgspec.Raw = _ABSENT
    serviceEventDetails: msgspec.Raw = _ABSENT
    resources: list[_Resource] | None = None
    digestEndTime: Time | None = None


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_additional = msgspec.json.Decoder(_Additional)
_string = msgspec.json.Decoder(str)


def _rows(event: Event, _context: Context) -> Outcome:
    told = event.eventTime or event.moved  # Logstash's codec moves the one to the other
    if told is None:
        if event.digestEndTime is not None:
            return Outcome([], optional(event.digestEndTime))
        raise Unreadable("eventTime is missing")
    at = utc(told if told.tzinfo is not None else told.replace(tzinfo=UTC))
    if event.eventType == _INSIGHT:
        return Outcome([], at)
    if not event.eventID or not event.eventSource or not event.eventName:
        raise Unreadable("eventID, eventSource or eventName is missing")
    asked = _parsed(_fields, event.requestParameters) or {}
    named = {
        name: text for name in sorted(_TARGETS & asked.keys()) if (text := _text(asked[name])) is not None
    }
    row = {
        "event_id": event.eventID,
        "shared_event_id": event.sharedEventID,
        "at": at,
        "account": event.recipientAccountId or "",
        "region": event.awsRegion,
        "event_source": event.eventSource,
        "event_name": event.eventName,
        "event_type": event.eventType,
        "category": event.eventCategory,
        **_caller(event),
        "source_ip": event.sourceIPAddress,
        "user_agent": event.userAgent,
        "read_only": _truth(event.readOnly),
        "failed": bool(event.errorCode or event.errorMessage) or _refused(event),
        "error_code": event.errorCode,
        "error_message": event.errorMessage,
        "bucket": _text(asked.get("bucketName")),
        "key": _text(asked.get("key")),
        "target": json.dumps(named, ensure_ascii=False) if named else None,
        "resources": " ".join(sorted({r.ARN or r.arn or "" for r in event.resources or ()} - {""})),
    }
    return Outcome([("cloud_events", row)], at)


def _refused(event: Event) -> bool:
    """Whether it is a sign-in that did not succeed."""
    told = (_parsed(_fields, raw) or {} for raw in (event.responseElements, event.serviceEventDetails))
    return any(_text(fields[name]) == "Failure" for fields in told for name in _SIGN_INS & fields.keys())


def _caller(event: Event) -> dict[str, str | bool | None]:
    """Columns that tell who called, and by which right."""
    who = event.userIdentity or _Identity()
    session = who.sessionContext or _Session()
    issuer = session.sessionIssuer or _Issuer()
    factor: str | bool | None = session.attributes.mfaAuthenticated if session.attributes else None
    more = _parsed(_additional, event.additionalEventData) or _Additional()
    factor = more.MFAUsed if factor is None else factor
    return {
        "identity_type": who.type,
        "principal": who.principalId or None,
        "arn": who.arn or None,
        "identity_account": who.accountId,
        "user_name": who.userName or more.UserName,
        "issuer_type": issuer.type,
        "issuer_arn": issuer.arn,
        "issuer_name": issuer.userName,
        "on_behalf_of": who.onBehalfOf.userId if who.onBehalfOf else None,
        "invoked_by": who.invokedBy,
        "mfa": _truth(factor),
    }


def _truth(told: str | bool | None) -> bool | None:
    """What is told as a truth or as a word for one."""
    return told if isinstance(told, bool) else _TRUTHS.get(told or "")


def _parsed(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw | None) -> T | None:
    """What `raw` holds; None when it is of another kind, as parameters of some services are."""
    if not raw:
        return None
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _text(raw: msgspec.Raw | None) -> str | None:
    return _parsed(_string, raw)


def _looks(record: bytes) -> bool:
    if b'"eventVersion"' in record:
        there = names(record)
        told = {
            "eventSource",
            "eventName",
            "awsRegion",
            "userIdentity",
        } <= there  # one without an id is none of another format
        return "eventVersion" in there and (
            told or ("eventID" in there and not there.isdisjoint({"eventTime", "@timestamp"}))
        )
    return b'"digestEndTime"' in record and {"digestEndTime", "digestS3Bucket", "logFiles"} <= names(record)


FORMAT = JsonFormat("cloudtrail", 3, ("cloud_events",), Event, _rows, _looks)
