"""What was done to the bucket that holds the evidence, as CloudTrail tells: nearly always it is read, now and then touched."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from audit.simulator.clusters import quarter_starts
from audit.simulator.world import World, stamp

SOURCE = "cloudtrail"
BUCKET = "audit"
_ACCOUNT, _REGION = "111122223333", "eu-central-1"
_STEP = timedelta(days=3)
_TOUCHES = (
    ("s3.amazonaws.com", "DeleteObject", "an object of the evidence was deleted"),
    ("s3.amazonaws.com", "PutBucketVersioning", "versions of the evidence were switched off"),
    ("s3.amazonaws.com", "PutObjectRetention", "a lock of the evidence was loosened"),
    ("cloudtrail.amazonaws.com", "StopLogging", "CloudTrail was stopped"),
)


def copied(source: str) -> str:
    """From where the files of a source were copied, where they lie in a folder."""
    return f"s3://{BUCKET}/{source}/"


def act(world: World, bucket: str) -> None:
    """Writes source `cloudtrail`, and EVD-04 to the truth: one or two touches a quarter.

    Args:
        bucket: where the evidence lies.
    """
    rng = world.dice("tampering")
    for first, after in pairwise(quarter_starts(world)):
        records = [*_reads(bucket, first, after, rng), *_touched(world, bucket, first, after, rng)]
        records.sort(key=lambda record: (record["eventTime"], record["eventID"]))
        for day in sorted({record["eventTime"][:10] for record in records}):
            own = [record for record in records if record["eventTime"].startswith(day)]
            _deliver(world, day, own, rng)


def _deliver(world: World, day: str, records: list[dict[str, Any]], rng: random.Random) -> None:
    name = f"{_ACCOUNT}_CloudTrail_{_REGION}_{day.replace('-', '')}T2355Z_{rng.getrandbits(64):016x}.json.gz"
    folder = f"AWSLogs/{_ACCOUNT}/CloudTrail/{_REGION}/{day.replace('-', '/')}"
    world.evidence.lines(SOURCE, f"{folder}/{name}", [{"Records": records}])


def _reads(bucket: str, first: datetime, after: datetime, rng: random.Random) -> Iterator[dict[str, Any]]:
    """The audit reads what it is to read."""
    at = first + timedelta(minutes=rng.randint(1, 600))
    while at < after:
        yield _event(rng, at, ("s3.amazonaws.com", "GetObject"), "auditor", bucket)
        at += _STEP


def _touched(
    world: World, bucket: str, first: datetime, after: datetime, rng: random.Random
) -> Iterator[dict[str, Any]]:
    """Somebody touches it; and somebody who may not is refused."""
    length = int((after - first).total_seconds())
    for service, name, why in rng.sample(_TOUCHES, rng.randint(1, 2)):
        at = first + timedelta(seconds=rng.randrange(length))
        who = rng.choice([person.login for person in world.people if person.kind == "person"])
        event = _event(rng, at, (service, name), who, bucket)
        world.truth.violation("EVD-04", f"cloud:{event['eventID']}", at, why=why)
        yield event
    at = first + timedelta(days=20)
    refused = _event(rng, at, ("s3.amazonaws.com", "DeleteObject"), "auditor", bucket)
    yield refused | {"errorCode": "AccessDenied", "errorMessage": "Access Denied"}


def _event(rng: random.Random, at: datetime, call: tuple[str, str], who: str, bucket: str) -> dict[str, Any]:
    """One event of a call (service, name)."""
    service, name = call
    read = name.startswith("Get")
    trail = {"name": f"arn:aws:cloudtrail:{_REGION}:{_ACCOUNT}:trail/evidence"}
    key = {} if name.startswith("PutBucket") else {"key": "prod-audit/2026/audit.json.gz"}
    identity = f"{rng.getrandbits(32):08x}-{rng.getrandbits(16):04x}-4{rng.getrandbits(12):03x}-8000-{rng.getrandbits(48):012x}"
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"AROA{'X' * 17}:{who}",
            "arn": f"arn:aws:sts::{_ACCOUNT}:assumed-role/{'audit' if read else 'platform'}/{who}",
            "accountId": _ACCOUNT,
        },
        "eventTime": stamp(at),
        "eventSource": service,
        "eventName": name,
        "awsRegion": _REGION,
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "[aws-cli/2.17.0]",
        "requestParameters": {"bucketName": bucket, **key} if service.startswith("s3") else trail,
        "responseElements": None,
        "eventID": identity,
        "readOnly": read,
        "eventType": "AwsApiCall",
        "managementEvent": not key,
        "recipientAccountId": _ACCOUNT,
        "eventCategory": "Data" if key else "Management",
    }
