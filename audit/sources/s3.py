"""S3 as a source: paged listing, pinned versions, parallel reads through one shared client.

Where ListObjectVersions is allowed, the latest version of each key is listed and that very version is read; else
the plain listing serves, and a read is bound to the listed ETag. Either way what is read is what was listed. A server whose
listings write another ETag than its answers do (SeaweedFS of objects in pieces) is asked for both once more: like is held against like.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError

from audit.sources.checksums import Expected, can_be_verified, told
from audit.sources.failures import FAILURES, object_failure, source_failure
from audit.sources.interface import (
    Changed,
    Content,
    Interrupted,
    Listed,
    Listing,
    Past,
    filling,
    missing,
    nothing_there,
)
from audit.sources.shortcut import Shortcut

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHANGED = {"NoSuchKey", "NoSuchVersion", "PreconditionFailed", "404", "412"}
_BROKEN_OFF = (ResponseStreamingError, IncompleteReadError, FlexibleChecksumError, HTTPClientError, OSError)
_REPLACED = "it was replaced or removed after it had been listed"
_DENIED = {"AccessDenied", "403"}
_FIRST_KEYS = 50  # of which one is hoped to be more than a folder's marker
_UNSUPPORTED = {"NotImplemented", "MethodNotAllowed"}


class Bucket:
    """What lies below a prefix of a bucket. A prefix is a folder: `logs` does not name `logs-old/`."""

    def __init__(
        self,
        name: str,
        location: str,
        client: S3Client,
        *,
        requester_pays: bool = False,
        attempts: int = 5,
        page: int = 1000,
    ) -> None:
        """Args: name and location (s3://bucket/prefix) as in the settings; client, shared by all sources;
        page, keys asked for at once.
        """
        self.name = name
        self.location = location
        self.attempts = attempts
        self._client = client
        self._bucket, _, prefix = location.removeprefix("s3://").partition("/")
        self._prefix = prefix if prefix == "" or prefix.endswith("/") else prefix + "/"
        self._page = page
        client.meta.events.register("before-call.s3.GetObject", _ask_for_checksum, unique_id="checksum")
        self._shortcut = Shortcut(client)
        self._payer: dict[str, Any] = {"RequestPayer": "requester"} if requester_pays else {}

    def listing(self) -> Listing:
        """The latest version of every key below the prefix.

        Raises:
            EvidenceMissing: the bucket does not exist, can't be reached, may not be listed, or holds nothing there.
        """
        try:
            listing = self._versions()
            if listing is None:
                listing = self._plain()
        except FAILURES as error:
            raise source_failure(error, self.name, self.location, self._bucket) from None
        if not listing.objects:
            raise nothing_there(self.name, self.location, only_folders=listing.folders)
        return listing

    def first(self) -> tuple[Listed, bool]:
        """One object below the prefix, and whether its versions may be listed. Two requests.

        Raises:
            EvidenceMissing: as `listing`.
        """
        asked: dict[str, Any] = {"Bucket": self._bucket, "Prefix": self._prefix, **self._payer}
        try:
            page = self._client.list_objects_v2(**asked, MaxKeys=_FIRST_KEYS)
            versions = self._may_list_versions(asked)
        except FAILURES as error:
            raise source_failure(error, self.name, self.location, self._bucket) from None
        there = [each for each in page.get("Contents", ()) if not _stands_for_folder(each)]
        if not there:
            raise nothing_there(self.name, self.location, only_folders=page.get("KeyCount", 0))
        return self._listed(there[0], ""), versions

    def _may_list_versions(self, asked: dict[str, Any]) -> bool:
        try:
            self._client.list_object_versions(**asked, MaxKeys=1)
        except ClientError as error:
            if error.response["Error"]["Code"] in _DENIED | _UNSUPPORTED:
                return False
            raise
        return True

    def read(self, listed: Listed) -> Content:
        """The bytes of the listed version.

        Raises: see `audit.sources.interface.Origin`.
        """
        asked: dict[str, Any] = {"Bucket": self._bucket, "Key": self._prefix + listed.key, **self._payer}
        if listed.version_id:
            asked["VersionId"] = listed.version_id
        if listed.etag:
            asked["IfMatch"] = f'"{listed.etag}"'
        try:
            response = self._shortcut.get(asked["Key"], asked) or self._get(asked)
        except Changed:
            response = self._get(asked | {"IfMatch": self._answered(listed, asked)})
        checksum = told(response)
        expected = Expected(checksum) if can_be_verified(checksum) else None
        return Content(
            _Bytes(response["Body"], listed.size, expected).fill,
            version_id=_version(response.get("VersionId")) or listed.version_id,
            retention=_retention(response),
            checksum=checksum,
            verified=expected is not None,
        )

    def _get(self, asked: dict[str, Any]) -> Any:
        """What botocore gives of an object, with all that it does when something goes wrong."""
        try:
            response = self._client.get_object(**asked)
        except ClientError as error:
            if error.response["Error"]["Code"] in _CHANGED:
                raise Changed(_REPLACED) from None
            raise object_failure(error, self.name, self.location, self._bucket) from None
        except (BotoCoreError, ResponseParserError) as error:
            raise source_failure(error, self.name, self.location, self._bucket) from None
        self._shortcut.learn(asked["Key"])
        return response

    def _answered(self, listed: Listed, asked: dict[str, Any]) -> str:
        """The ETag that answers give of an object that is still listed as it was; with it, only that object is read. The listing
        is asked after the answer: what took its place in between has another ETag in one of the two.

        Raises:
            Changed: it was replaced or removed, or has a version of its own, whose ETag is one.
            EvidenceMissing, Unreadable: the server did not say; see `audit.sources.failures`.
        """
        where: dict[str, Any] = {
            name: asked[name] for name in ("Bucket", "Key", "RequestPayer") if name in asked
        }
        try:
            head = self._client.head_object(**where)
            same = head["ContentLength"] == listed.size and head["ETag"].strip('"') != listed.etag
            same = same and not listed.version_id and self._is_listed(listed, where)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _CHANGED:
                raise object_failure(error, self.name, self.location, self._bucket) from None
            same = False
        except (BotoCoreError, ResponseParserError) as error:
            raise source_failure(error, self.name, self.location, self._bucket) from None
        if not same:
            raise Changed(_REPLACED)
        return str(head["ETag"])

    def _is_listed(self, listed: Listed, where: dict[str, Any]) -> bool:
        """Whether a listing, of either kind, has this object as it was listed. A key stands before those that begin with it."""
        asked: dict[str, Any] = {name: where[name] for name in where if name != "Key"} | {
            "Prefix": where["Key"]
        }
        plain = self._client.list_objects_v2(**asked).get("Contents", [])
        if any(each["Key"] == where["Key"] and self._listed(each, "") == listed for each in plain):
            return True
        try:
            versions = self._client.list_object_versions(**asked).get("Versions", [])
        except ClientError as error:
            if error.response["Error"]["Code"] not in _DENIED | _UNSUPPORTED:
                raise
            return False
        return any(
            each["Key"] == where["Key"]
            and each["IsLatest"]
            and self._listed(each, _version(each["VersionId"])) == listed
            for each in versions
        )

    def _versions(self) -> Listing | None:
        """The listing with versions; None where the reader or the server only has the plain one."""
        objects: list[Listed] = []
        folders, earlier = 0, _Earlier()
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=self._prefix, PaginationConfig={"PageSize": self._page}, **self._payer
        )
        try:
            for page in pages:
                for marker in page.get("DeleteMarkers", ()):
                    if not marker["Key"].endswith("/"):
                        earlier.add(
                            self._listed(marker | {"Size": -1, "ETag": ""}, _version(marker["VersionId"])),
                            marker["IsLatest"],
                        )
                for each in page.get("Versions", ()):
                    if "\ufffd" in each["Key"]:
                        return None  # the server can't write this key in XML; the plain listing encodes it
                    if not each["IsLatest"]:
                        earlier.add(self._listed(each, _version(each["VersionId"])), latest=False)
                    elif _stands_for_folder(each):
                        folders += 1
                    else:
                        objects.append(self._listed(each, _version(each["VersionId"])))
        except ClientError as error:
            if error.response["Error"]["Code"] in _DENIED | _UNSUPPORTED:
                return None
            raise
        return Listing(tuple(sorted(objects, key=_by_key)), folders, earlier.than(objects))

    def _plain(self) -> Listing:
        """The listing without versions."""
        objects: list[Listed] = []
        folders = 0
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix, PaginationConfig={"PageSize": self._page}, **self._payer
        )
        for page in pages:
            for each in page.get("Contents", ()):
                if _stands_for_folder(each):
                    folders += 1
                else:
                    objects.append(self._listed(each, ""))
        return Listing(tuple(sorted(objects, key=_by_key)), folders)

    def _listed(self, each: Any, version_id: str) -> Listed:
        if not each["Key"].startswith(self._prefix):
            raise missing(
                self.name,
                self.location,
                f"the server listed the key {each['Key']!r}, which does not lie below the location",
                remedy="check that the endpoint is an S3 server",
            )
        return Listed(
            key=each["Key"].removeprefix(self._prefix),
            size=each["Size"],
            etag=each["ETag"].strip('"'),
            version_id=version_id,
            last_modified=each["LastModified"].astimezone(UTC),
        )


class _Bytes:
    """The body of an answer, held against its size and checksum; its connection is free once it was read to its end, and
    closed where it could not be."""

    def __init__(self, body: Any, size: int, expected: Expected | None) -> None:
        """Args: body, botocore's; size, in bytes, that was listed; expected, what the server vouches by."""
        self._body = body
        self._size = size
        self._expected = expected
        self._read = 0

    def fill(self, buffer: memoryview) -> int:
        """As in `audit.sources.interface.Content`."""
        try:
            filled = filling(self._body.readinto, buffer)
        except _BROKEN_OFF as error:
            self._body.close()
            raise Interrupted(
                f"broke off after {self._read} of {self._size} bytes: {type(error).__name__}"
            ) from None
        self._read += filled
        if self._expected is not None:
            self._expected.update(buffer[:filled])
        if filled < len(buffer):
            self._end()
        return filled

    def _end(self) -> None:
        self._body.close()
        if self._read != self._size:
            raise Interrupted(f"broke off after {self._read} of {self._size} bytes")
        if self._expected is not None and not self._expected.holds():
            raise Interrupted("came with bytes of another checksum than the server says")


class _Earlier:
    """Versions and delete markers that do not hold what a key says now."""

    def __init__(self) -> None:
        self._by_key: dict[str, list[tuple[Listed, bool]]] = {}

    def add(self, version: Listed, latest: bool) -> None:
        """A version that is not the latest, or a delete marker (of size -1) that is or is not."""
        self._by_key.setdefault(version.key, []).append((version, latest))

    def than(self, objects: list[Listed]) -> tuple[Past, ...]:
        """What each was, given the latest versions; ordered by key, from the newest back."""
        now = {each.key: each for each in objects if each.key in self._by_key}
        found = []
        for key in sorted(self._by_key):
            after = now.get(key)
            for version, latest in sorted(self._by_key[key], key=_newest_first):
                at = after.last_modified if after is not None else None
                if version.size >= 0:
                    found.append(Past(key, "superseded", version.version_id, at, _same(version, after)))
                elif latest:
                    found.append(Past(key, "deleted", version.version_id, version.last_modified))
                after = version
        return tuple(found)


def _newest_first(one: tuple[Listed, bool]) -> tuple[bool, float]:
    version, latest = one
    return not latest, -version.last_modified.timestamp() if version.last_modified else 0.0


def _same(version: Listed, after: Listed | None) -> bool:
    return after is not None and (version.etag, version.size) == (after.etag, after.size)


def _ask_for_checksum(params: dict[str, Any], **_: Any) -> None:
    """Asks for the checksum that the server has; that it is what it should be, we see for ourselves, in one pass."""
    params["headers"]["x-amz-checksum-mode"] = "ENABLED"


def _by_key(listed: Listed) -> str:
    return listed.key


def _stands_for_folder(each: Any) -> bool:
    return bool(each["Size"] == 0 and each["Key"].endswith("/"))


def _version(version_id: str | None) -> str:
    """A version id; what S3 calls `null` can be overwritten, so it pins nothing."""
    return "" if version_id in (None, "null") else str(version_id)


def _retention(response: Any) -> str:
    """Until when the object is locked, as the response's headers say; empty when it is not or they don't."""
    parts = []
    mode, until = response.get("ObjectLockMode"), response.get("ObjectLockRetainUntilDate")
    if mode and isinstance(until, datetime):
        parts.append(f"{mode} until {until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    if response.get("ObjectLockLegalHoldStatus") == "ON":
        parts.append("legal hold")
    return ", ".join(parts)
