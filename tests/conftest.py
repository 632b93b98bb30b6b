"""What tests of several packages share: a real S3 server, started once; and where and in which order tests run."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from audit.settings import Settings
from audit.sources.loopback import S3Server

READABLE = ("audit", "plain", "locked")
SWEEP = "::test_findings_equal_truth["
ORGANISATIONS = "tests/integration/"
TOGETHER = (ORGANISATIONS, "tests/controls/")
MEMORY = Path("/dev/shm")
ENOUGH = 4 << 30  # bytes


def pytest_configure() -> None:
    """Keeps what tests write in memory where there is plenty: thousands of small files, each made durable.

    And looks for garbage less often: a seventh of the time went into it.
    """
    gc.set_threshold(20_000, 20, 50)
    # where a test does not say how many it needs; how long one takes is nothing that a test asserts
    settings.register_profile("quick", max_examples=60, deadline=None)
    settings.load_profile("quick")
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no worker ends long before another: whole organisations, all else, the sweep."""
    items.sort(key=lambda item: (SWEEP in item.nodeid, not item.nodeid.startswith(ORGANISATIONS)))


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist is untyped
    """Tests that share what they make run in one worker; each of the sweep, which shares nothing, in any."""

    def _split_scope(self, nodeid: str) -> str:
        if SWEEP in nodeid:
            return nodeid
        file = nodeid.split("::", 1)[0]
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    """Who runs what when there are several workers."""
    return Sharing(config, log)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """SeaweedFS with three buckets: `audit` is versioned, `plain` is not, `locked` has object lock."""
    with S3Server(tmp_path_factory.mktemp("s3"), buckets=READABLE) as server:
        admin = server.admin()
        admin.create_bucket(Bucket="audit")
        admin.put_bucket_versioning(Bucket="audit", VersioningConfiguration={"Status": "Enabled"})
        admin.create_bucket(Bucket="plain")
        admin.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
        yield server


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """boto3 finds no credentials, profiles or region of the machine's."""
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_DEFAULT_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))


@pytest.fixture
def as_auditor(no_credentials: None, monkeypatch: pytest.MonkeyPatch, s3_server: S3Server) -> None:
    """boto3 acts as the server's auditor, who may only list and read."""
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def settings_for(tmp_path: Path, s3_server: S3Server) -> Callable[..., Settings]:
    """Settings with sources by name, a store in the test's folder, and the server as the endpoint."""

    def make(sources: dict[str, str], *, s3: dict[str, Any] | None = None, **more: Any) -> Settings:
        return Settings.model_validate(
            {
                "organisation": {"name": "NETBPF"},
                "store": str(tmp_path / "store"),
                "sources": [{"name": name, "location": location} for name, location in sources.items()],
                "s3": {"endpoint_url": s3_server.endpoint_url, "attempts": 2} | (s3 or {}),
            }
            | more
        )

    return make
