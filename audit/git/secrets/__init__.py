"""Secrets in a repository: those in the clear, which a commit added; and those by reference, with their last change.

    added → scanner                      what Betterleaks finds in added lines
    nodes → manifests, sops → state      what it does not know: Kubernetes, Kustomize and SOPS
    findings                             both, in one pass over the mainline
    references                           sealed, encrypted and external secrets at the tip
    waivers                              findings that a reviewed file says are none
    key                                  the fingerprints' key

No value is kept: findings carry a keyed fingerprint.
"""

from __future__ import annotations

from audit.git.secrets.findings import VERSION, scan

__all__ = ["VERSION", "scan"]
