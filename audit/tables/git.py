"""What Git itself says: commits, what each landing changed, and whether the repository is whole."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Bool, Int, Meta, Table, column


class Commits(Table):
    """Every commit reachable from the default branch, with its place on the mainline."""

    repo: str = column("Repository, as the settings name it: owner/name")
    sha: str = column("Full commit id", str_matches=r"^[0-9a-f]{40,64}$")
    parents: str = column("Full parent ids, separated by spaces; empty for a root")
    tree: str = column("Full id of the commit's tree")
    author_name: str = column("Author's name: the author's own claim")
    author_email: str = column("Author's e-mail after .mailmap: the author's own claim")
    author_time: UTC = column("Author date: the author's own claim")
    committer_name: str = column("Committer's name")
    committer_email: str = column("Committer's e-mail after .mailmap")
    committer_time: UTC = column("Committer date")
    subject: str = column("First line of the message")
    co_authors: str = column("E-mails of Co-authored-by trailers, separated by spaces")
    reverts: str = column("Full id that the message says it reverts", optional=True)
    position: Int = column(
        "Place on the first-parent chain, 0 at the root; missing off the mainline", optional=True, ge=0
    )
    landed_by: Int = column("Place of the mainline commit that brought it to the default branch", ge=0)

    class Config:
        title = "Commits reachable from the default branch"
        metadata: ClassVar[Meta] = {"source": "Git repository, through PyDriller", "stage": "git"}
        unique: ClassVar[list[str]] = ["repo", "sha"]


class FileChanges(Table):
    """Files that each mainline commit changed against its first parent."""

    repo: str = column("Repository")
    sha: str = column("Mainline commit that brought the change")
    path: str = column("Path after the change; bytes that are not UTF-8 are kept as \\xNN")
    old_path: str = column("Path before a rename or copy", optional=True)
    status: str = column(
        "A added, M modified, D deleted, R renamed, C copied, T type changed", isin=list("AMDRCT")
    )
    added: Int = column("Lines added; missing for a binary file", unit="lines", optional=True, ge=0)
    deleted: Int = column("Lines deleted; missing for a binary file", unit="lines", optional=True, ge=0)

    class Config:
        title = "Files changed on the mainline, merges against their first parent"
        metadata: ClassVar[Meta] = {"source": "git diff-tree over the mainline", "stage": "git"}
        unique: ClassVar[list[str]] = ["repo", "sha", "path"]


class MergeContent(Table):
    """Merge commits on the mainline whose tree is not what git makes of their parents."""

    repo: str = column("Repository")
    sha: str = column("Merge commit")
    path: str = column("Path that differs from what git would have made of the parents")
    conflicted: Bool = column("Whether git could not have merged this path by itself")

    class Config:
        title = "Content that a merge commit itself brought in (evil merges)"
        metadata: ClassVar[Meta] = {
            "source": "git merge-tree against the merge commit's tree; combined diff where parents conflict",
            "stage": "git",
        }
        unique: ClassVar[list[str]] = ["repo", "sha", "path"]


class Repositories(Table):
    """Each repository as it was read, and whether it is whole."""

    repo: str = column("Repository")
    branch: str = column("Default branch")
    tip: str = column("Commit the default branch pointed at", optional=True)
    commits: Int = column("Commits reachable from the tip", unit="commits", ge=0)
    mainline: Int = column("Commits on the first-parent chain", unit="commits", ge=0)

    class Config:
        title = "Repositories read, with tips and integrity"
        metadata: ClassVar[Meta] = {
            "source": "git rev-parse, fsck, replace and configuration",
            "stage": "git",
        }
        unique: ClassVar[list[str]] = ["repo"]


class RepositoryProblems(Table):
    """Ways in which a repository is not whole."""

    repo: str = column("Repository")
    problem: str = column(
        "What is wrong",
        isin=["shallow", "partial", "grafted", "replaced", "alternates", "missing object", "corrupt"],
    )
    detail: str = column("What git said, or which object or ref")

    class Config:
        title = "Ways in which a repository is not whole"
        metadata: ClassVar[Meta] = {
            "source": "git fsck --connectivity-only, refs/replace, grafts, shallow, promisor, alternates",
            "stage": "git",
        }
        unique: ClassVar[list[str]] = ["repo", "problem", "detail"]


class Landings(Table):
    """The auditor's population: one row for each change that reached the default branch."""

    repo: str = column("Repository")
    head_sha: str = column("Last mainline commit of the landing: its id within the repository")
    base_sha: str = column("Mainline commit before it; missing for the root", optional=True)
    first_position: Int = column("Mainline place of its first commit", ge=0)
    position: Int = column("Mainline place of its last commit", ge=0)
    kind: str = column("merge, squash, rebase or direct", isin=["merge", "squash", "rebase", "direct"])
    pr_number: Int = column("Pull request behind it", optional=True, ge=1)
    link: str = column("How the pull request was found", isin=["merge sha", "subject", "patch-id", "none"])
    confidence: str = column("How sure the link is", isin=["certain", "strong", "weak", "none"])
    landed_at: UTC = column("When it reached the default branch")
    landed_at_source: str = column(
        "Who says when: the forge, or the committer date", isin=["forge", "committer"]
    )
    pusher: str = column(
        "Forge login that merged or pushed it, where the forge's evidence says", optional=True
    )
    subject: str = column("First line of its last commit's message")
    mainline_commits: Int = column("Commits it put on the mainline", unit="commits", ge=1)
    commits: Int = column("Commits it brought in, those of a merged branch included", unit="commits", ge=1)
    authors: str = column(
        "E-mails of all its authors and co-authors, and of committers other than the forge, separated by spaces"
    )
    files: Int = column("Files changed", unit="files", ge=0)
    added: Int = column("Lines added", unit="lines", ge=0)
    deleted: Int = column("Lines deleted", unit="lines", ge=0)
    evil: Bool = column("Its merge commit brought in content that is in none of its parents")
    reverts: str = column("Landing head that it says it reverts (full commit id)", optional=True)

    class Config:
        title = "Landings: every arrival on the default branch"
        metadata: ClassVar[Meta] = {
            "source": "mainline of the Git repository, tied to the forge's pull requests and pushes",
            "stage": "joined",
            "time": "landed_at",
        }
        unique: ClassVar[list[str]] = ["repo", "position"]


class LandingEnvironments(Table):
    """Where each landing takes effect."""

    repo: str = column("Repository")
    head_sha: str = column("Landing")
    app: str = column("Application or component; '*' for a whole environment")
    environment: str = column("Environment")
    made_by: str = column("What attributed it", isin=["path rule", "build graph"])

    class Config:
        title = "Applications and environments that each landing reaches"
        metadata: ClassVar[Meta] = {
            "source": "path rules of the settings, over the landing's files",
            "stage": "joined",
        }
        unique: ClassVar[list[str]] = ["repo", "head_sha", "app", "environment"]
