"""How audit events reach the archive: each cluster's API server ships them in its own way.

- dev, a k3s server: rotated log files of JSON lines, `audit-<time of rotation>.log.gz`; once audit.k8s.io/v1beta1, later
  v1; some lines are cut short.
- staging: the audit webhook's batches, `EventList` documents whose items carry no kind of their own.
- prod, EKS: CloudWatch Logs through Firehose: `DATA_MESSAGE` documents without a line break between them, each
  compressed on its own, the event as a string within a log event; now and then a `CONTROL_MESSAGE`.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

ACCOUNT = "111122223333"
_LEVEL = 4  # of compression
_BATCH = {"staging": 400, "prod": 150}  # events in one document, at most

Delivery = tuple[str, bytes, int]
"""Key, content, and how many lines of it are garbage."""


def deliver(
    cluster: str, until: datetime, bodies: list[str], rng: random.Random, *, legacy: bool, garbage: int = 0
) -> Delivery:
    """One object that was closed at `until`.

    Args:
        bodies: events as `audit_records.body` gives them.
        legacy: the cluster still wrote audit.k8s.io/v1beta1.
        garbage: how many lines to repeat cut short; only where events are lines.
    """
    return _WAYS[cluster](until, bodies, rng, legacy, garbage)


def _complete(body: str, *, legacy: bool, typed: bool = True) -> str:
    """The whole event. v1beta1 also has metadata and timestamp; an item of a list leaves out kind and apiVersion."""
    head = f'"kind":"Event","apiVersion":"audit.k8s.io/{"v1beta1" if legacy else "v1"}",' if typed else ""
    if legacy:
        marker = '"requestReceivedTimestamp":"'
        begin = body.index(marker) + len(marker)
        second = body[begin : begin + 19] + "Z"
        head += f'"metadata":{{"creationTimestamp":"{second}"}},"timestamp":"{second}",'
    return "{" + head + body


def _batches(bodies: list[str], size: int) -> Iterator[list[str]]:
    for begin in range(0, len(bodies), size):
        yield bodies[begin : begin + size]


def _file(until: datetime, bodies: list[str], rng: random.Random, legacy: bool, garbage: int) -> Delivery:
    lines = [_complete(body, legacy=legacy) for body in bodies]
    cut = []
    for _ in range(garbage):
        whole = rng.choice(lines)
        cut.append(whole[: rng.randint(20, len(whole) // 2)])
    for line in cut:
        lines.insert(rng.randint(0, len(lines)), line)
    key = f"audit-{until:%Y-%m-%dT%H-%M-%S}.{rng.randrange(1000):03d}.log.gz"
    return key, _zip("\n".join(lines) + "\n"), len(cut)


def _webhook(until: datetime, bodies: list[str], rng: random.Random, legacy: bool, _: int) -> Delivery:
    version = "v1beta1" if legacy else "v1"
    documents = []
    for batch in _batches(bodies, _BATCH["staging"]):
        items = ",".join(_complete(body, legacy=legacy, typed=False) for body in batch)
        documents.append(
            f'{{"kind":"EventList","apiVersion":"audit.k8s.io/{version}","metadata":{{}},"items":[{items}]}}\n'
        )
    key = f"{until:%Y/%m/%d}/webhook-{until:%H%M%S}-{rng.getrandbits(32):08x}.json.gz"
    return key, _zip("".join(documents)), 0


def _firehose(until: datetime, bodies: list[str], rng: random.Random, legacy: bool, _: int) -> Delivery:
    members = []
    if rng.random() < 0.1:
        members.append(_zip(json.dumps(_control(until), separators=(",", ":"))))
    stream = f"kube-apiserver-audit-{rng.getrandbits(128):032x}"
    for batch in _batches(bodies, _BATCH["prod"]):
        events = ",".join(_log_event(body, rng, legacy=legacy) for body in batch)
        members.append(
            _zip(
                f'{{"messageType":"DATA_MESSAGE","owner":"{ACCOUNT}","logGroup":"/aws/eks/prod/cluster",'
                f'"logStream":"{stream}","subscriptionFilters":["audit-to-archive"],"logEvents":[{events}]}}'
            )
        )
    unique = f"{rng.getrandbits(32):08x}-{rng.getrandbits(16):04x}-4000-8000-{rng.getrandbits(48):012x}"
    key = f"{until:%Y/%m/%d/%H}/audit-to-archive-1-{until:%Y-%m-%d-%H-%M-%S}-{unique}.gz"
    return key, b"".join(members), 0


def _control(until: datetime) -> dict[str, object]:
    message = "CWL CONTROL MESSAGE: Checking health of destination Firehose."
    return {
        "messageType": "CONTROL_MESSAGE",
        "owner": "CloudwatchLogs",
        "logGroup": "",
        "logStream": "",
        "subscriptionFilters": [],
        "logEvents": [{"id": "", "timestamp": int(until.timestamp() * 1000), "message": message}],
    }


def _log_event(body: str, rng: random.Random, *, legacy: bool) -> str:
    message = _complete(body, legacy=legacy)
    begin = message.index('"stageTimestamp":"') + 18
    taken = datetime.fromisoformat(message[begin : begin + 19] + "+00:00")
    milliseconds = int(taken.timestamp()) * 1000 + int(message[begin + 20 : begin + 23])
    identity = f"{37_000_000_000_000_000_000_000_000 + rng.getrandbits(80):056d}"
    return f'{{"id":"{identity}","timestamp":{milliseconds},"message":{json.dumps(message)}}}'


def _zip(text: str) -> bytes:
    return gzip.compress(text.encode(), _LEVEL, mtime=0)


_Way = Callable[[datetime, list[str], random.Random, bool, int], Delivery]
_WAYS: dict[str, _Way] = {"dev": _file, "staging": _webhook, "prod": _firehose}


def again(cluster: str, delivery: Delivery, later: timedelta, until: datetime) -> Delivery:
    """The same object once more, under the key that it would have got `later`."""
    key, data, garbage = delivery
    moment = until + later
    if cluster == "dev":
        return f"audit-{moment:%Y-%m-%dT%H-%M-%S}.001.log.gz", data, garbage
    folder = f"{moment:%Y/%m/%d/%H}" if cluster == "prod" else f"{moment:%Y/%m/%d}"
    return f"{folder}/again-{key.rpartition('/')[2]}", data, garbage
