"""Deployments from Git itself: which image tags and digests each mainline commit set.

One file for each way of setting: `kustomize` (entries of `images`), `values` (Helm values, workloads, custom resources),
`operators` (Argo CD's and Flux's objects), `tagfiles`. `files` decides by a file's kind, `observer` compares.
"""

from audit.git.images.files import settings_of
from audit.git.images.found import Setting
from audit.git.images.observer import Images

__all__ = ["Images", "Setting", "settings_of"]
