"""Names that nobody is known to be behind: which, since when, how often, and what rests on them."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from audit.joins.access import WRITE_VERBS
from audit.joins.identity import Resolver, System, explained, is_forge
from audit.joins.matching import matches_any
from audit.joins.principals import principals
from audit.joins.vault_users import who_asked
from audit.model import PrincipalKind
from audit.period import Period
from audit.settings import Settings
from audit.tables import UnresolvedIdentities, conform

Tables = dict[str, pd.DataFrame]

_COLUMNS = ["person", "at", "matters"]


def unresolved(tables: Tables, settings: Settings, period: Period) -> pd.DataFrame:
    """`UnresolvedIdentities` of a quarter: every name behind which no person and no machine is known.

    Args:
        tables: of a build, the joined ones included.
    """
    resolver = Resolver.of(tables, settings)
    parts = [part[_COLUMNS] for part in _seen(tables, resolver, settings)]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[period.holds(rows["at"])]
    name = rows["person"].str.extract(r"(?s)([^:]*):?(.*)")
    rows = rows.assign(system=name[0], name=name[1])
    found = rows.groupby(["system", "name"], sort=True)
    result = found["at"].agg(["min", "max", "size"]).set_axis(["first_seen", "last_seen", "times"], axis=1)
    result["matters"] = found["matters"].agg(lambda each: ", ".join(sorted(set(each))))
    result = result.reset_index()
    said = explained(tables["commits"])
    result["mailmap"] = result["name"].map(said).where(result["system"].eq("git")).astype("str")
    return conform(UnresolvedIdentities, result)


def _seen(tables: Tables, resolver: Resolver, settings: Settings) -> Iterator[pd.DataFrame]:
    """Each appearance of somebody who is not known: `_COLUMNS`."""
    yield from _committed(tables, resolver)
    pulls = tables["pull_requests"]
    yield _strangers(resolver, pulls["author"], "github", pulls["created_at"], "opened changes")
    said = tables["reviews"]
    yield _strangers(resolver, said["reviewer"], "github", said["submitted_at"], "reviewed changes")
    landings = tables["landings"]
    yield _strangers(
        resolver, landings["pusher"], "github", landings["landed_at"], "pushed to the default branch"
    )
    done = tables["deployments"]
    yield _strangers(resolver, done["initiated_by"], "argocd", done["started_at"], "deployed by hand")
    asked = tables["cluster_access"]
    own = principals(asked, resolver, settings)
    unknown = ~own["person"].isin(resolver.people) & own["principal_kind"].eq(PrincipalKind.PERSON.value)
    wrote = pd.Series("entered clusters", index=asked.index).mask(
        asked["verb"].isin(WRITE_VERBS), "wrote to clusters"
    )
    yield pd.DataFrame({"person": own["person"], "at": asked["at"], "matters": wrote})[unknown]
    vault = tables["secret_access"]
    who = who_asked(vault, resolver)
    workload = matches_any(vault["display_name"], settings.vault.workloads)
    workload |= matches_any(vault["entity"], settings.vault.entities)
    yield who.assign(at=vault["at"], matters="asked Vault")[~who["known"] & ~workload]


def _committed(tables: Tables, resolver: Resolver) -> Iterator[pd.DataFrame]:
    """Addresses of what landed: of authors, co-authors and committers, but the forge's."""
    landings = tables["landings"]
    emails = landings[["landed_at"]].assign(email=landings["authors"].str.split()).explode("email").dropna()
    emails = emails.astype({"email": "str"})
    emails = emails[~is_forge(emails["email"])].reset_index(drop=True)
    yield _strangers(resolver, emails["email"], "git", emails["landed_at"], "wrote changes")


def _strangers(
    resolver: Resolver, names: pd.Series, system: System, at: pd.Series, matters: str
) -> pd.DataFrame:
    """Those of `names` that are there and that nobody is known to be behind."""
    who = resolver.resolve(names, system, at)
    strange = names.notna() & ~who["known"] & who["kind"].eq(PrincipalKind.PERSON.value)
    return who.assign(at=at, matters=matters)[strange]
