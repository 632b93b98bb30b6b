"""How the default branches were protected: what the forge's log says was changed, and how they stood when exported."""

from __future__ import annotations

import re

import pandas as pd

from audit.joins.protections_hooks import in_words_of_the_log

_OFF = r"(?i:off|0|false|none|null|disabled|evaluate)"
_ON = r"(?i:on|true|everyone|non_admins|[1-9]\d*)"
_CLASSIC = "protected_branch."
_APPROVALS = "update_required_approving_review_count"
_SWITCHES = {
    "update_admin_enforced": ("admin_enforced", _OFF),
    "update_pull_request_reviews_enforcement_level": ("pull_request_reviews_enforcement_level", _OFF),
    _APPROVALS: ("required_approving_review_count", _OFF),
    "update_required_status_checks_enforcement_level": ("required_status_checks_enforcement_level", _OFF),
    "update_allow_force_pushes_enforcement_level": ("allow_force_pushes_enforcement_level", _ON),
    "update_allow_deletions_enforcement_level": ("allow_deletions_enforcement_level", _ON),
}
"""What a classic protection is made of: the field that tells its new value, and the values that weaken it."""
_TURNED = {field: _CLASSIC + name for name, (field, _) in _SWITCHES.items()}
_BYPASSES = ("policy_override", "required_status_override", "review_policy_override",
             "review_policy_and_required_status_override")  # fmt: skip
_LOOSENED = r'"ruleset_(?:rules_deleted|bypass_actors_added)": \[\{'
_KEY = ["repo", "rule"]


def concerned(ref: str, branch: str) -> bool:
    """Whether refs as the forge writes them (names, patterns, `~DEFAULT_BRANCH`, exclusions with `!`) hold `branch`."""
    parts = [part.strip() for part in ref.split(",") if part.strip()]
    wanted = [part for part in parts if not part.startswith("!")]
    barred = [part[1:] for part in parts if part.startswith("!")]
    return any(_holds(one, branch) for one in wanted) and not any(_holds(one, branch) for one in barred)


def _holds(pattern: str, branch: str) -> bool:
    if pattern in ("~ALL", "~DEFAULT_BRANCH"):
        return True
    pieces = re.split(r"(\*\*/?|\*|\?)", pattern.removeprefix("refs/heads/"))
    meant = {"*": "[^/]*", "?": "[^/]", "**": ".*", "**/": "(?:.*/)?"}
    return re.fullmatch("".join(meant.get(piece) or re.escape(piece) for piece in pieces), branch) is not None


def events(forge_events: pd.DataFrame, repositories: pd.DataFrame, approvals: int) -> pd.DataFrame:
    """What the forge's log, and webhooks beside it, say of the protection of default branches.

    Args:
        forge_events: `ForgeEvents`; of what webhooks tell, only what the log does not tell too is added.
        repositories: `Repositories`.
        approvals: how many the protection must require; fewer weaken it.

    Returns:
        the events with `rule` (str: which part of the protection), `kind` (str: bypass; loosened: a ruleset lost rules or
        got somebody who stands above them; weak or strong: how the part stands from then on; untold: the event
        doesn't say; other) and `value` (str, missing where none is told), sorted by repository and time.
    """
    rows = forge_events[forge_events["category"].isin(["protection", "ruleset"]) & forge_events["at"].notna()]
    logged = rows[rows["told_by"].eq("log")]
    told = in_words_of_the_log(rows[rows["told_by"].eq("webhook")], logged, _TURNED)
    rows = pd.concat([logged, told], ignore_index=True).merge(
        repositories[["repo", "branch"]].rename(columns={"branch": "default"}), on="repo"
    )
    pairs = rows[["branch", "default"]].drop_duplicates().dropna()
    held = [concerned(str(ref), str(name)) for ref, name in pairs.itertuples(index=False)]
    rows = rows.merge(
        pairs.assign(held=pd.array(held, dtype="boolean")), on=["branch", "default"], how="left"
    )
    rows = rows[rows["held"].fillna(True).astype(bool)].drop(columns="held")
    return (
        _judged(rows, approvals)
        .sort_values(["repo", "at", "document_id"], kind="stable")
        .reset_index(drop=True)
    )


def _judged(rows: pd.DataFrame, approvals: int) -> pd.DataFrame:
    """`rule`, `kind` and `value` of events."""
    verb = rows["action"].str.partition(".")[2] if len(rows) else rows["action"]
    ruleset = rows["category"].eq("ruleset")
    named = rows["detail"].str.extract(r'"ruleset_id": "?(\d+)', expand=False).fillna(rows["subject"])
    rule = ("ruleset " + named.fillna("of no name")).where(ruleset, "protection")
    value, weak = pd.Series(pd.NA, index=rows.index, dtype="str"), pd.Series(False, index=rows.index)
    told = verb.isin(["create", "destroy"])
    weak |= verb.eq("destroy")
    for name, (field, wrong) in _SWITCHES.items():
        mine = rows["action"].eq(_CLASSIC + name)
        said = rows["detail"].str.extract(rf'"{field}": "?([^",}}\]]*)', expand=False)
        value, rule = value.mask(mine, said), rule.mask(mine, field)
        weak |= mine & said.str.fullmatch(wrong).fillna(False).astype(bool)
        told |= mine & said.notna()
    said = rows["detail"].str.extract(r'"ruleset_enforcement": "?([^",}\]]*)', expand=False)
    value = value.mask(ruleset, said)
    weak |= ruleset & said.str.fullmatch(_OFF).fillna(False).astype(bool)
    told |= ruleset & verb.eq("update") & said.notna()
    fewer = pd.to_numeric(value, errors="coerce").lt(approvals)
    weak |= rows["action"].eq(_CLASSIC + _APPROVALS) & fewer.fillna(False).astype(bool)
    kind = pd.Series("other", index=rows.index, dtype="str").mask(told, "strong").mask(weak, "weak")
    switch = rows["action"].isin([_CLASSIC + name for name in _SWITCHES])
    loosened = ruleset & rows["detail"].str.contains(_LOOSENED) & ~weak
    kind = kind.mask(switch & ~told, "untold").mask(loosened, "loosened")
    kind = kind.mask(rows["action"].isin([_CLASSIC + name for name in _BYPASSES]), "bypass")
    return rows.assign(rule=rule.astype("str"), kind=kind, value=value)


def lapses(changed: pd.DataFrame) -> pd.DataFrame:
    """Spans in which a part of the protection was weak, from `events`.

    Returns:
        the event that began each, with `end` (datetime64[us, UTC], missing while it lasts) and `mended` (pointer to the
        event that ended it, missing while it lasts). A protection that was taken down ends with the next that is made.
    """
    rows = changed[changed["kind"].isin(["weak", "strong"])]
    by = [rows[column] for column in _KEY]
    rows = rows[rows["kind"].ne(rows["kind"].groupby(by).shift())]
    by = [rows[column] for column in _KEY]
    pointers = rows["evidence"] + ":" + rows["line"].astype("str")
    rows = rows.assign(
        end=rows["at"].groupby(by).shift(-1),
        mended=pointers.groupby(by).shift(-1),
    )
    return rows[rows["kind"].eq("weak")].reset_index(drop=True)


def exported(protections: pd.DataFrame, times: pd.DataFrame, repositories: pd.DataFrame) -> pd.DataFrame:
    """Active rules that bind the default branches, with when they were exported.

    Args:
        times: `evidence` (sha256) and `seen` (when that object was made).

    Returns:
        `Protections` with `repo` and `seen`; rules that are switched off, or are of other branches, have `binding` False.
    """
    rows = protections.merge(times, on="evidence")
    rows = rows.merge(
        repositories[["repo", "branch"]].rename(columns={"repo": "scope", "branch": "default"}), on="scope"
    )
    held = [concerned(str(ref), str(name)) for ref, name in zip(rows["target"], rows["default"], strict=True)]
    binding = pd.Series(held, index=rows.index, dtype=bool) & rows["enforcement"].eq("active")
    return rows.assign(repo=rows["scope"], binding=binding)
