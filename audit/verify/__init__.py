"""Verifies a report from the file alone, offline, without trust in whoever made it: see `audit.verify.whole`."""

from audit.verify.verdicts import Check, Verdict, Verified
from audit.verify.whole import verify

__all__ = ["Check", "Verdict", "Verified", "verify"]
