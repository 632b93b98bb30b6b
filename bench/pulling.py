"""Pulling from a real S3 server on loopback: ours with sha256, checksums, store and manifest, against clients that throw
the bytes away.

obstore is the fastest client that was found; it is measured where it is installed (the extra `bench`). What bounds ours says
`docs/adr/0017-pulling.md`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from audit.evidence.collect import collect
from audit.evidence.store import Store
from audit.settings import load
from audit.sources.loopback import S3Server
from bench.timing import Timed, show, timed

THREADS = 8
_SHAPES = {
    "2,000 objects of 0.5 MB": (2000, 500_000, 0.5),
    "20 objects of 50 MB": (20, 50_000_000, 0.85),
}
"""How many, how large, and which share of the fastest client's rate ours must reach."""
_SETTINGS = '[organisation]\nname = "bench"\n[[sources]]\nname = "all"\nlocation = "s3://audit/"\n'
_CHUNK = 1 << 20


def run(folder: Path, _repository: Path | None) -> None:
    """Pulls many small objects, then a few large ones."""
    for title, (number, size, limit) in _SHAPES.items():
        place = folder / str(size)
        (place / "objects").mkdir(parents=True)
        for each in range(number):
            (place / "objects" / f"{each:05}").write_bytes(os.urandom(size))
        (place / "audit.toml").write_text(_SETTINGS, encoding="utf-8")
        ours, *others = _all(place, number * size / 1e6)
        show(f"Pulling {title}", ours, *others)
        fastest = max(other.rate for other in others)  # it throws the bytes away
        print(f"  {ours.rate / fastest:.2f} of the fastest; the limit is {limit}")
        shutil.rmtree(place)


def _all(place: Path, megabytes: float) -> list[Timed]:
    """Our collection, and the other clients, against one server."""
    with S3Server(place / "s3") as server:
        server.fill(place / "objects", "audit")
        os.environ.update(server.environment() | {"AUDIT__S3__ENDPOINT_URL": server.endpoint_url})
        url = server.endpoint_url
        numbers = count()
        runs: dict[str, Callable[[], object]] = {
            "audit collect: stored, hashed, in the manifest": lambda: _collect(place, next(numbers)),
            "get_object, 1 thread": lambda: _boto(url, 1, hashed=False),
            f"get_object, {THREADS} threads, sha256": lambda: _boto(url, THREADS, hashed=True),
        }
        if find_spec("obstore") is not None:
            runs[f"obstore, {THREADS} threads"] = lambda: _obstore(server)
            runs["the same, hashed and written to disk, each durable"] = lambda: _obstore(
                server, place / f"kept-{next(numbers)}"
            )
        else:
            print("obstore is not installed: the fastest client is not measured")
        return [timed(name, function, work=megabytes, unit="MB") for name, function in runs.items()]


def _collect(place: Path, number: int) -> None:
    settings = load(place / "audit.toml").model_copy(update={"store": f"store-{number}"})
    done = collect(settings, Store(settings.store_path), as_of=datetime(2026, 10, 5, tzinfo=UTC))
    assert not done.problems, done.problems


def _boto(endpoint: str, threads: int, *, hashed: bool) -> None:
    config = Config(max_pool_connections=threads)
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=config)

    def one(key: str) -> None:
        digest = hashlib.sha256()
        for chunk in client.get_object(Bucket="audit", Key=key)["Body"].iter_chunks(_CHUNK):
            if hashed:
                digest.update(chunk)

    pages = client.get_paginator("list_objects_v2").paginate(Bucket="audit")
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, [item["Key"] for page in pages for item in page["Contents"]]))


def _obstore(server: Any, kept: Path | None = None) -> None:
    """Reads all objects; with `kept`, does with them what a store has to: else they are thrown away."""
    import obstore  # noqa: PLC0415  # of the extra `bench`
    from obstore.store import S3Store  # noqa: PLC0415

    names = server.environment()
    store = S3Store(
        "audit",
        endpoint=server.endpoint_url,
        access_key_id=names["AWS_ACCESS_KEY_ID"],
        secret_access_key=names["AWS_SECRET_ACCESS_KEY"],
        region="us-east-1",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )

    def one(key: str) -> None:
        chunks = obstore.get(store, key).stream(min_chunk_size=_CHUNK)
        if kept is None:
            for _ in chunks:
                pass
            return
        digest = hashlib.sha256()
        with (kept / key).open("wb", buffering=0) as file:
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
            os.fsync(file.fileno())

    if kept is not None:
        kept.mkdir()
    keys = [item["path"] for page in obstore.list(store) for item in page]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, keys))
