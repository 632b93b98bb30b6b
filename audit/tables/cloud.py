"""What the cloud says of the buckets and clusters themselves."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Bool, Int, Meta, Table, column
from audit.tables.forge import _EVIDENCE, _LINE


class CloudEvents(Table):
    """Events of CloudTrail: who called which API of AWS, on what, and whether it was refused."""

    event_id: str = column("CloudTrail's id of the event")
    shared_event_id: str = column("Id that the events of one call in several accounts share", optional=True)
    at: UTC = column("When the call was made")
    account: str = column("Account that received the event; empty where it isn't told")
    region: str = column("Region")
    event_source: str = column("Service, such as s3.amazonaws.com")
    event_name: str = column("Action, such as GetObject")
    event_type: str = column("Kind of the event, such as AwsApiCall or AwsConsoleSignIn")
    category: str = column("Management, Data or NetworkActivity; empty in older events")
    identity_type: str = column("Kind of the caller, such as AssumedRole; empty where it isn't told")
    principal: str = column("Caller's unique id", optional=True)
    arn: str = column("Caller's ARN", optional=True)
    identity_account: str = column("Caller's account", optional=True)
    user_name: str = column("Caller's name, where the event gives one", optional=True)
    issuer_type: str = column("What issued the session: Role, IAMUser, Root …", optional=True)
    issuer_arn: str = column("ARN of what issued the session: the role behind an AssumedRole", optional=True)
    issuer_name: str = column("Name of what issued the session", optional=True)
    on_behalf_of: str = column("User of the identity centre for whom the call was made", optional=True)
    invoked_by: str = column("Service that made the call on the caller's behalf", optional=True)
    mfa: Bool = column("The session, or the sign-in, used a second factor", optional=True)
    source_ip: str = column("Address or service that it came from", optional=True)
    user_agent: str = column("User agent", optional=True)
    read_only: Bool = column(
        "It can't have changed anything; missing where the event doesn't say", optional=True
    )
    failed: Bool = column("It was refused or failed")
    error_code: str = column("Error code", optional=True)
    error_message: str = column("Error message", optional=True)
    bucket: str = column("Bucket of the request", optional=True)
    key: str = column("Key of the object in the bucket", optional=True)
    target: str = column(
        "What else the request names (role, session, user, policy, cluster, key …), as sorted JSON",
        optional=True,
    )
    resources: str = column("ARNs of the resources, sorted, separated by spaces")
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Calls to AWS"
        metadata: ClassVar[Meta] = {
            "source": "CloudTrail; credentials and contents in requests and responses are never taken in",
            "stage": "normalised",
            "time": "at",
        }
        unique: ClassVar[list[str]] = ["event_id", "account", "event_source", "event_name", "at"]
