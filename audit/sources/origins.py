"""The sources that the settings name, ready to be read; one S3 client serves them all."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import BotoCoreError, ProfileNotFound
from botocore.utils import parse_timestamp

from audit.errors import UsageError
from audit.settings import S3, Settings, Source
from audit.sources.folder import Folder
from audit.sources.interface import Origin, Walk
from audit.sources.s3 import Bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_REGION = "us-east-1"  # what S3 itself assumes where nothing names a region
_CONNECT_SECONDS = 10
_READ_SECONDS = 60


def origins(
    settings: Settings, *, as_of: datetime, only: Callable[[Source], bool] | None = None
) -> list[Origin | Walk]:
    """One origin for each source, in the order of the settings. Nothing is asked of the outside yet.

    Args:
        as_of: when it is collected (aware): GitHub is asked for the quarters of the last whole trend before.
        only: which sources; all when not given.

    Raises:
        UsageError: the profile does not exist, the endpoint is no URL, a folder holds the evidence store, or the
            GitHub App's private key can't be read.
    """
    sources = [source for source in settings.sources if only is None or only(source)]
    remote = any(source.kind == "s3" for source in sources)
    client = s3_client(settings.s3) if remote else None
    if any(source.kind == "github" for source in sources):
        from audit.sources.github import access  # noqa: PLC0415  # half a second of CPU: only for those who ask GitHub

        access.check(settings)
    return [_origin(source, settings, client, as_of) for source in sources]


def _origin(source: Source, settings: Settings, client: S3Client | None, as_of: datetime) -> Origin | Walk:
    if source.kind == "github":
        from audit.sources.github.origin import GitHub  # noqa: PLC0415  # as above

        return GitHub(source.name, source.location, settings, _since(settings, as_of))
    if client is not None and source.kind == "s3":
        return Bucket(
            source.name,
            source.location,
            client,
            requester_pays=settings.s3.requester_pays,
            attempts=settings.s3.attempts,
        )
    folder = settings.resolve(source.location.removeprefix("file:"))
    if settings.store_path.is_relative_to(folder):
        raise UsageError(
            f"source '{source.name}' ({source.location}): the folder holds the evidence store",
            remedy="set 'store' to a folder outside of it, or name the folder of the export alone",
        )
    return Folder(source.name, source.location, folder)


def _since(settings: Settings, as_of: datetime) -> datetime:
    """From when on GitHub is asked: as the settings say, else the start of the last trend that had ended."""
    if settings.github.since is not None:
        return datetime.combine(
            settings.github.since, datetime.min.time(), ZoneInfo(settings.organisation.time_zone)
        )
    quarter = settings.quarter_of(as_of)
    for _ in range(settings.thresholds.trend_quarters):
        quarter = quarter.previous()
    return quarter.start


def s3_client(s3: S3) -> S3Client:
    """A client for as many threads as the settings name; retries with exponential backoff.

    Raises:
        UsageError: the profile does not exist, or the endpoint is no URL.
    """
    config = Config(
        retries={"total_max_attempts": s3.attempts, "mode": "standard"},
        max_pool_connections=s3.threads,
        response_checksum_validation="when_required",  # `audit.sources.checksums` does it, for every algorithm
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        s3={"addressing_style": "path" if s3.endpoint_url else "auto"},
        user_agent="gitops-audit",  # botocore's own is put together anew, twice, for each object: a tenth of all work
    )
    try:
        session = boto3.Session(profile_name=s3.profile, region_name=s3.region, botocore_session=_core())
        region = session.region_name or _REGION
        if s3.role_arn is not None:
            session = _as_role(session, s3.role_arn, region)
        return session.client("s3", endpoint_url=s3.endpoint_url, region_name=region, config=config)
    except ProfileNotFound:
        raise UsageError(
            f"s3.profile: the AWS configuration has no profile '{s3.profile}'",
            remedy="name one that 'aws configure list-profiles' shows",
        ) from None
    except (ValueError, BotoCoreError) as error:
        raise UsageError(
            f"s3: no client can be made: {error}",
            remedy="write s3.endpoint_url as in https://s3.example.org, and check the AWS configuration",
        ) from None


def _core() -> botocore.session.Session:
    """A session that reads times fast: listings are full of them."""
    core = botocore.session.Session()
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_time)
    return core


def _time(value: Any) -> datetime:
    """As botocore does, a tenth of the time for the way in which S3 writes them."""
    try:
        read = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return parse_timestamp(value)
    return read if read.tzinfo is not None else parse_timestamp(value)


class _Role(CredentialProvider):
    """Credentials of a role, assumed at the first request and again whenever they run out."""

    METHOD = "assume-role"

    def __init__(self, fetcher: AssumeRoleCredentialFetcher) -> None:
        super().__init__()
        self._fetcher = fetcher

    def load(self) -> DeferredRefreshableCredentials:
        return DeferredRefreshableCredentials(self._fetcher.fetch_credentials, self.METHOD)


def _as_role(session: boto3.Session, role_arn: str, region: str) -> boto3.Session:
    """A session that acts as the role; the session itself where it has no credentials to assume it with."""
    own = session.get_credentials()
    if own is None:
        return session
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=functools.partial(session.client, region_name=region),
        source_credentials=own,
        role_arn=role_arn,
        extra_args={"RoleSessionName": "gitops-audit"},
    )
    acting = _core()
    acting.register_component("credential_provider", CredentialResolver([_Role(fetcher)]))
    return boto3.Session(botocore_session=acting, region_name=region)
