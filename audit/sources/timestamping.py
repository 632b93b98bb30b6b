"""A timestamping authority, asked over HTTP (RFC 3161)."""

from __future__ import annotations

import urllib.error
import urllib.request
from http.client import HTTPException

from audit.errors import EvidenceMissing

_SECONDS = 30
_LARGEST = 1 << 20
_REMEDY = "check signing.timestamp_url and the network; the next run stamps what lacks a timestamp"


def ask(url: str, request: bytes) -> bytes:
    """The authority's answer to a request (both DER).

    Raises:
        EvidenceMissing: it can't be reached, refuses, or answers with something else.
    """
    asked = urllib.request.Request(  # noqa: S310  # the settings take http and https alone
        url, data=request, headers={"Content-Type": "application/timestamp-query"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:  # noqa: S310
            content: bytes = answer.read(_LARGEST + 1)
            kind = answer.headers.get_content_type()
    except urllib.error.HTTPError as error:
        raise _missing(url, f"answered {error.code}") from None
    except (OSError, HTTPException) as error:
        raise _missing(url, f"can't be reached: {type(error).__name__}") from None
    if kind != "application/timestamp-reply" or len(content) > _LARGEST:
        raise _missing(url, "answered with no timestamp")
    return content


def _missing(url: str, problem: str) -> EvidenceMissing:
    return EvidenceMissing(f"the timestamping authority {url} {problem}", remedy=_REMEDY)
