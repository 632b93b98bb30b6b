"""Evidence that controls need, and how to tell that it is missing.

An export covers a quarter when it was collected at or after the quarter's end. A source of exports shared by several
repositories covers a repository when its rows name it, or when the settings say that the source belongs to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from audit.controls.interface import Context, Gap, Tables

TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class RepositoryRead:
    """Every repository of the settings was read and has a tip."""

    name: str = "git"
    what: str = "the Git repositories, whole"

    def gaps(self, tables: Tables, context: Context) -> list[Gap]:
        """One for each repository that was not read; one for all when there is none."""
        read = tables["repositories"]
        tips = read[read["tip"].notna()]
        names = repositories(tables, context)
        if not names:
            return [Gap("no repository is named in the settings, so that there is none to read", blind=True)]
        return [
            Gap(f"{name}: the repository was not read", blind=True, repo=name)
            for name in names
            if name not in set(tips["repo"])
        ]


@dataclass(frozen=True)
class RosterGiven:
    """There is a roster that says who is who.

    Attributes:
        blind: nothing can be judged without it.
    """

    name: str = "roster"
    what: str = "the roster of people"
    blind: bool = True

    def gaps(self, tables: Tables, context: Context) -> list[Gap]:
        """One for all when nobody is in the roster."""
        del context
        if len(tables["people"]):
            return []
        return [Gap("no roster (people.roster): nobody can be told from anybody else", blind=self.blind)]


@dataclass(frozen=True)
class Exported:
    """Records that the forge exported, for every repository.

    Attributes:
        name: format of the records.
        table: table whose rows tell which repositories the records speak of.
        why: what can't be told without them.
        blind: nothing can be judged without them.
    """

    name: str
    what: str
    table: str
    why: str
    blind: bool = True

    def gaps(self, tables: Tables, context: Context) -> list[Gap]:
        """One for all without any such record; else one for each repository that no record speaks of."""
        objects = of_formats(tables["evidence_objects"], (self.name,))
        if objects.empty:
            return [Gap(f"no evidence from the forge ({self.name}): {self.why}", blind=self.blind)]
        names = repositories(tables, context)
        seen = set(tables[self.table]["repo"])
        given = set(objects["source_name"])
        seen |= {s.repository for s in context.settings.sources if s.name in given and s.repository}
        unseen = [name for name in names if name not in seen] if len(names) > 1 else []
        missing = [
            Gap(
                f"{name}: no evidence from the forge ({self.name}) speaks of it: {self.why}",
                blind=self.blind,
                repo=name,
            )
            for name in unseen
        ]
        return missing + stale(objects, self.name, context)


@dataclass(frozen=True)
class FromClusters:
    """Records from every cluster of the settings, in at least one of some formats.

    Attributes:
        formats: formats of the records.
        production: only clusters of production environments are asked for.
    """

    name: str
    what: str
    formats: tuple[str, ...]
    production: bool = False

    def gaps(self, tables: Tables, context: Context) -> list[Gap]:
        """One for each cluster that gave none, or whose last was collected before the quarter's end."""
        settings = context.settings
        if not settings.clusters:
            return [Gap(f"no cluster is named in the settings, so that there is no evidence of {self.what}")]
        objects = of_formats(tables["evidence_objects"], self.formats)
        gaps = []
        for cluster in settings.clusters:
            if self.production and cluster.environment not in settings.production:
                continue
            own = objects[objects["cluster"].eq(cluster.name)]
            if own.empty:
                gaps.append(
                    Gap(f"{cluster.name}: no evidence of {self.what} ({self.name})", cluster=cluster.name)
                )
            gaps.extend(stale(own, f"{cluster.name}: {self.name}", context))
        if self.production and not any(c.environment in settings.production for c in settings.clusters):
            gaps.append(Gap("no cluster of the settings serves a production environment"))
        return gaps


def repositories(tables: Tables, context: Context) -> list[str]:
    """Repositories in scope: those of the settings and those that were read, sorted."""
    return sorted({r.name for r in context.settings.repositories} | set(tables["repositories"]["repo"]))


def of_formats(objects: pd.DataFrame, formats: tuple[str, ...]) -> pd.DataFrame:
    """Evidence objects read as at least one of `formats`, each once."""
    read = objects["format"].str.split(",").explode().str.strip()
    return objects[read.isin(formats).groupby(level=0).any()] if len(objects) else objects


def stale(objects: pd.DataFrame, name: str, context: Context) -> list[Gap]:
    """A gap when the last of `objects` was collected before the quarter ended (and the quarter is over)."""
    if objects.empty or context.running:
        return []
    last = objects["collected_at"].max()
    if last >= pd.Timestamp(context.period.end):
        return []
    return [Gap(f"{name}: last collected {last.strftime(TIME)}, before the quarter ended")]


GIT = RepositoryRead()
ROSTER = RosterGiven()
PULLS = Exported(
    "github-pulls",
    "pull requests exported from the forge",
    "pull_requests",
    "a subject alone proves no pull request",
)
REVIEWS = Exported(
    "github-reviews",
    "reviews exported from the forge",
    "reviews",
    "nothing tells who approved",
)
CHECKS = Exported(
    "github-checks",
    "check runs exported from the forge",
    "checks",
    "nothing tells what was checked",
)
ACTIVITY = Exported(
    "github-activity",
    "pushes as the forge recorded them",
    "git_operations",
    "the tip can't be compared with what the forge recorded",
    blind=False,
)
_OPERATORS = ("argocd-application", "argocd-event", "flux-object", "flux-event")
OPERATORS = FromClusters("argocd or flux", "deployments", _OPERATORS)
PRODUCTION_OPERATORS = FromClusters("argocd or flux", "deployments", _OPERATORS, production=True)
API_SERVER = FromClusters("kubernetes-audit", "access to the cluster", ("kubernetes-audit",))
