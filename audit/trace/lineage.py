"""What belongs to a change, a pull request or a deployment: from commit to cluster, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from audit.report.plain import records
from audit.trace.shapes import Item

Tables = Mapping[str, pd.DataFrame]


def of(table: pd.DataFrame, **values: Any) -> pd.DataFrame:
    """The rows whose columns have these values."""
    held = pd.Series(True, index=table.index)
    for column, value in values.items():
        held &= table[column].eq(value).fillna(False).astype(bool)
    return table[held]


def pointer(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Where a row's evidence lies."""
    return (f"{row['evidence']}:{row['line']}",)


def change(tables: Tables, repo: str, sha: str) -> Iterator[Item]:
    """A landing, the commits that it brought, its pull requests with their reviews and checks, its deployments."""
    for row in records(of(tables["landings"], repo=repo, head_sha=sha)):
        subject = f"{repo}@{sha}"
        how = f"{row['kind']} by {row['via']}, tied by {row['link']} ({row['confidence']}): {row['subject']}"
        yield Item("landing", subject, row["landed_at"], how, (subject,))
        commits = of(tables["commits"], repo=repo)
        brought = commits[commits["landed_by"].between(row["first_position"], row["position"])]
        for commit in records(brought[brought["sha"].ne(sha)].sort_values(["landed_by", "sha"])):
            what = f"by {commit['author_name']} <{commit['author_email']}>: {commit['subject']}"
            where = f"{repo}@{commit['sha']}"
            yield Item("commit", where, commit["committer_time"], what, (where,))
        numbers = {row["pr_number"], *of(tables["landing_pulls"], repo=repo, head_sha=sha)["pr_number"]}
        for number in sorted(int(one) for one in numbers if not pd.isna(one)):
            yield from pull(tables, repo, number)
    for row in records(of(tables["git_operations"], repo=repo, after=sha)):
        what = f"{row['operation']} of {row['ref']} by {row['actor']}, from {row['before']}"
        yield Item("push", f"{repo}@{sha}", row["at"], what, pointer(row))
    for row in records(of(tables["landing_environments"], repo=repo, head_sha=sha)):
        what = f"{row['app']} in {row['environment']}, by {row['made_by']} from {row['path']} through {row['through']}"
        yield Item("reaches", f"{repo}@{sha}", "", what)
    for row in records(of(tables["deployment_landings"], repo=repo, head_sha=sha)):
        yield from _deployed(tables, row)
    yield from failed(tables, f"{repo}@{sha}")


def _deployed(tables: Tables, key: Mapping[str, Any]) -> Iterator[Item]:
    """The deployment that a row names by cluster, application and start (ISO 8601)."""
    rows = of(tables["deployments"], cluster=key["cluster"], application=key["application"])
    rows = rows[rows["started_at"].eq(pd.Timestamp(key["started_at"]))]
    for row in records(rows):
        who = row["person"] or row["initiated_by"] or ("the operator" if row["automated"] else "not recorded")
        what = f"{row['status']} in {row['environment']}, revision {row['revision']}, started by {who}"
        subject = f"{row['cluster']}/{row['application']}@{row['started_at']}"
        yield Item("deployment", subject, row["finished_at"] or row["started_at"], what, pointer(row))


def pull(tables: Tables, repo: str, number: int) -> Iterator[Item]:
    """A pull request with its reviews, dismissals, and the checks of its last commit."""
    subject = f"{repo}#{number}"
    heads = set()
    for row in records(of(tables["pull_requests"], repo=repo, number=number)):
        heads.add(row["head_sha"])
        what = f"{row['state']}, opened by {row['author']}, merged by {row['merged_by'] or 'nobody'}: {row['title_text']}"
        yield Item("pull request", subject, row["merged_at"] or row["updated_at"], what, pointer(row))
    for row in records(of(tables["reviews"], repo=repo, number=number).sort_values("submitted_at")):
        what = f"{row['state']} by {row['reviewer']} on {row['commit_sha'] or 'no commit'}"
        yield Item("review", subject, row["submitted_at"], what, pointer(row))
    for row in records(of(tables["review_dismissals"], repo=repo, number=number)):
        what = f"review {row['review_id']} ({row['state_before']}) dismissed by {row['dismissed_by']}"
        yield Item("dismissal", subject, row["dismissed_at"], what, pointer(row))
    checks = of(tables["checks"], repo=repo)
    for row in records(checks[checks["head_sha"].isin(heads)].sort_values(["name", "check_id"])):
        what = f"{row['name']} of {row['app'] or 'no app'}: {row['conclusion'] or row['status']}"
        yield Item("check", f"{repo}@{row['head_sha']}", row["completed_at"], what, pointer(row))
    yield from failed(tables, subject)


def deployment(tables: Tables, cluster: str, application: str, started_at: str) -> Iterator[Item]:
    """A deployment, the operator's records of it, and the changes that it carried."""
    key = {"cluster": cluster, "application": application, "started_at": started_at}
    yield from _deployed(tables, key)
    start = pd.Timestamp(started_at)
    synced = of(tables["sync_records"], cluster=cluster, app=application)
    for row in records(synced[synced["started_at"].eq(start)]):
        what = f"{row['operator']}: {row['phase']}, revision {row['revision']}"
        yield Item("record", f"{cluster}/{application}", row["finished_at"], what, pointer(row))
    carried = of(tables["deployment_landings"], cluster=cluster, application=application)
    carried = carried[carried["started_at"].eq(start)][["repo", "head_sha"]].merge(
        tables["landings"], on=["repo", "head_sha"]
    )
    for row in records(carried.sort_values("position")):
        subject = f"{row['repo']}@{row['head_sha']}"
        yield Item("carried", subject, row["landed_at"], row["subject"], (subject,))
    yield from failed(tables, f"{cluster}/{application}@{started_at}")


def failed(tables: Tables, subject: str) -> Iterator[Item]:
    """The exceptions of a subject."""
    for row in records(of(tables["exceptions"], subject=subject)):
        yield Item("exception", row["exception_id"], row["at"], row["found"], tuple(row["evidence"].split()))
