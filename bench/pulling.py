"""Pulling from a real S3 server on loopback, sha256 and manifest included, against bare get_object in one thread."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import boto3

from audit.evidence.collect import collect
from audit.evidence.store import Store
from audit.settings import load
from audit.sources.loopback import S3Server
from bench.timing import Timed, show, timed

_SHAPES = {"600 objects of 0.5 MB": (600, 500_000), "12 objects of 50 MB": (12, 50_000_000)}
_SETTINGS = '[organisation]\nname = "bench"\n[[sources]]\nname = "all"\nlocation = "s3://audit/"\n'


def run(folder: Path, _repository: Path | None) -> None:
    """Pulls many small objects, then a few large ones."""
    for title, (count, size) in _SHAPES.items():
        place = folder / str(size)
        (place / "objects").mkdir(parents=True)
        for number in range(count):
            (place / "objects" / f"{number:05}").write_bytes(os.urandom(size))
        (place / "audit.toml").write_text(_SETTINGS, encoding="utf-8")
        ours, bare = _both(place, count * size / 1e6)
        show(f"Pulling {title}", ours, bare)


def _both(place: Path, megabytes: float) -> tuple[Timed, Timed]:
    """Our collection, and the bare client, against one server."""
    with S3Server(place / "s3") as server:
        server.fill(place / "objects", "audit")
        os.environ.update(server.environment() | {"AUDIT__S3__ENDPOINT_URL": server.endpoint_url})
        url = server.endpoint_url
        return (
            timed(
                "audit collect: stored, hashed, in the manifest",
                lambda: _collect(place),
                work=megabytes,
                unit="MB",
            ),
            timed("get_object, 1 thread, bytes thrown away", lambda: _bare(url), work=megabytes, unit="MB"),
        )


def _collect(place: Path) -> None:
    shutil.rmtree(place / "audit-store", ignore_errors=True)
    settings = load(place / "audit.toml")
    done = collect(settings, Store(settings.store_path), as_of=datetime(2026, 10, 5, tzinfo=UTC))
    assert not done.problems, done.problems


def _bare(endpoint: str) -> None:
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="audit"):
        for item in page["Contents"]:
            for _ in client.get_object(Bucket="audit", Key=item["Key"])["Body"].iter_chunks(1 << 20):
                pass
