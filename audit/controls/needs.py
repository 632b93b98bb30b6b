"""Evidence that controls need, and how to tell that it is missing.

An export covers a repository when its records name it, and a quarter when it was made and collected after the quarter
ended (see `audit.controls.fresh`). Each repository, cluster and application is asked for by itself: what is fresh of one
says nothing of another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from audit.controls.fresh import (
    LOGS,
    TIME,
    collected,
    forgotten,
    holding,
    interrupted,
    late,
    missing,
    of_formats,
    uncovered,
    unread,
)
from audit.controls.interface import Context, Gap, Tables
from audit.controls.suspect import shared, shrunk


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
        why: what can't be told without them.
        blind: nothing can be judged without them.
        formats: formats of the records, of which each will do, where `name` is none.
    """

    name: str
    what: str
    why: str
    blind: bool = True
    formats: tuple[str, ...] = ()

    @property
    def accepted(self) -> tuple[str, ...]:
        """Formats of which each will do."""
        return self.formats or (self.name,)

    def gaps(self, tables: Tables, context: Context) -> list[Gap]:
        """One for all without any such record; else one for each repository that none speaks of or that is late."""
        every = of_formats(tables["evidence_objects"], self.accepted)
        if every.empty:
            return [Gap(f"no evidence from the forge ({self.name}): {self.why}", blind=self.blind)]
        gaps = unread(tables, context, self.accepted, self.name)
        gaps += shrunk(every, tables, context, self.name)
        gaps += self._open(missing(tables, self.accepted))
        for name in repositories(tables, context):
            own = holding(every, "repos", name)
            if own.empty:
                text = f"{name}: no evidence from the forge ({self.name}) speaks of it: {self.why}"
                gaps.append(Gap(text, blind=self.blind, repo=name))
            found = late(own, Gap(f"{name}: {self.name}", repo=name), tables, context)
            gaps.extend(self._open(found))
        return gaps

    def _open(self, gaps: list[Gap]) -> list[Gap]:
        """Gaps that leave nothing unjudged, where these records are not all that is judged by."""
        return gaps if self.blind else [replace(gap, after=None, until=None) for gap in gaps]


@dataclass(frozen=True)
class Recorded:
    """Records that concern the organisation, and no repository or cluster.

    Attributes:
        name: format of the records.
        why: what can't be told without them.
        formats: formats of the records, of which each will do, where `name` is none.
        blind: nothing can be judged without them.
    """

    name: str
    what: str
    why: str
    formats: tuple[str, ...] = ()
    blind: bool = True

    def gaps(self, tables: Tables, context: Context) -> list[Gap]:
        """One without any such record, or where some could not be read, or the last are late; one for each span in
        which they are missing."""
        accepted = self.formats or (self.name,)
        every = of_formats(tables["evidence_objects"], accepted)
        if every.empty:
            return [Gap(f"no evidence of {self.what} ({self.name}): {self.why}", blind=self.blind)]
        late_ones = late(every, Gap(self.name), tables, context)
        return [
            *unread(tables, context, accepted, self.name),
            *(replace(g, after=None) for g in late_ones),
            *interrupted(tables, accepted),
        ]


@dataclass(frozen=True)
class ForgeLog:
    """The forge's own audit log, of every repository, without a silence longer than `protection.silence_hours`."""

    name: str = "github-audit-log"
    what: str = "the forge's audit log"
    formats: tuple[str, ...] = ("github-audit-log",)

    def gaps(self, tables: Tables, context: Context) -> list[Gap]:
        """One for all without any; else one for each repository of which it never speaks, and for each silence."""
        every = of_formats(tables["evidence_objects"], self.formats)
        if every.empty:
            return [Gap(f"no audit log of the forge ({self.name}): what was done in between can't be told")]
        gaps = unread(tables, context, self.formats, self.name)
        gaps += [
            Gap(f"{name}: the forge's audit log ({self.name}) never speaks of it", repo=name)
            for name in repositories(tables, context)
            if holding(every, "repos", name).empty
        ]
        gaps += [replace(gap, after=None, until=None) for gap in missing(tables, self.formats)]
        return gaps + self._silent(tables, context)

    def _silent(self, tables: Tables, context: Context) -> list[Gap]:
        """A gap for each silence, edges of the quarter included."""
        hours = tables["coverage"]
        hours = hours.loc[hours["format"].isin(self.formats), ["first_at", "last_at"]]
        edges = pd.DataFrame(
            {"first_at": [context.start, context.stop], "last_at": [context.start, context.stop]}
        )
        rows = pd.concat([hours, edges.astype(hours.dtypes)], ignore_index=True)
        rows = rows[rows["last_at"].ge(context.start) & rows["first_at"].le(context.stop)]
        rows = rows.sort_values(["first_at", "last_at"], kind="stable")
        since = rows["last_at"].cummax().shift()
        limit = pd.Timedelta(hours=context.settings.protection.silence_hours)
        silent = rows["first_at"] - since > limit
        return [
            Gap(f"no records of the forge's audit log from {start.strftime(TIME)} to {end.strftime(TIME)}")
            for start, end in zip(since[silent], rows.loc[silent, "first_at"], strict=True)
        ]


@dataclass(frozen=True)
class FromClusters:
    """Records from every cluster of the settings, in at least one of some formats.

    Attributes:
        formats: formats of the records.
        production: only clusters of production environments are asked for.
        log: they are a log, whose silences tell when it ends; else they are exports, which must show when they were
            made.
        judged: kinds of `EvidenceGaps` that are none for a control that judges them itself.
    """

    name: str
    what: str
    formats: tuple[str, ...]
    production: bool = False
    log: bool = False
    judged: tuple[str, ...] = ()

    def gaps(self, tables: Tables, context: Context) -> list[Gap]:
        """One for each cluster that gave none, whose last is late, or of which something could not be read."""
        settings = context.settings
        if not settings.clusters:
            return [Gap(f"no cluster is named in the settings, so that there is no evidence of {self.what}")]
        gaps = []
        for cluster in settings.clusters:
            if not self.production or cluster.environment in settings.production:
                gaps.extend(self._of(cluster.name, tables, context))
        if self.production and not any(c.environment in settings.production for c in settings.clusters):
            gaps.append(Gap("no cluster of the settings serves a production environment"))
        return gaps

    def _of(self, cluster: str, tables: Tables, context: Context) -> list[Gap]:
        """The gaps of one cluster."""
        objects = of_formats(tables["evidence_objects"], self.formats)
        own = objects[objects["cluster"].eq(cluster)]
        scope = Gap(f"{cluster}: {self.name}", cluster=cluster)
        gaps = unread(tables, context, self.formats, scope.text, cluster)
        if own.empty:
            return [Gap(f"{cluster}: no evidence of {self.what} ({self.name})", cluster=cluster), *gaps]
        gaps += shared(own, objects, scope)
        gaps += uncovered(tables, self._given(own), cluster, but=self.judged, each=self.log)
        if self.log:
            return gaps + collected(own, scope, context)
        return gaps + late(own, scope, tables, context) + forgotten(own, tables, context, cluster)

    def _given(self, own: pd.DataFrame) -> tuple[str, ...]:
        """The formats that are asked to cover the quarter: all of a log; of others those that a cluster gives."""
        return (
            self.formats
            if self.log
            else tuple(name for name in self.formats if len(of_formats(own, (name,))))
        )


@dataclass(frozen=True)
class EmergenciesRecorded:
    """Records of the emergencies in clusters, where there were any."""

    name: str = "break-glass"
    what: str = "records of emergencies in clusters, where there were any"

    def gaps(self, tables: Tables, context: Context) -> list[Gap]:
        """One for each emergency of the quarter without any record at all, or where some could not be read."""
        rows = tables["emergencies"]
        rows = rows[context.holds(rows["opened_at"])]
        if rows.empty:
            return []
        if len(of_formats(tables["evidence_objects"], (self.name,))):
            return unread(tables, context, (self.name,), self.name)
        names = (rows["ticket"] + " in " + rows["cluster"]).drop_duplicates()
        return [Gap(f"{one}: no record of it ({self.name}): no step of it can be told") for one in names]


def repositories(tables: Tables, context: Context) -> list[str]:
    """Repositories in scope: those of the settings and those that were read, sorted."""
    return sorted({r.name for r in context.settings.repositories} | set(tables["repositories"]["repo"]))


GIT = RepositoryRead()
ROSTER = RosterGiven()
PULLS = Exported(
    "github-pulls",
    "pull requests exported from the forge",
    "a subject alone proves no pull request",
)
REVIEWS = Exported(
    "github-reviews",
    "reviews exported from the forge",
    "nothing tells who approved",
)
CHECKS = Exported(
    "github-checks",
    "check runs exported from the forge",
    "nothing tells what was checked",
)
ACTIVITY = Exported(
    "github-activity",
    "pushes as the forge recorded them",
    "the tip can't be compared with what the forge recorded",
    blind=False,
)
PUSHES = Exported(
    "github-activity or github-audit-log",
    "pushes as the forge recorded them",
    "nothing tells who pushed",
    blind=False,
    formats=("github-activity", "github-audit-log"),
)
PROTECTION = Exported(
    "github-protection or github-rulesets",
    "how branches are protected, as the forge exported it",
    "nothing tells how main is protected",
    blind=False,
    formats=("github-protection", "github-rulesets"),
)
GRANTS = Exported(
    "github-collaborators",
    "rights in repositories, as the forge lists them",
    "nothing tells who may write",
)
MEMBERS = Recorded(
    "github-members", "who belongs to the organisation on the forge", "nobody can be told from outsiders"
)
EMERGENCIES = EmergenciesRecorded()
FORGE_LOG = ForgeLog()
RBAC = FromClusters("rbac-object", "roles and bindings", ("rbac-object",))
ACCESS_REVIEWS = Recorded(
    "access-reviews", "reviews of access", "nobody can be told to have looked at rights"
)
VAULT = Recorded("vault-audit", "requests to Vault", "nothing tells who read which secret")
TRAININGS = Recorded("trainings", "records of trainings", "nobody can be told to have learnt anything")
_OPERATORS = ("argocd-application", "argocd-event", "flux-object", "flux-event")
OPERATORS = FromClusters("argocd or flux", "deployments", _OPERATORS)
PRODUCTION_OPERATORS = FromClusters("argocd or flux", "deployments", _OPERATORS, production=True)
API_SERVER = FromClusters("kubernetes-audit", "access to the cluster", LOGS, log=True)
SCANS = Recorded(
    "scans",
    "reports of scanners",
    "nothing tells what was scanned",
    formats=("trivy-json", "trivy-kubernetes", "grype-json", "sarif", "trivy-operator"),
)
METRICS = Recorded(
    "metrics",
    "samples of metrics",
    "nothing tells whether resources ran out",
    formats=("prometheus-query", "prometheus-text"),
    blind=False,
)
ALERTS = Recorded(
    "alerts",
    "alerts that were raised",
    "nothing tells who was alerted",
    formats=("alertmanager", "grafana-history", "argocd-notifications"),
)
POLICY_RULES = FromClusters(
    "policy rules",
    "rules of policy engines, as they are set",
    ("gatekeeper-object", "kyverno-policy", "admission-policy"),
)
POLICY_AUDITS = FromClusters(
    "policy audits",
    "violations of policy in what runs",
    ("gatekeeper-audit", "policy-report", "gatekeeper-object"),
)
