"""What the build graph is made of: units, each declared by a file, that use files and folders of the repository."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Reads(StrEnum):
    """How whoever refers to a folder reads it, where that is not said by what the folder itself declares."""

    KUSTOMIZATION = "kustomization"  # its kustomization, nothing else
    CHART = "chart"  # its chart, nothing else
    FILES = "files"  # its kustomization or chart; else the manifests that lie directly in it
    DEEP = "deep"  # its kustomization or chart; else the manifests below it, at any depth
    BELOW = "below"  # its kustomization; else the manifests and kustomizations below it, at any depth
    ALL = "all"  # every file below it, as a plugin may read them


class Kind(StrEnum):
    """What a unit is."""

    KUSTOMIZATION = "kustomization"
    CHART = "chart"
    REQUIREMENTS = "requirements"  # of a chart, in the file of its own that Helm 2 had
    PLUGIN = "plugin"  # a generator or transformer that Kustomize has built in
    APPLICATION = "application"
    APPLICATION_SET = "application set"
    FLUX_KUSTOMIZATION = "flux kustomization"
    HELM_RELEASE = "helm release"


OF_FOLDER = frozenset({Kind.KUSTOMIZATION, Kind.CHART})
"""Kinds that others use by naming a folder."""

OPERATED = frozenset({Kind.APPLICATION, Kind.APPLICATION_SET, Kind.FLUX_KUSTOMIZATION, Kind.HELM_RELEASE})
"""Kinds that an operator deploys."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A reference to a folder (`""` is the repository's root).

    `include` and `exclude` are Argo CD's patterns over the paths below the folder; empty where there is none.
    """

    path: str
    reads: Reads
    include: str = ""
    exclude: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """One thing that is built or deployed from files of the repository.

    Attributes:
        where: its folder, or `file#name` of an operator's object.
        kind: what it is.
        file: the file that declares it.
        files: paths that it names; they need not exist.
        folders: folders that it uses.
        globs: patterns of paths that it uses.
        remotes: what it uses from elsewhere: URLs, charts, sources.
        problems: what of it can't be followed, in words for a report.
        name: of an operator's object.
        sources: the repository's folders that an operator deploys by it, first the one that names it.
        cluster: cluster that an operator's object is deployed to, by name or address; empty where it does not say.
        users: folders of the kustomizations that alone hand it on; None where whoever uses its file does.
        siblings: clusters among which a generator chose without saying how; empty where it did not choose so.
    """

    where: str
    kind: Kind
    file: str
    files: frozenset[str]
    folders: frozenset[Folder] = frozenset()
    globs: frozenset[str] = frozenset()
    remotes: frozenset[str] = frozenset()
    problems: frozenset[str] = frozenset()
    name: str = ""
    sources: tuple[str, ...] = ()
    cluster: str = ""
    users: frozenset[str] | None = None
    siblings: frozenset[str] = frozenset()

    def facts(self) -> tuple[object, ...]:
        """Everything that it says, to compare it with another reading of its file."""
        return (
            self.where, self.kind, self.file, self.files, self.folders, self.globs, self.remotes, self.problems,
            self.name, self.sources, self.cluster, self.users, self.siblings,
        )  # fmt: skip


@dataclass(slots=True)
class Uses:
    """Collects what a unit uses while its file is read."""

    files: set[str] = field(default_factory=set)
    folders: set[Folder] = field(default_factory=set)
    globs: set[str] = field(default_factory=set)
    remotes: set[str] = field(default_factory=set)
    problems: set[str] = field(default_factory=set)

    def unit(
        self,
        where: str,
        kind: Kind,
        file: str,
        *,
        name: str = "",
        sources: Iterable[str] = (),
        cluster: str = "",
        users: frozenset[str] | None = None,
        siblings: frozenset[str] = frozenset(),
    ) -> Unit:
        """The unit, with everything that was collected."""
        return Unit(
            where,
            kind,
            file,
            frozenset(self.files),
            frozenset(self.folders),
            frozenset(self.globs),
            frozenset(self.remotes),
            frozenset(self.problems),
            name,
            tuple(dict.fromkeys(sources)),
            cluster,
            users,
            siblings,
        )
