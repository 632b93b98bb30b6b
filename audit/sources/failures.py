"""What went wrong with S3, in words that name the source, its location and the remedy.

Two kinds: a failure of the whole source (`source_failure`), after which nothing more is asked of it, and a failure
of one object (`object_failure`).
"""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    SSLError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.parsers import ResponseParserError

from audit.errors import AuditError, EvidenceMissing
from audit.sources.interface import Unreadable, missing

Failure = ClientError | BotoCoreError | ResponseParserError
FAILURES = (ClientError, BotoCoreError, ResponseParserError)
"""Everything that boto3 raises when a request fails."""

_GIVE_CREDENTIALS = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with s3.profile "
    "or a role with s3.role_arn in audit.toml"
)
_KEY_WRONG = (
    "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, s3.profile, and that s3.endpoint_url is theirs"
)
_RENEW = "log in again (aws sso login), or set a fresh AWS_SESSION_TOKEN; what was stored is not pulled again"
_KMS = "allow kms:Decrypt on the bucket's key for the auditor's identity, in its policy and in the key's"

_OF_SOURCE: dict[str, tuple[str, str]] = {
    "InvalidAccessKeyId": ("the access key is not known there", _KEY_WRONG),
    "SignatureDoesNotMatch": ("the secret key does not belong to the access key", _KEY_WRONG),
    "AuthorizationHeaderMalformed": (
        "the request was signed for another region",
        "set s3.region to the bucket's region",
    ),
    "PermanentRedirect": ("the bucket lies in another region", "set s3.region to the bucket's region"),
    "ExpiredToken": ("the session's token has expired", _RENEW),
    "ExpiredTokenException": ("the session's token has expired", _RENEW),
    "InvalidToken": ("the session's token is not valid", _RENEW),
    "TokenRefreshRequired": ("the session's token must be renewed", _RENEW),
    "RequestTimeTooSkewed": (
        "this machine's clock differs too much from the server's",
        "set the clock, with NTP for instance",
    ),
    "NoSuchBucket": (
        "there is no such bucket",
        "check the bucket's name in the location, and s3.endpoint_url and s3.region",
    ),
    "InvalidBucketName": ("this is not a bucket's name", "check the bucket's name in the location"),
    "AllAccessDisabled": ("the bucket has been disabled", "ask the bucket's owner"),
}
"""Error codes after which nothing more can be read from the source."""

_OF_OBJECT: dict[str, tuple[str, str]] = {
    "InvalidObjectState": (
        "the object is archived (Glacier)",
        "restore the archived objects for the time of the audit, then collect again",
    ),
    "KMS.DisabledException": (
        "the key that encrypts it is disabled",
        "enable the KMS key, then collect again",
    ),
    "KMS.NotFoundException": ("the key that encrypts it does not exist", "ask the owner of the KMS key"),
    "KMS.KMSInvalidStateException": (
        "the key that encrypts it can't be used",
        "ask the owner of the KMS key",
    ),
}


def source_failure(error: Failure, name: str, location: str, bucket: str) -> EvidenceMissing:
    """A failure to reach or list the source."""
    if isinstance(error, ClientError):
        problem, remedy = _of_response(error, bucket)
    else:
        problem, remedy = _of_client(error)
    return missing(name, location, problem, remedy=remedy)


def object_failure(error: ClientError, name: str, location: str, bucket: str) -> AuditError | Unreadable:
    """A failure to read one object: `Unreadable`, or that of the whole source where no other object can be read."""
    code = error.response["Error"]["Code"]
    if code in _OF_SOURCE:
        return source_failure(error, name, location, bucket)
    if code in _OF_OBJECT:
        reason, remedy = _OF_OBJECT[code]
        return Unreadable(reason, remedy=remedy)
    if "kms" in _message(error).lower():
        return Unreadable("the KMS key that encrypts it may not be used", remedy=_KMS)
    if code in {"AccessDenied", "403"}:
        return Unreadable(
            "access to the object is denied",
            remedy=f"allow s3:GetObject (and s3:GetObjectVersion) on arn:aws:s3:::{bucket}/* for the auditor's identity",
        )
    return Unreadable(
        f"the server refused it: {_told(error)}", remedy="collect again; if it stays, ask who runs the store"
    )


def _of_response(error: ClientError, bucket: str) -> tuple[str, str]:
    """What the server's refusal means, and what to do."""
    code, operation = error.response["Error"]["Code"], error.operation_name
    if operation.startswith("AssumeRole"):
        return (
            f"the role can't be assumed: {_told(error)}",
            "check s3.role_arn, and that the role's trust policy names the identity that you log in with",
        )
    if code in _OF_SOURCE:
        return _OF_SOURCE[code]
    if code in {"AccessDenied", "403"}:
        return (
            f"access is denied ({operation})",
            f"allow s3:ListBucket on arn:aws:s3:::{bucket} for the auditor's identity, and check that the bucket's "
            "name is right: a missing bucket of another's looks the same",
        )
    if code == "404":
        return _OF_SOURCE["NoSuchBucket"]
    return f"the server refused {operation}: {_told(error)}", "check s3.endpoint_url, or try again later"


_UNREACHED = "check s3.endpoint_url, the network and its proxy settings"
_OF_CLIENT: tuple[tuple[tuple[type[Exception], ...], str, str], ...] = (
    ((NoCredentialsError,), "there are no credentials", _GIVE_CREDENTIALS),
    ((PartialCredentialsError,), "the credentials are not complete: {}", _GIVE_CREDENTIALS),
    ((UnauthorizedSSOTokenError, TokenRetrievalError), "the single sign-on session has ended", _RENEW),
    ((CredentialRetrievalError,), "no credentials could be had: {}", _GIVE_CREDENTIALS),
    (
        (SSLError,),
        "TLS failed: {}",
        "check s3.endpoint_url, and AWS_CA_BUNDLE where the server has its own authority",
    ),
    ((ResponseParserError,), "what answers there does not speak S3", "check s3.endpoint_url"),
    ((ConnectionError, HTTPClientError), "the server can't be reached: {}", _UNREACHED),
    (
        (ParamValidationError,),
        "the location does not name a bucket as S3 allows it",
        "check the bucket's name in the location",
    ),
)
"""What failures on this side mean and what to do; the first kind that fits counts, `{}` stands for the error."""


def _of_client(error: BotoCoreError | ResponseParserError) -> tuple[str, str]:
    """What a failure on this side means, and what to do."""
    for kinds, problem, remedy in _OF_CLIENT:
        if isinstance(error, kinds):
            return problem.format(error), remedy
    return f"S3 can't be used: {error}", "check the settings under [s3] and the AWS configuration"


def _message(error: ClientError) -> str:
    return str(error.response["Error"].get("Message") or "")


def _told(error: ClientError) -> str:
    """The server's code and message."""
    code, message = error.response["Error"]["Code"], _message(error)
    return f"{code}: {message}" if message else code
