"""Real events in real envelopes: so many go in, so many come out."""

from __future__ import annotations

import base64
import copy
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.normalise.interface import Context, Parsed
from audit.normalise.reader import parse

CONTEXT = Context("samples", "sample.json", cluster="sample")


def read(path: Path, text: str) -> Parsed:
    path.write_bytes(gzip.compress(text.encode()))
    parsed = parse(path, CONTEXT)
    assert parsed.records == parsed.kept + parsed.noise + len(parsed.quarantined)
    return parsed


def packed(text: str, *, zipped: bool) -> str:
    return base64.b64encode(gzip.compress(text.encode()) if zipped else text.encode()).decode()


@pytest.fixture
def events(data: Path) -> list[str]:
    """88 events: those of audit2rbac and, but for the one that is none, of Falco."""
    texts = (data / "audit2rbac/demo.log").read_text(encoding="utf-8").splitlines()
    decoder = json.JSONDecoder()
    for path in sorted((data / "falco-k8saudit/traces").iterdir()):
        text = path.read_text(encoding="utf-8").strip()
        while text:
            value, end = decoder.raw_decode(text)
            text = text[end:].strip()
            texts.extend(json.dumps(each) for each in value.get("items", [value]) if "auditID" in each)
    return texts


def _fill(name: str) -> Callable[[dict[str, Any], list[str]], dict[str, Any]]:
    """How the texts are put into the real payload of that name, one record each, made from its first."""

    def fill(payload: dict[str, Any], texts: list[str]) -> dict[str, Any]:
        (field,) = payload.keys() & {"Records", "records"}
        first, filled = payload[field][0], []
        for number, text in enumerate(texts):
            record = copy.deepcopy(first)
            if name == "kinesis-event":
                record["kinesis"]["data"] = packed(text, zipped=number % 2 == 0)
            elif name == "sns-event":
                record["Sns"]["Message"] = text
            elif name == "sqs-event":
                record["body"] = text
            else:
                record["data"] = packed(text, zipped=number % 2 == 0)
            filled.append(record)
        return payload | {field: filled}

    return fill


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("kinesis-event", "kinesis"),
        ("kinesis-firehose-event", "firehose"),
        ("kinesis-firehose-response", "firehose"),
        ("sns-event", "sns"),
        ("sqs-event", "sqs"),
    ],
)
def test_events_in_payloads_of_aws(
    data: Path, tmp_path: Path, events: list[str], name: str, kind: str
) -> None:
    """88 of 88, with the rows that they give alone."""
    payload = json.loads((data / f"aws-lambda-go/{name}.json").read_text(encoding="utf-8"))
    alone = read(tmp_path / "alone", "\n".join(events))
    parsed = read(tmp_path / "object", json.dumps(_fill(name)(payload, events), indent=1))
    assert (parsed.records, parsed.kept, parsed.noise) == (len(events), alone.kept, alone.noise)
    assert len(events) == 88
    assert kind in parsed.envelopes
    place = {"line": 0, "evidence": ""}
    ours = [row | place for row in parsed.rows["cluster_access"]]
    assert ours == [row | place for row in alone.rows["cluster_access"]]


@pytest.mark.parametrize(
    "name",
    ["kinesis-event", "kinesis-firehose-event", "kinesis-firehose-response", "sns-event", "sqs-event"],
)
def test_text_in_payloads_of_aws_is_named_as_text(data: Path, name: str) -> None:
    """The payloads as they are, with messages such as 'Hello World'."""
    parsed = parse(data / f"aws-lambda-go/{name}.json", CONTEXT)
    assert parsed.kept == 0
    assert {reason.split(" (")[0] for _, _, reason in parsed.quarantined} == {"text that no format knows"}


def test_the_event_of_a_subscription(data: Path, tmp_path: Path, events: list[str]) -> None:
    payload = json.loads((data / "aws-lambda-go/cloudwatch-logs-event.json").read_text(encoding="utf-8"))
    inner = json.loads(gzip.decompress(base64.b64decode(payload["awslogs"]["data"])))
    assert read(tmp_path / "as-it-is", json.dumps(payload)).records == len(inner["logEvents"]) == 2
    inner["logEvents"] = [inner["logEvents"][0] | {"message": text} for text in events]
    payload["awslogs"]["data"] = packed(json.dumps(inner), zipped=True)
    parsed = read(tmp_path / "object", json.dumps(payload))
    assert (parsed.records, parsed.quarantined) == (88, [])
    assert parsed.envelopes == {"cloudwatch-lambda", "cloudwatch-logs"}


def test_notifications_of_s3_hold_no_evidence_and_say_so(data: Path) -> None:
    (reason,) = [why for _, _, why in parse(data / "aws-lambda-go/s3-event.json", CONTEXT).quarantined]
    assert reason.startswith("a notification of S3: it names an object and holds nothing of it")
