"""What Git itself says: commits, what each landing changed, and whether the repository is whole."""

from __future__ import annotations

from typing import ClassVar

from audit.model import Link, MadeBy, Reader, SignatureState, Via
from audit.tables.base import UTC, Bool, Int, Meta, Table, column


class Commits(Table):
    """Every commit reachable from the default branch, with its place on the mainline."""

    repo: str = column("Repository, as the settings name it: owner/name")
    sha: str = column("Full commit id", str_matches=r"^[0-9a-f]{40,64}$")
    parents: str = column("Full parent ids, separated by spaces; empty for a root")
    tree: str = column("Full id of the commit's tree")
    author_name: str = column("Author's name: the author's own claim")
    author_email: str = column("Author's e-mail: the author's own claim")
    author_mailmap: str = column(
        "E-mail that the repository's .mailmap gives for it, where it gives another", optional=True
    )
    author_time: UTC = column("Author date: the author's own claim")
    committer_name: str = column("Committer's name")
    committer_email: str = column("Committer's e-mail")
    committer_mailmap: str = column(
        "E-mail that the repository's .mailmap gives for it, where it gives another", optional=True
    )
    committer_time: UTC = column("Committer date")
    subject: str = column("First line of the message")
    co_authors: str = column("E-mails of Co-authored-by trailers, separated by spaces")
    reverts: str = column(
        "Id that the message says it reverts, as it is written there: full or cut short", optional=True
    )
    picked: str = column("Full id that the message says it was cherry-picked from", optional=True)
    change_id: str = column("Gerrit's Change-Id trailer", optional=True)
    reviewed_on: str = column("Gerrit's Reviewed-on trailer: address of the change", optional=True)
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
    old_blob: str = column(
        "Object id of the content before; missing for what was no regular file", optional=True
    )
    blob: str = column("Object id of the content after; missing for what is no regular file", optional=True)

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
    observed_from: Int = column(
        "Mainline place from which contents were read: build graph, images, secrets, signatures; missing when none was",
        optional=True,
        ge=0,
    )

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
    via: str = column("Which machinery put it there", isin=list(Via))
    change: str = column("Gerrit change it is: address or Change-Id, as its trailers claim", optional=True)
    link: str = column("How the pull request or change was found", isin=list(Link))
    confidence: str = column("How sure the link is", isin=["certain", "strong", "weak", "none"])
    landed_at: UTC = column("When it reached the default branch")
    landed_at_source: str = column(
        "Who says when: the forge; the committer date; or the mainline, where that date lies before or after what the "
        "forge says of the landings around it",
        isin=["forge", "committer", "mainline"],
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
    reinstates: str = column(
        "Landing head whose change is back with it: it reverts that one's revert", optional=True
    )
    picks: str = column("Landing head of which it is a copy (cherry-pick)", optional=True)

    class Config:
        title = "Landings: every arrival on the default branch"
        metadata: ClassVar[Meta] = {
            "source": "mainline of the Git repository, tied to the forge's pull requests and pushes",
            "stage": "joined",
            "time": "landed_at",
        }
        unique: ClassVar[list[str]] = ["repo", "position"]


class LandingPulls(Table):
    """Every pull request of each landing: a batch holds several."""

    repo: str = column("Repository")
    head_sha: str = column("Landing")
    pr_number: Int = column("Pull request", ge=1)
    link: str = column("How it was found", isin=list(Link))
    confidence: str = column("How sure the link is", isin=["certain", "strong", "weak", "none"])
    aside: Bool = column(
        "Merged on a line of history that a landing brought in later: it is not what the landing landed by"
    )
    authors: str = column(
        "E-mails of its own authors, as in landings; all of the landing's where they can't be told apart"
    )

    class Config:
        title = "Pull requests of each landing"
        metadata: ClassVar[Meta] = {
            "source": "mainline of the Git repository, tied to the forge's pull requests",
            "stage": "joined",
        }
        unique: ClassVar[list[str]] = ["repo", "head_sha", "pr_number"]


class CommitEnvironments(Table):
    """Where each mainline commit takes effect, from what it changed."""

    repo: str = column("Repository")
    sha: str = column("Mainline commit")
    app: str = column("Application or component; '*' for a whole environment")
    environment: str = column("Environment")
    made_by: str = column("What attributed it", isin=list(MadeBy))
    path: str = column("A changed path that takes effect there, the first by name")
    through: str = column(
        "What uses that path there: folder of the overlay or chart, or file and name of the operator's object; empty for a path rule"
    )

    class Config:
        title = "Applications and environments that each mainline commit reaches"
        metadata: ClassVar[Meta] = {
            "source": "build graph of the repository at that revision; path rules for what no graph explains",
            "stage": "git",
        }
        unique: ClassVar[list[str]] = ["repo", "sha", "app", "environment"]


class GraphRoots(Table):
    """What the build graph says is deployed, at the tip: one row for each root and what it uses from elsewhere."""

    repo: str = column("Repository")
    root: str = column("Folder of the overlay or chart, or file and name of the operator's object")
    kind: str = column(
        "kustomization, chart, folder, application, application set, flux kustomization, helm release"
    )
    app: str = column("Application")
    environment: str = column("Environment")
    files: Int = column("Files that it is built from", unit="files", ge=0)
    remote: str = column(
        "Remote bases, charts and repositories it uses, separated by spaces; their content is not seen"
    )

    class Config:
        title = "Roots of the build graph at the tip"
        metadata: ClassVar[Meta] = {"source": "build graph of the repository", "stage": "git"}
        unique: ClassVar[list[str]] = ["repo", "root", "app", "environment"]


class ImageSettings(Table):
    """Image tags and digests as each mainline commit set them."""

    repo: str = column("Repository")
    sha: str = column("Mainline commit that set it")
    path: str = column("File in which it is set")
    locator: str = column(
        "Where in the file: object or document number, and JSON pointer with names for numbers: 0/images/web"
    )
    app: str = column("Application in which it takes effect")
    environment: str = column("Environment in which it takes effect")
    set_by: str = column(
        "What sets it", isin=["kustomize images", "helm values", "manifest", "tag file", "operator object"]
    )
    image: str = column(
        "Image, without tag or digest; of a tag file, what the file is named for; of values that name none, the value"
    )
    before: str = column(
        "Tag or digest before; missing when it was not set, (no tag) where a container's image had none",
        optional=True,
    )
    after: str = column(
        "Tag or digest after; missing when it was taken out, (no tag) where a container's image has none",
        optional=True,
    )

    class Config:
        title = "Images set by each mainline commit, by application and environment"
        metadata: ClassVar[Meta] = {
            "source": "Kustomize, Helm and Kubernetes files of the repository",
            "stage": "git",
        }
        unique: ClassVar[list[str]] = ["repo", "sha", "path", "locator", "image", "app", "environment"]


class ImageChanges(Table):
    """Who changed which image where, when, from what to what."""

    repo: str = column("Repository")
    head_sha: str = column("Landing that changed it")
    position: Int = column("Mainline place of that landing: the order of changes", ge=0)
    path: str = column("File in which it is set")
    locator: str = column("Where in the file, as in image_settings")
    app: str = column("Application")
    environment: str = column("Environment")
    set_by: str = column("What sets it")
    image: str = column("Image, without tag or digest")
    before: str = column("Tag or digest before the landing; missing when it was not set", optional=True)
    after: str = column("Tag or digest after it; missing when it was taken out", optional=True)
    landed_at: UTC = column("When it landed")
    authors: str = column("E-mails of the landing's authors, separated by spaces")
    pr_number: Int = column("Pull request behind it", optional=True, ge=1)

    class Config:
        title = "Image changes by landing, application and environment"
        metadata: ClassVar[Meta] = {
            "source": "images set by mainline commits, and landings",
            "stage": "joined",
            "time": "landed_at",
        }
        unique: ClassVar[list[str]] = ["repo", "head_sha", "path", "locator", "image", "app", "environment"]


class Promotions(Table):
    """When Git asked for each version of an image in each environment."""

    repo: str = column("Repository")
    app: str = column("Application")
    image: str = column("Image")
    version: str = column("Tag or digest")
    environment: str = column("Environment")
    set_at: UTC = column("When it was first asked for there")
    head_sha: str = column("Landing that asked for it")
    rank: Int = column("Order among the environments: 1 for the first that got it; equal when together", ge=1)
    replaced_at: UTC = column("When another version took its place; missing while it stands", optional=True)

    class Config:
        title = "Versions of images by environment, in the order of promotion"
        metadata: ClassVar[Meta] = {"source": "image changes", "stage": "joined", "time": "set_at"}
        unique: ClassVar[list[str]] = ["repo", "app", "image", "version", "environment"]


class Signatures(Table):
    """What the signature of each commit came to."""

    repo: str = column("Repository")
    sha: str = column("Commit")
    state: str = column("What checking it came to", isin=list(SignatureState))
    format: str = column(
        "Format of the signature; missing when there is none", isin=["openpgp", "ssh", "x509"], optional=True
    )
    key: str = column("Fingerprint of the key, or what the signature says of it", optional=True)
    signer: str = column("Whom the configured keys say it belongs to", optional=True)

    class Config:
        title = "Commit signatures"
        metadata: ClassVar[Meta] = {
            "source": "commit objects, checked against the configured keys",
            "stage": "git",
        }
        unique: ClassVar[list[str]] = ["repo", "sha"]


class SecretFindings(Table):
    """Secrets that a mainline commit added in the clear. Values are never kept, only a keyed fingerprint."""

    repo: str = column("Repository")
    sha: str = column("Mainline commit that added it")
    path: str = column("File")
    line: Int = column("Line in the file after the commit, counted from 1", ge=1)
    kind: str = column("What found it", isin=["scanner", "plain secret", "unencrypted sops"])
    rule: str = column("Rule that matched, or the object: kind/namespace/name and key")
    fingerprint: str = column("Keyed hash (HMAC-SHA-256) of the value: the same value has the same one")
    waived: Bool = column("Waived by its fingerprint")
    waiver: str = column("Where and why it was waived; missing when it was not", optional=True)

    class Config:
        title = "Secrets added in the clear"
        metadata: ClassVar[Meta] = {
            "source": "Betterleaks over the added lines of the mainline; Secret manifests and SOPS files read as such",
            "stage": "git",
        }
        unique: ClassVar[list[str]] = ["repo", "sha", "path", "line", "kind", "rule", "fingerprint"]


class SecretReferences(Table):
    """Sealed, encrypted and external secrets at the tip, and when their content last changed."""

    repo: str = column("Repository")
    path: str = column("File that declares it")
    kind: str = column("SealedSecret, ExternalSecret, SOPS, Vault or Secret (in the clear)")
    namespace: str = column("Namespace; empty when the object names none")
    name: str = column("Name of the object; of a SOPS file that is no Kubernetes object, its path")
    changed_sha: str = column("Mainline commit that last changed its content")
    changed_at: UTC = column("Committer date of that commit")
    created_sha: str = column("Mainline commit that first brought it, as far back as contents could be read")

    class Config:
        title = "Secrets by reference, with the date of their last change"
        metadata: ClassVar[Meta] = {
            "source": "SealedSecret, ExternalSecret, SOPS and Vault objects of the repository",
            "stage": "git",
        }
        unique: ClassVar[list[str]] = ["repo", "path", "kind", "namespace", "name"]


class SecretWaivers(Table):
    """Findings that the reviewed file on the default branch's tip says are none."""

    repo: str = column("Repository")
    fingerprint: str = column("Keyed hash of the value, as in the findings")
    reason: str = column("Why it is no secret")
    approved_by: str = column("Who said so, as the file tells; empty when it does not")
    expires: UTC = column("Midnight from which it no longer holds; missing when it has no end", optional=True)
    place: str = column("File, object id of its content, and line: path@blob:line")

    class Config:
        title = "Waivers of secret findings"
        metadata: ClassVar[Meta] = {"source": "file of waivers at the tip", "stage": "git"}
        unique: ClassVar[list[str]] = ["repo", "fingerprint"]


class UnreadFiles(Table):
    """Files of the repository whose content could not be read as what they seem to be."""

    repo: str = column("Repository")
    sha: str = column("Mainline commit that brought this content")
    path: str = column("File")
    reader: str = column("What it was read for", isin=list(Reader))
    reason: str = column("Why: not YAML (with the line), too large, too deep, missing object, …")

    class Config:
        title = "Repository files that could not be read"
        metadata: ClassVar[Meta] = {"source": "contents of the repository", "stage": "git"}
        unique: ClassVar[list[str]] = ["repo", "sha", "path", "reader", "reason"]


class BranchTips(Table):
    """Tips of the default branch as earlier runs saw and recorded them."""

    repo: str = column("Repository")
    ref: str = column("Ref")
    sha: str = column("Commit it pointed at")
    seen_at: UTC = column("Moment of the first run that saw it there")
    manifest: str = column("sha256 of the manifest that recorded it")
    reachable: Bool = column("Whether the default branch still reaches it")

    class Config:
        title = "Tips seen by earlier runs"
        metadata: ClassVar[Meta] = {
            "source": "manifests of the evidence store",
            "stage": "joined",
            "time": "seen_at",
        }
        unique: ClassVar[list[str]] = ["repo", "ref", "sha"]


class LandingEnvironments(Table):
    """Where each landing takes effect."""

    repo: str = column("Repository")
    head_sha: str = column("Landing")
    app: str = column("Application or component; '*' for a whole environment")
    environment: str = column("Environment")
    made_by: str = column("What attributed it", isin=list(MadeBy))
    path: str = column("A changed path that takes effect there, the first by name")
    through: str = column("What uses that path there; empty for a path rule")

    class Config:
        title = "Applications and environments that each landing reaches"
        metadata: ClassVar[Meta] = {
            "source": "build graph at each of its mainline commits; path rules of the settings for the rest",
            "stage": "joined",
        }
        unique: ClassVar[list[str]] = ["repo", "head_sha", "app", "environment"]
