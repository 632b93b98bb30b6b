"""The S3 source reads exactly what it listed, from a real server, and says clearly what went wrong."""

from __future__ import annotations

import contextlib
import socket
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from audit.errors import EvidenceMissing, ExitCode, UsageError
from audit.settings import S3
from audit.sources.failures import object_failure
from audit.sources.interface import Changed, Unreadable
from audit.sources.origins import s3_client
from audit.sources.s3 import Bucket

ROLE = "arn:aws:iam::000000000000:role/auditor"


@pytest.fixture
def answering():
    """A loopback HTTP server that gives every request the same answer; call it with status and body."""
    with contextlib.ExitStack() as ends:

        def start(status: int, body: str) -> str:
            class Answer(BaseHTTPRequestHandler):
                def do_POST(self) -> None:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body.encode())

                do_GET = do_POST

                def log_message(self, *_: object) -> None:
                    """Says nothing."""

            server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
            ends.callback(server.server_close)
            ends.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            return f"http://127.0.0.1:{server.server_port}"

        yield start


def _bucket(server, location: str, *, page: int = 1000, **s3) -> Bucket:
    values = {"endpoint_url": server.endpoint_url, "attempts": 2} | s3
    return Bucket("logs", location, s3_client(S3.model_validate(values)), page=page, attempts=2)


def _put(server, bucket: str, **objects: bytes) -> None:
    client = server.admin()
    for key, body in objects.items():
        client.put_object(Bucket=bucket, Key=key, Body=body)


def _bytes(origin: Bucket, listed) -> bytes:
    return b"".join(origin.read(listed).chunks)


@pytest.mark.usefixtures("as_auditor")
class TestListing:
    @pytest.mark.parametrize("bucket", ["audit", "plain"])
    def test_is_whole_over_many_pages(self, s3_server, bucket):
        _put(s3_server, bucket, **{f"pages/{n:03}": b"x" for n in range(25)})
        listing = _bucket(s3_server, f"s3://{bucket}/pages/", page=4).listing()
        assert [each.key for each in listing.objects] == [f"{n:03}" for n in range(25)]

    def test_a_prefix_is_a_folder(self, s3_server):
        _put(s3_server, "audit", **{"logs/a": b"1", "logs-old/b": b"2"})
        for location in ("s3://audit/logs", "s3://audit/logs/"):
            assert [each.key for each in _bucket(s3_server, location).listing().objects] == ["a"]

    def test_names_the_latest_version_and_counts_the_others(self, s3_server):
        for body in (b"one", b"two"):
            _put(s3_server, "audit", **{"versions/kept": body})
        _put(s3_server, "audit", **{"versions/deleted": b"gone"})
        s3_server.admin().delete_object(Bucket="audit", Key="versions/deleted")
        origin = _bucket(s3_server, "s3://audit/versions")
        listing = origin.listing()
        assert [each.key for each in listing.objects] == ["kept"]
        assert (listing.superseded, listing.deleted) == (2, 1)
        assert [(past.key, past.kind, past.same) for past in listing.past] == [
            ("deleted", "deleted", False), ("deleted", "superseded", False), ("kept", "superseded", False)
        ]  # fmt: skip
        assert all(past.version_id and past.at is not None for past in listing.past)
        assert listing.past[2].at == listing.objects[0].last_modified
        assert _bytes(origin, listing.objects[0]) == b"two"
        assert origin.read(listing.objects[0]).version_id == listing.objects[0].version_id != ""

    def test_a_version_that_came_again_with_its_bytes_is_the_same(self, s3_server):
        for _ in range(2):
            _put(s3_server, "audit", **{"again/a": b"one"})
        assert [past.same for past in _bucket(s3_server, "s3://audit/again").listing().past] == [True]

    def test_leaves_out_markers_of_folders_and_counts_them(self, s3_server):
        _put(s3_server, "audit", **{"marked/": b"", "marked/a/": b"", "marked/a/b": b"1"})
        listing = _bucket(s3_server, "s3://audit/marked").listing()
        assert [each.key for each in listing.objects] == ["a/b"]
        assert listing.folders >= 1

    @pytest.mark.parametrize(
        "key", ["nl\nx", "tab\t", "ctl\x01", "ünïcode", " space +%41", "-rf", "a..b", "~", "k" * 200]
    )
    @pytest.mark.parametrize("bucket", ["audit", "plain"])
    def test_takes_any_key_as_it_is(self, s3_server, bucket, key):
        folder = f"odd-{key.encode().hex()[:40]}"
        _put(s3_server, bucket, **{f"{folder}/{key}": key.encode()})
        origin = _bucket(s3_server, f"s3://{bucket}/{folder}")
        (listed,) = origin.listing().objects
        assert listed.key == key
        assert _bytes(origin, listed) == key.encode()


@pytest.mark.usefixtures("as_auditor")
class TestReading:
    def test_gives_the_listed_version_though_it_was_replaced(self, s3_server):
        _put(s3_server, "audit", **{"pinned/a": b"listed"})
        origin = _bucket(s3_server, "s3://audit/pinned")
        (listed,) = origin.listing().objects
        _put(s3_server, "audit", **{"pinned/a": b"later"})
        assert _bytes(origin, listed) == b"listed"

    def test_never_gives_other_bytes_than_were_listed(self, s3_server):
        _put(s3_server, "plain", **{"read-moving/a": b"listed", "read-moving/b": b"listed"})
        origin = _bucket(s3_server, "s3://plain/read-moving")
        first, second = origin.listing().objects
        _put(s3_server, "plain", **{"read-moving/a": b"later!"})
        s3_server.admin().delete_object(Bucket="plain", Key="read-moving/b")
        for listed in (first, second):
            with pytest.raises(Changed, match="replaced or removed"):
                origin.read(listed)

    def test_reads_an_object_in_pieces_whose_listing_writes_another_etag_than_its_answers(self, s3_server):
        """And only while it is listed as it was: one of the same size that takes its place is another, before and in between."""
        body = b"a" * (9 << 20)
        _put(s3_server, "plain", **{"pieces/a": body, "pieces/ab": b"b"})
        origin = _bucket(s3_server, "s3://plain/pieces")
        listed = origin.listing().objects[0]
        answered = s3_server.admin().head_object(Bucket="plain", Key="pieces/a")["ETag"].strip('"')
        assert listed.etag != answered, "the server no longer does what this is for"
        assert _bytes(origin, listed) == body
        asking = origin._is_listed

        def replaced_meanwhile(*asked):
            held = asking(*asked)
            _put(s3_server, "plain", **{"pieces/a": b"b" * len(body)})
            return held

        def unreachable(**_):
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

        events = origin._client.meta.events
        events.register("before-call.s3.HeadObject", unreachable)
        with pytest.raises(EvidenceMissing):  # a server that does not say has not said that it was replaced
            origin.read(listed)
        events.unregister("before-call.s3.HeadObject", unreachable)
        origin._is_listed = replaced_meanwhile
        for _ in range(2):
            with pytest.raises(Changed, match="replaced or removed"):
                origin.read(listed)
        s3_server.admin().delete_object(Bucket="plain", Key="pieces/a")
        with pytest.raises(Changed, match="replaced or removed"):
            origin.read(listed)

    def test_acts_as_the_role_that_the_settings_name(self, s3_server, monkeypatch, answering):
        _put(s3_server, "audit", **{"role/a": b"1"})
        auditor = s3_server.environment()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "MAY-ONLY-ASSUME-THE-ROLE")
        answer = (
            "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
            f"<AccessKeyId>{auditor['AWS_ACCESS_KEY_ID']}</AccessKeyId>"
            f"<SecretAccessKey>{auditor['AWS_SECRET_ACCESS_KEY']}</SecretAccessKey>"
            "<SessionToken></SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
            "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        )
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", answering(200, answer))
        listing = _bucket(s3_server, "s3://audit/role", role_arn=ROLE).listing()
        assert [each.key for each in listing.objects] == ["a"]

    def test_records_until_when_the_object_is_locked(self, s3_server):
        s3_server.admin().put_object(
            Bucket="locked",
            Key="a/x",
            Body=b"1",
            ObjectLockMode="GOVERNANCE",
            ObjectLockRetainUntilDate=datetime(2040, 1, 1, tzinfo=UTC),
            ObjectLockLegalHoldStatus="ON",
        )
        origin = _bucket(s3_server, "s3://locked/a")
        (listed,) = origin.listing().objects
        assert origin.read(listed).retention == "GOVERNANCE until 2040-01-01T00:00:00Z, legal hold"


def _refused(error: pytest.ExceptionInfo[EvidenceMissing], *words: str) -> None:
    assert error.value.exit_code is ExitCode.EVIDENCE
    for word in ("source 'logs'", *words):
        assert word in str(error.value)


class TestFailures:
    """Each names the source, its location and the remedy, and ends with exit code 3."""

    def test_wrong_secret(self, s3_server, as_auditor, monkeypatch):
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        with pytest.raises(EvidenceMissing) as error:
            _bucket(s3_server, "s3://audit/x").listing()
        _refused(
            error,
            "(s3://audit/x)",
            "the secret key does not belong to the access key",
            "AWS_SECRET_ACCESS_KEY",
        )
        assert "wrong" not in str(error.value)

    def test_unknown_access_key(self, s3_server, as_auditor, monkeypatch):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "NOBODY")
        with pytest.raises(EvidenceMissing) as error:
            _bucket(s3_server, "s3://audit/x").listing()
        _refused(error, "the access key is not known there")

    def test_no_credentials(self, s3_server, no_credentials):
        for s3 in ({}, {"role_arn": ROLE}):
            with pytest.raises(EvidenceMissing) as error:
                _bucket(s3_server, "s3://audit/x", **s3).listing()
            _refused(error, "there are no credentials", "AWS_ACCESS_KEY_ID")

    def test_missing_bucket(self, s3_server, as_auditor, monkeypatch):
        admin = s3_server.admin()._request_signer._credentials
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", admin.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", admin.secret_key)
        with pytest.raises(EvidenceMissing) as error:
            _bucket(s3_server, "s3://nowhere/x").listing()
        _refused(error, "(s3://nowhere/x)", "there is no such bucket", "check the bucket's name")

    def test_bucket_of_anothers(self, s3_server, as_auditor):
        with pytest.raises(EvidenceMissing) as error:
            _bucket(s3_server, "s3://others/x").listing()
        _refused(error, "access is denied", "s3:ListBucket on arn:aws:s3:::others")

    def test_empty_prefix(self, s3_server, as_auditor):
        with pytest.raises(EvidenceMissing) as error:
            _bucket(s3_server, "s3://audit/mispelt").listing()
        _refused(error, "(s3://audit/mispelt)", "there is nothing below it", "misspelt prefix")

    def test_a_name_that_no_bucket_can_have(self, s3_server, as_auditor):
        with pytest.raises(EvidenceMissing) as error:
            _bucket(s3_server, "s3://not a bucket/x").listing()
        _refused(error, "does not name a bucket")

    def test_unreachable_endpoint(self, s3_server, as_auditor):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}"
            with pytest.raises(EvidenceMissing) as error:
                _bucket(s3_server, "s3://audit/x", endpoint_url=url, attempts=1).listing()
        _refused(error, "the server can't be reached", url, "s3.endpoint_url")

    def test_role_that_can_not_be_assumed(self, s3_server, as_auditor, monkeypatch, answering):
        refusal = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", answering(403, refusal))
        with pytest.raises(EvidenceMissing) as error:
            _bucket(s3_server, "s3://audit/x", role_arn=ROLE).listing()
        _refused(error, "the role can't be assumed: AccessDenied: not you", "s3.role_arn")

    def test_endpoint_that_does_not_speak_s3(self, s3_server, as_auditor, answering):
        url = answering(502, "<html><body><p>Bad gateway")
        with pytest.raises(EvidenceMissing) as error:
            _bucket(s3_server, "s3://audit/x", endpoint_url=url, attempts=1).listing()
        _refused(error, "s3.endpoint_url")

    def test_profile_that_does_not_exist(self, no_credentials):
        with pytest.raises(UsageError, match="no profile 'audit-prod'"):
            s3_client(S3(profile="audit-prod"))

    def test_endpoint_that_is_no_url(self, no_credentials):
        with pytest.raises(UsageError, match="no client can be made"):
            s3_client(S3(endpoint_url="not a url"))

    @pytest.mark.parametrize(
        ("code", "message", "told", "remedy"),
        [
            ("AccessDenied", "not authorized to perform: kms:Decrypt", "the KMS key", "kms:Decrypt"),
            ("KMS.DisabledException", "", "the key that encrypts it is disabled", "enable"),
            ("InvalidObjectState", "", "archived", "restore"),
            ("AccessDenied", "Access Denied", "access to the object is denied", "s3:GetObject"),
            ("SlowDown", "Reduce your rate", "SlowDown: Reduce your rate", "collect again"),
        ],
    )
    def test_of_one_object_leave_the_others(self, code, message, told, remedy):
        error = ClientError({"Error": {"Code": code, "Message": message}}, "GetObject")
        failure = object_failure(error, "logs", "s3://audit/x", "audit")
        assert isinstance(failure, Unreadable)
        assert told in failure.reason
        assert remedy in failure.remedy

    @pytest.mark.parametrize("code", ["ExpiredToken", "InvalidAccessKeyId", "RequestTimeTooSkewed"])
    def test_that_no_other_object_escapes_end_the_source(self, code):
        error = ClientError({"Error": {"Code": code, "Message": ""}}, "GetObject")
        assert isinstance(object_failure(error, "logs", "s3://audit/x", "audit"), EvidenceMissing)
