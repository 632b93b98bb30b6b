"""Names that nobody is known to be behind: which, since when, how often, and what rests on them."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from audit.joins.access import WRITE_VERBS
from audit.joins.identity import Resolver, System, explained, is_forge
from audit.joins.matching import matches_any
from audit.joins.principals import principals
from audit.joins.principals import who_asked as who_entered
from audit.joins.rights.decided import written
from audit.joins.vault_users import who_asked
from audit.joins.waivers import named
from audit.model import PrincipalKind
from audit.period import Period
from audit.settings import Settings
from audit.tables import UnresolvedIdentities, conform
from audit.tables.people import RECORDS

Tables = dict[str, pd.DataFrame]

_COLUMNS = ["person", "at", "matters"]


def unresolved(tables: Tables, settings: Settings, period: Period) -> pd.DataFrame:
    """`UnresolvedIdentities` of a quarter: every name behind which no person and no machine is known.

    Args:
        tables: of a build, the joined ones and the quarter's rights included.
    """
    resolver = Resolver.of(tables, settings)
    last = pd.Timestamp(period.end) - pd.Timedelta(seconds=1)
    parts = [part[_COLUMNS] for part in _seen(tables, resolver, settings, last)]
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


def _seen(
    tables: Tables, resolver: Resolver, settings: Settings, last: pd.Timestamp
) -> Iterator[pd.DataFrame]:
    """Each appearance of somebody who is not known: `_COLUMNS`; what has no other time is of the `last` instant."""
    yield from _committed(tables, resolver)
    pulls = tables["pull_requests"]
    yield _strangers(resolver, pulls["author"], "github", pulls["created_at"], "opened changes")
    yield _strangers(resolver, pulls["merged_by"], "github", pulls["merged_at"], "merged changes")
    said = tables["reviews"]
    yield _strangers(resolver, said["reviewer"], "github", said["submitted_at"], "reviewed changes")
    landings = tables["landings"]
    yield _strangers(
        resolver, landings["pusher"], "github", landings["landed_at"], "pushed to the default branch"
    )
    yield from _on_forge(tables, resolver)
    yield from _recorded(tables, resolver)
    yield _entitled(tables["access_rights"], last)
    yield _in_cloud(tables["cloud_events"], resolver)
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
    """Addresses of what landed: of authors and co-authors, and of committers who are not the author; but the forge's."""
    landings = tables["landings"]
    emails = landings[["landed_at"]].assign(email=landings["authors"].str.split()).explode("email").dropna()
    emails = emails.astype({"email": "str"})
    emails = emails[~is_forge(emails["email"])].reset_index(drop=True)
    yield _strangers(resolver, emails["email"], "git", emails["landed_at"], "wrote changes")
    commits = tables["commits"][["repo", "landed_by", "author_email", "committer_email"]]
    ours = is_forge(commits["committer_email"])
    others = commits["committer_email"].str.lower().ne(commits["author_email"].str.lower())
    rows = pd.merge_asof(
        commits[others & ~ours].astype({"landed_by": "int64"}).sort_values("landed_by", kind="stable"),
        landings[["repo", "position", "landed_at"]].astype({"position": "int64"}).sort_values("position"),
        left_on="landed_by",
        right_on="position",
        by="repo",
        direction="forward",
    )
    yield _strangers(resolver, rows["committer_email"], "git", rows["landed_at"], "committed changes")


def _on_forge(tables: Tables, resolver: Resolver) -> Iterator[pd.DataFrame]:
    """Who changed refs, protections or whatever else on the forge."""
    done = tables["git_operations"]
    what = pd.Series("changed branches or tags", index=done.index, dtype="str")
    what = what.mask(done["operation"].eq("force_push"), "rewrote history")
    yield _strangers(resolver, done["actor"], "github", done["at"], what)
    said = tables["forge_events"]
    what = pd.Series("acted on the forge", index=said.index, dtype="str")
    what = what.mask(said["category"].eq("protection"), "changed protections")
    human = ~said["actor_is_bot"].fillna(False).astype(bool)
    yield _strangers(resolver, said["actor"].where(human), "github", said["at"], what)


def _recorded(tables: Tables, resolver: Resolver) -> Iterator[pd.DataFrame]:
    """Whom records of access reviews and of emergencies name, as they write it."""
    looked, opened = tables["access_reviews"], tables["break_glass_records"]
    reviewed = looked["decided_at"].fillna(looked["listed_at"])
    glass, ended = opened["reviewer"], opened["reviewed_at"].fillna(opened["opened_at"])
    for names, at, person, matters in (
        (looked["reviewer"], reviewed, written(looked["reviewer"], reviewed, resolver), "reviewed access"),
        (opened["person"], opened["opened_at"], named(opened["person"], resolver, opened["opened_at"]), "opened emergencies"),
        (glass, ended, named(glass.fillna(""), resolver, ended), "reviewed emergencies"),
    ):  # fmt: skip
        raw = names.str.strip()
        strange = raw.fillna("").ne("") & ~person.isin(resolver.people)
        yield pd.DataFrame({"person": RECORDS + ":" + raw, "at": at, "matters": matters})[strange]


def _entitled(rights: pd.DataFrame, last: pd.Timestamp) -> pd.DataFrame:
    """Who holds rights, once for each right, at the time of its list; what was listed after the quarter's end speaks of it."""
    rows = rights[rights["standing"].eq("unknown") & rights["holder_kind"].eq("person")]
    kind = rows["system_kind"].map({"repository": "repositories", "cluster": "clusters"}).astype("str")
    at = rows["listed_at"]
    matters = "holds rights in " + kind.fillna("other systems")
    return pd.DataFrame({"person": rows["person"], "at": at.where(at.le(last), last), "matters": matters})


def _in_cloud(events: pd.DataFrame, resolver: Resolver) -> pd.DataFrame:
    """Who called the cloud's APIs: by ARN, a role for all of its sessions; without an ARN by name."""
    name = events["arn"].fillna(events["user_name"])
    rows = events[name.notna() & events["identity_type"].ne("AWSService")]
    named_so = rows["arn"].isna()
    asked = pd.DataFrame({"user": rows["arn"], "cloud_arn": rows["arn"], "cluster": "", "at": rows["at"]})
    asked = asked.astype({"user": "str", "cloud_arn": "str"})
    who = who_entered(asked, resolver).mask(named_so, resolver.resolve(name[rows.index], "iam", rows["at"]))
    session = rows["identity_type"].eq("AssumedRole") & rows["issuer_arn"].notna()
    role = resolver.resolve(rows["issuer_arn"], "iam", rows["at"])
    who = who.assign(
        person=who["person"].mask(session, role["person"]), at=rows["at"], matters="called the cloud"
    )
    strange = ~who["known"].astype(bool) & who["kind"].eq(PrincipalKind.PERSON.value)
    return who[strange]


def _strangers(
    resolver: Resolver, names: pd.Series, system: System, at: pd.Series, matters: pd.Series | str
) -> pd.DataFrame:
    """Those of `names` that are there and that nobody is known to be behind."""
    who = resolver.resolve(names, system, at)
    strange = names.notna() & ~who["known"] & who["kind"].eq(PrincipalKind.PERSON.value)
    return who.assign(at=at, matters=matters)[strange]
