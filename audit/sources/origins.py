"""The sources that the settings name, ready to be read; one S3 client serves them all."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

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

from audit.errors import UsageError
from audit.settings import S3, Settings, Source
from audit.sources.folder import Folder
from audit.sources.interface import Origin
from audit.sources.s3 import Bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_REGION = "us-east-1"  # what S3 itself assumes where nothing names a region
_CONNECT_SECONDS = 10
_READ_SECONDS = 60


def origins(settings: Settings) -> list[Origin]:
    """One origin for each source, in the order of the settings. Nothing is asked of the outside yet.

    Raises:
        UsageError: the profile does not exist, the endpoint is no URL, or a folder holds the evidence store.
    """
    remote = any(source.location.startswith("s3://") for source in settings.sources)
    client = s3_client(settings.s3) if remote else None
    return [_origin(source, settings, client) for source in settings.sources]


def _origin(source: Source, settings: Settings, client: S3Client | None) -> Origin:
    if client is not None and source.location.startswith("s3://"):
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


def s3_client(s3: S3) -> S3Client:
    """A client for as many threads as the settings name; retries with exponential backoff.

    Raises:
        UsageError: the profile does not exist, or the endpoint is no URL.
    """
    config = Config(
        retries={"total_max_attempts": s3.attempts, "mode": "standard"},
        max_pool_connections=s3.threads,
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        s3={"addressing_style": "path" if s3.endpoint_url else "auto"},
        user_agent_extra="gitops-audit",
    )
    try:
        session = boto3.Session(profile_name=s3.profile, region_name=s3.region)
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
    acting = botocore.session.Session()
    acting.register_component("credential_provider", CredentialResolver([_Role(fetcher)]))
    return boto3.Session(botocore_session=acting, region_name=region)
