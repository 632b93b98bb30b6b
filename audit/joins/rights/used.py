"""When rights were used, as far as logs and exports show it, and where what would show it is not whole.

Any act of the holder in the system counts as use of each right that reaches there: which role allowed a request, a log
does not say. What was refused is no use.
"""

from __future__ import annotations

import pandas as pd

from audit.joins.continuity.span import TIME as WRITTEN
from audit.joins.rights.shapes import TIME, Span, Tables, stamped
from audit.normalise.natures import API_SERVER_LOGS
from audit.settings import Settings

_REFUSED = (401, 403)
_WHERE = ["system", "holder", "scope"]
_READS = ("pull", "triage")
_EVERYWHERE = ""
_GROUP = "group\0"
"""Before the name of a group, which no user's name can be."""
_MACHINE = "machines' reads are not kept of the cluster's log"
_READING = "reading a repository leaves no trace"
_TEAM = "a team's use is its members'"
_MEMBER = "nothing shows the use of a membership"
_NOBODY = "nothing says as whom it acts"
_VAULT = "Vault's log shows rights only as they are used"
NATURAL = (_MACHINE, _READING, _TEAM, _MEMBER, _NOBODY, _VAULT)
"""Why use can never be told, whatever evidence there is."""
_OF_FORGE = (
    (("github-pulls", "github-graphql", "github-cli-pulls"), "pull requests"),
    (("github-reviews", "github-graphql", "github-cli-pulls"), "reviews"),
    (("github-activity", "github-audit-log"), "pushes"),
)
"""What shows the use of a repository: for each kind of act, formats of which one must be whole."""
_PARTS = ("", "git")
"""Parts of evidence without which use is not shown: pushes too, which GitHub forgets before the rest of its log."""


def acts(tables: Tables, listed: pd.DataFrame) -> pd.DataFrame:
    """Every act by who did it and where: `system`, `holder`, `scope` (namespace; empty for none), `at`, `evidence`, `line`.

    Args:
        listed: rights; of groups, only those that hold one are looked at.
    """
    groups = set(listed.loc[listed["holder_kind"].eq("group"), "holder"])
    parts = [_on_forge(tables), _in_clusters(tables["cluster_access"], groups)]
    return pd.concat(parts, ignore_index=True).astype(
        {"system": "str", "holder": "str", "scope": "str", "at": TIME, "evidence": "str", "line": "Int64"}
    )


def _on_forge(tables: Tables) -> pd.DataFrame:
    """Pushes, pull requests opened and merged, reviews, and what else the forge's log says that somebody did."""
    parts = [
        _part(tables["git_operations"], "actor", "at"),
        _part(tables["pull_requests"], "author", "created_at"),
        _part(tables["pull_requests"], "merged_by", "merged_at"),
        _part(tables["reviews"], "reviewer", "submitted_at"),
        _part(tables["forge_events"], "actor", "at"),
    ]
    return pd.concat(parts, ignore_index=True)


def _part(rows: pd.DataFrame, who: str, when: str) -> pd.DataFrame:
    part = pd.DataFrame(
        {
            "system": rows["repo"],
            "holder": rows[who].str.lower(),
            "scope": pd.Series(_EVERYWHERE, index=rows.index, dtype="str"),
            "at": rows[when],
            "evidence": rows["evidence"],
            "line": rows["line"],
        }
    )
    return part.dropna(subset=["system", "holder", "at"])


def _in_clusters(rows: pd.DataFrame, wanted: set[str]) -> pd.DataFrame:
    """Requests that were let in, of the user and of each of their groups that is wanted."""
    refused = rows["code"].isin(_REFUSED).fillna(False).astype(bool)
    rows = rows.loc[
        ~refused & rows["user"].notna(), ["cluster", "user", "groups", "namespace", "at", "evidence", "line"]
    ]
    rows = rows.rename(columns={"cluster": "system", "namespace": "scope"})
    users = rows.rename(columns={"user": "holder"}).drop(columns="groups")
    of = {
        each: [_GROUP + one for one in each.split(",") if one in wanted] for each in rows["groups"].unique()
    }
    named = rows[rows["groups"].isin([each for each, found in of.items() if found])]
    groups = named.assign(holder=named["groups"].map(of)).explode("holder").drop(columns=["user", "groups"])
    return pd.concat([users, groups], ignore_index=True)


def holders(rights: pd.DataFrame) -> pd.Series:
    """The name under which acts of each right's holder stand (str); missing where none could.

    Of a cloud identity that is the user as whom it acts; a name with a placeholder is met by what begins like it.
    """
    group = rights["holder_kind"].eq("group") & rights["template"].isna()
    name = rights["holder"].mask(group, _GROUP + rights["holder"])
    return name.where(rights["template"].isna(), rights["template"].str.replace(r"\{\{.*", "", regex=True))


def last(rights: pd.DataFrame, done: pd.DataFrame, span: Span) -> pd.Series:
    """When each right was used last before the quarter's end (datetime64[us, UTC]); missing where evidence has no use.

    Args:
        rights: `system`, `holder`, `holder_kind`, `scope`, `template`.
        done: `acts`.
    """
    done = done[done["at"].lt(span.stop)].groupby(_WHERE, sort=True)["at"].max().reset_index()
    whole = done.groupby(["system", "holder"], sort=True)["at"].max().reset_index()
    asked = pd.DataFrame({"system": rights["system"], "holder": holders(rights), "scope": rights["scope"]})
    asked = _spelled_out(asked.reset_index(names="place"), rights["template"], whole)
    every = asked[asked["scope"].eq(_EVERYWHERE)].drop(columns="scope").merge(whole, on=["system", "holder"])
    some = asked[asked["scope"].ne(_EVERYWHERE)]
    some = some.assign(scope=some["scope"].str.split(",")).explode("scope").astype({"scope": "str"})
    found = pd.concat([every[["place", "at"]], some.merge(done, on=_WHERE)[["place", "at"]]])
    return found.groupby("place")["at"].max().reindex(rights.index).astype(TIME)


def _spelled_out(asked: pd.DataFrame, templates: pd.Series, whole: pd.DataFrame) -> pd.DataFrame:
    """`asked` with a row for each user that a name with a placeholder stands for."""
    open_ended = templates.str.contains("{{", regex=False).fillna(False).astype(bool).to_numpy()
    wanted = asked[open_ended]
    if wanted.empty:
        return asked
    pairs = wanted.drop(columns="holder").assign(prefix=wanted["holder"])
    pairs = pairs.merge(whole[["system", "holder"]], on="system")
    begins = [
        bool(prefix) and str(name).startswith(str(prefix))
        for prefix, name in zip(pairs["prefix"], pairs["holder"], strict=True)
    ]
    return pd.concat([asked[~open_ended], pairs[pd.Series(begins, index=pairs.index, dtype=bool)]])


def usage(
    rights: pd.DataFrame, used_at: pd.Series, untold: dict[tuple[str, str], str], span: Span
) -> pd.DataFrame:
    """`usage` and `usage_note` (both str) of each right.

    Args:
        untold: by kind and name of a system why its logs do not tell of the whole time; what is not there, tells.
    """
    kind = rights["system_kind"]
    pairs = zip(kind, rights["system"], strict=True)
    note = pd.Series([untold.get(pair, "") for pair in pairs], index=rights.index, dtype="str")
    cases = (
        (kind.eq("cluster") & rights["holder_kind"].eq("machine"), _MACHINE),
        (kind.eq("repository") & rights["right"].isin(_READS), _READING),
        (kind.eq("repository") & rights["holder_kind"].eq("group"), _TEAM),
        (kind.eq("organisation"), _MEMBER),
        (kind.eq("cluster") & holders(rights).isna(), _NOBODY),
        (kind.eq("vault"), _VAULT),
    )
    for holds, words in cases:
        note = note.mask(holds, words)
    used = used_at.ge(span.unused).fillna(False).astype(bool)
    result = pd.Series("unused", index=rights.index, dtype="str").mask(note.ne(""), "untold")
    return pd.DataFrame({"usage": result.mask(used, "used"), "usage_note": note.mask(used, "")})


def untold(tables: Tables, settings: Settings, span: Span) -> dict[tuple[str, str], str]:
    """Systems whose logs do not tell of all of `span.unused` to `span.stop`, by kind and name, with the reason."""
    found = {}
    for repository in sorted(
        {one.name for one in settings.repositories} | set(tables["repo_grants"]["repo"])
    ):
        reasons = [
            _lacking(tables, settings, span, formats=formats, what=what, repo=repository)
            for formats, what in _OF_FORGE
        ]
        found["repository", repository] = next((reason for reason in reasons if reason), "")
    for cluster in settings.clusters:
        found["cluster", cluster.name] = _lacking(
            tables, settings, span, formats=API_SERVER_LOGS, what="requests", cluster=cluster.name
        )
    strange = set(tables["rbac_bindings"]["cluster"]) - {one.name for one in settings.clusters}
    found |= {("cluster", name): "it is no cluster of the settings" for name in strange}
    return {key: reason for key, reason in found.items() if reason}


def _lacking(
    tables: Tables,
    settings: Settings,
    span: Span,
    *,
    formats: tuple[str, ...],
    what: str,
    repo: str | None = None,
    cluster: str | None = None,
) -> str:
    """Why evidence of one kind of act is not whole; empty where one of its formats is. The reason of the first otherwise."""
    if span.unused < span.start:
        return "the quarter does not run for so long yet"
    objects = tables["evidence_objects"]
    own = objects["cluster"].eq(cluster) if cluster else objects["cluster"].isna()
    if repo:
        own &= pd.Series([repo in names.split(" ") for names in objects["repos"]], index=objects.index)
    objects = objects[own.fillna(False).astype(bool)]
    reason = f"no evidence of {what}"
    for place, name in enumerate(formats):
        mine = objects[objects["format"].str.contains(rf"(?:^|,)\s*{name}\s*(?:,|$)")]
        if mine.empty:
            continue
        told = _holes(mine, tables, settings, span, name=name, repo=repo, cluster=cluster)
        if not told:
            return ""
        reason = told if place == 0 or reason.startswith("no evidence") else reason
    return reason


def _holes(
    objects: pd.DataFrame,
    tables: Tables,
    settings: Settings,
    span: Span,
    *,
    name: str,
    repo: str | None,
    cluster: str | None,
) -> str:
    """What is wrong with the evidence of one format; empty for nothing."""
    hours = tables["coverage"].merge(
        objects[["source_name", "sha256", "quarantined"]].rename(columns={"sha256": "evidence"}),
        on=["source_name", "evidence"],
    )
    if objects["collected_at"].max() < span.stop:
        return f"{name} was last collected {objects['collected_at'].max().strftime(WRITTEN)}"
    slack = pd.Timedelta(hours=settings.thresholds.export_slack_hours)
    made, newest = stamped(objects, settings).max(), hours["last_at"].max()
    if not (made >= span.stop or newest >= span.stop - slack):
        return f"nothing shows that {name} was exported after the time that it must tell of"
    spans = hours.groupby(["source_name", "evidence"])[["first_at", "last_at", "quarantined"]].agg(
        {"first_at": "min", "last_at": "max", "quarantined": "max"}
    )
    torn = spans[
        spans["quarantined"].gt(0) & spans["last_at"].ge(span.unused) & spans["first_at"].lt(span.stop)
    ]
    timeless = objects[objects["quarantined"].gt(0) & ~objects["sha256"].isin(hours["evidence"])]
    if len(torn) or len(timeless):
        return f"records of {name} could not be read"
    gaps = tables["evidence_gaps"]
    mine = gaps["format"].eq(name) & gaps["missing"].astype(bool) & gaps["part"].isin(_PARTS)
    mine &= (
        gaps["cluster"].eq(cluster or "") if cluster else gaps["repo"].eq(repo or "") | gaps["repo"].isna()
    )
    mine &= gaps["start"].lt(span.stop) & gaps["end"].ge(span.unused)
    return "".join(gaps.loc[mine.fillna(False).astype(bool), "detail"].head(1))
