"""Revisions, as the operators write them."""

from __future__ import annotations

import re

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_FLUX = re.compile(r"(?:(?P<ref>.*)@)?(?P<algorithm>sha1|sha256):(?P<hash>[0-9a-f]{40,64})")


def kind(revision: str | None) -> str:
    """`git` for a commit id, or where there is no revision; else `chart`: a version of something packaged."""
    return "git" if revision is None or _SHA.fullmatch(revision) else "chart"


def argocd(revision: str | None) -> str | None:
    """The revision that Argo CD names; of several sources, that of the first; None when it names none."""
    return (revision or "").split(",")[0].strip() or None


def flux(revision: str | None) -> tuple[str | None, str]:
    """Revision and its kind, of `main@sha1:<id>`, the older `main/<id>`, a chart version, or an artifact's digest.

    A digest of something that is no commit stays as it is written: it is no commit id.
    """
    if not revision:
        return None, "git"
    found = _FLUX.fullmatch(revision)
    if found is not None:
        return (found["hash"], "git") if found["algorithm"] == "sha1" else (revision, "chart")
    last = revision.rpartition("/")[2]
    return (last, "git") if _SHA.fullmatch(last) else (revision, "chart")
