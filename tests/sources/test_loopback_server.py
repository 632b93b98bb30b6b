"""The S3 server of the demonstration: loopback only, its data stays, and it ends with its run."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from audit.errors import UsageError
from audit.sources.loopback import S3Server


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _pid(folder: Path) -> int:
    return int((folder / "pid").read_text())


def test_keeps_its_data_and_uploads_only_what_is_missing_or_differs(tmp_path):
    files, folder = tmp_path / "files", tmp_path / "s3"
    (files / "a").mkdir(parents=True)
    (files / "a" / "one").write_text("1")
    (files / "two").write_text("2")
    with S3Server(folder) as server:
        assert server.fill(files, "audit", "logs/") == 2
        pid = _pid(folder)
        with pytest.raises(UsageError, match="another run serves this folder"):
            S3Server(folder).__enter__()
    assert not _alive(pid)
    (files / "two").write_text("22")
    with S3Server(folder) as server:
        assert server.fill(files, "audit", "logs/") == 1
        body = server.admin().get_object(Bucket="audit", Key="logs/a/one")["Body"].read()
        assert body == b"1"


def test_ends_what_a_killed_run_left_behind(tmp_path):
    program = (
        "import os, signal, pathlib\n"
        "from audit.sources.loopback import S3Server\n"
        f"S3Server(pathlib.Path({str(tmp_path)!r})).__enter__()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL
    orphan = _pid(tmp_path)
    assert _alive(orphan)
    with S3Server(tmp_path):
        assert not _alive(orphan)
    assert not _alive(_pid(tmp_path))


def test_ends_when_the_run_fails(tmp_path):
    def fail() -> None:
        with S3Server(tmp_path):
            pids.append(_pid(tmp_path))
            raise RuntimeError("failed")

    pids: list[int] = []
    with pytest.raises(RuntimeError, match="failed"):
        fail()
    assert not _alive(pids[0])


def test_listens_on_loopback_alone(s3_server):
    pid = _pid(s3_server._folder)
    sockets = {str(f.readlink()) for f in Path(f"/proc/{pid}/fd").iterdir() if f.is_symlink() and f.exists()}
    listening = [
        fields[1].split(":")[0]
        for table in ("tcp", "tcp6")
        for fields in map(str.split, Path(f"/proc/net/{table}").read_text().splitlines()[1:])
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets
    ]
    assert set(listening) <= {"0100007F"}


def test_the_auditor_may_not_write(s3_server, as_auditor):
    import boto3

    client = boto3.client("s3", endpoint_url=s3_server.endpoint_url)
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.put_object(Bucket="audit", Key="x", Body=b"1")
