"""Objects of kinds that no other format reads, such as Deployments in an export of a whole namespace: noise, counted.

Nothing of them is taken in, a Secret's data least of all. What another format knows is never noise, be it readable or
not; nor is a kind of the tools that are read, for it may say what its neighbours leave open: it is quarantined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from audit.normalise.interface import Context, Format, Outcome, Unreadable

GROUPS = (
    "admissionregistration.k8s.io",
    "aquasecurity.github.io",
    "argoproj.io",
    "audit.k8s.io",
    "authorization.openshift.io",
    "bitnami.com",
    "external-secrets.io",
    "fluxcd.io",
    "gatekeeper.sh",
    "iamauthenticator.k8s.aws",
    "kyverno.io",
    "openreports.io",
    "rbac.authorization.k8s.io",
    "reports.x-k8s.io",
    "wgpolicyk8s.io",
)
"""API groups of the tools that are read, and of rights by other names, with all that end in `.` and one of these."""


class _Metadata(msgspec.Struct):
    name: str | None = None
    generateName: str | None = None


class _Object(msgspec.Struct):
    apiVersion: str
    kind: str
    metadata: _Metadata
    items: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_decoder = msgspec.json.Decoder(_Object)


def _decoded(record: bytes) -> _Object | None:
    """The object that a record is; None when it is none, or a list of objects."""
    try:
        found = _decoder.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    named = bool(found.metadata.name or found.metadata.generateName)
    whole = bool(found.kind and found.apiVersion) and found.items is msgspec.UNSET
    return found if named and whole else None


def of_a_tool(group: str) -> bool:
    """Whether an API group is one of the tools that are read."""
    return any(group == known or group.endswith("." + known) for known in GROUPS)


@dataclass
class KubernetesObject:
    """The `Format` of what no other of the formats beside it knows."""

    beside: Sequence[Format]
    name: str = "kubernetes-object"
    version: int = 2
    tables: tuple[str, ...] = ()

    def recognises(self, record: bytes) -> bool:
        """Whether it is an object with a group, a kind and a name that no format beside this one knows."""
        if b'"apiVersion"' not in record or b'"metadata"' not in record:
            return False
        return _decoded(record) is not None and self._known(record) is None

    def read(self, record: bytes, context: Context) -> Outcome:  # noqa: ARG002
        """No rows.

        Raises:
            Unreadable: it is no object, or one that another format knows, or of a kind of the tools that are read.
        """
        found = _decoded(record)
        if found is None:
            raise Unreadable("no object with apiVersion, kind and a name")
        known = self._known(record)
        if known is not None:
            raise Unreadable(f"a record for {known.name}")
        group = found.apiVersion.rpartition("/")[0]
        if of_a_tool(group):
            raise Unreadable(f"a kind of {group[:80]} that is not read: {found.kind[:80]!r}")
        if found.kind == "Event":
            raise Unreadable("an Event that does not say what it is about, and why")
        return Outcome([], None)

    def _known(self, record: bytes) -> Format | None:
        return next((format_ for format_ in self.beside if format_.recognises(record)), None)
