"""Everything tied together: from commits, exports and logs to changes, deployments and writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import pandas as pd

from audit.git import environments, landings
from audit.git.paths import PathRules
from audit.joins import access, deployments, emergencies, images, reviews, states, tips, waivers
from audit.joins.availability import exported, formats_of
from audit.joins.identity import Resolver
from audit.settings import Settings
from audit.tables import LandingPulls, Landings, conform, empty

Tables = dict[str, pd.DataFrame]

_GIT = ("repositories", "repository_problems", "commits", "file_changes", "merge_content")
_PULLS = "github-pulls"


def join(
    tables: Tables,
    settings: Settings,
    *,
    as_of: datetime,
    found_in_mirrors: Mapping[str, pd.DataFrame | None] | None = None,
    seen: Iterable[Mapping[str, object]] = (),
) -> Tables:
    """The joined tables of a build.

    Args:
        tables: git, normalised and people tables by name, each with one row for each key; a table without rows
            gives none of what it would tell.
        as_of: the moment the build speaks of, at which waivers hold or have ended. Nothing else is cut by it here:
            periods cut, when controls and metrics choose their populations.
        found_in_mirrors: `patches`, `twins` and `strays` as `audit.git.landings.find` takes them.
        seen: tips that earlier runs saw, as `audit.evidence.manifest.tips_seen` tells them.

    Returns:
        `branch_tips`, `landings`, `landing_pulls`, `landing_environments`, `image_changes`, `promotions`, `changes`,
        `deployments`, `deployment_landings`, `app_states`, `cluster_writes`, `emergencies` and `waivers`, and
        `secret_findings` with what was waived, conformed.
    """
    resolver = Resolver.of(tables, settings)
    spans = emergencies.spans(tables["break_glass_records"], settings, resolver)
    settings = emergencies.allowing(spans, settings)
    rules = path_rules(settings)
    found = _landings(tables, settings, **found_in_mirrors or {})
    landed = found["landings"]
    reached = environments.attribute(
        landed,
        tables["commits"],
        tables["file_changes"],
        rules,
        repositories=tables["repositories"],
        commit_environments=tables["commit_environments"],
    )
    tagged = images.image_changes(tables["image_settings"], landed, tables["commits"])
    deployed = deployments.deployments(
        tables["sync_records"],
        tables["applications"],
        tables["commits"],
        resolver=resolver,
        rules=rules,
        settings=settings,
    )
    written = access.writes(tables["cluster_access"], deployed, resolver, settings)
    changes = reviews.changes(tables | found, resolver=resolver, settings=settings)
    known = tips.seen_tips(seen, tables["repositories"], settings.repositories)
    return {
        "branch_tips": tips.branch_tips(known, tables["commits"]),
        **found,
        "landing_environments": reached,
        "image_changes": tagged,
        "promotions": images.promotions(tagged),
        "secret_findings": waivers.waived(tables["secret_findings"], tables["secret_waivers"], as_of=as_of),
        "changes": changes,
        "deployments": deployed,
        "deployment_landings": deployments.carried(deployed, landed, reached),
        "app_states": states.spans(tables["state_changes"], tables["applications"]),
        "cluster_writes": written,
        "emergencies": emergencies.emergencies(
            spans, tables | found | {"cluster_writes": written}, resolver=resolver, settings=settings
        ),
        "waivers": waivers.granted(
            tables["waiver_entries"], landed, changes, resolver=resolver, settings=settings
        ),
    }


def path_rules(settings: Settings) -> PathRules:
    """The path rules in force: the settings', else the policy's layout; environments are the clusters'."""
    return PathRules(settings.path_rules, (cluster.environment for cluster in settings.clusters))


def _landings(tables: Tables, settings: Settings, **found_in_mirrors: pd.DataFrame | None) -> Tables:
    """`Landings` and `LandingPulls` of every repository, each judged by its own forge evidence alone."""
    complete = _forge_complete(tables["evidence_objects"])
    told = exported(tables["evidence_objects"], (_PULLS,))
    names = sorted(tables["repositories"]["repo"])
    found = [
        landings.find(
            {name: _of(tables[name], repo) for name in _GIT},
            _of(tables["pull_requests"], repo),
            _of(tables["git_operations"], repo),
            forge_complete=complete and repo in told,
            **found_in_mirrors,
            repositories=settings.repositories,
        )
        for repo in names
    ]
    both = {"landings": Landings, "landing_pulls": LandingPulls}
    return {
        name: conform(table, pd.concat([one[name] for one in found])) if found else empty(table)
        for name, table in both.items()
    }


def _of(table: pd.DataFrame, repo: str) -> pd.DataFrame:
    return table[table["repo"].eq(repo)].reset_index(drop=True)


def _forge_complete(evidence_objects: pd.DataFrame) -> bool:
    """Whether pull requests were read, and nothing that may have held one was unreadable.

    That is an object with pull requests, and one of which nothing is known, unless it comes from a cluster's source
    that gave nothing of the forge.
    """
    if _PULLS not in formats_of(evidence_objects):
        return False
    formats = evidence_objects["format"].str.split(",").explode()
    named = formats.eq(_PULLS).groupby(level=0).any()
    forge = formats.str.startswith("github-").groupby(level=0).any()
    of_forge = evidence_objects["source_name"].isin(evidence_objects.loc[forge, "source_name"])
    unknown = evidence_objects["format"].eq("") & (evidence_objects["cluster"].isna() | of_forge)
    return not bool(((evidence_objects["quarantined"] > 0) & (named | unknown)).any())
