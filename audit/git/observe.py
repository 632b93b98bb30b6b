"""What the contents of a repository say: where each commit takes effect, which images it sets, which secrets it adds.

    mainline steps ─┬─ build graph ─ commit_environments
                    │       └─ images ─ image_settings
                    ├─ secrets ─ secret_findings
                    └─ signatures
    tip ────────────── graph_roots, secret_references, secret_waivers, code_owners
    one file ───────── waiver_entries

History is read whole; contents are read from the first commit of interest on. What a commit gave is kept by commit,
apart for each of the three walks, because each depends on other settings.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow

from audit import tables as t
from audit.errors import UsageError
from audit.git import codeowners, facts, secrets, signatures
from audit.git import waivers as policy_waivers
from audit.git.contents import Change, Contents, Step
from audit.git.graph import BuildGraph
from audit.git.graph.build import Reached
from audit.git.images import Images
from audit.git.kept import Kept
from audit.git.paths import PathRules
from audit.git.secrets import waivers
from audit.git.secrets.references import references
from audit.model import MadeBy, Reader
from audit.settings import Repository, Settings
from audit.sources.git_view import view

VERSION = 3
"""Raised whenever the same commits would be attributed otherwise, or set other images."""

MARGIN = timedelta(days=31)
"""Contents are read from so much before the first moment of interest: what lands is committed earlier."""

TABLES = (
    "commit_environments", "image_settings", "secret_findings", "signatures", "graph_roots", "secret_references",
    "secret_waivers", "waiver_entries", "code_owners", "unread_files",
)  # fmt: skip
"""What `read` makes, beside `repositories`."""

Tables = dict[str, pd.DataFrame]
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Scope:
    """What the reading of contents depends on, beside the commits.

    Attributes:
        environments: names of environments beyond those of the path rules.
        key: key of the secrets' fingerprints.
        settings: names clusters, and the keys of signatures; without it no signature is looked at.
    """

    rules: PathRules
    key: bytes
    repository: Repository | None = None
    environments: tuple[str, ...] = ()
    settings: Settings | None = None

    def facts(self) -> list[object]:
        """Everything that attribution depends on, in a form that JSON can tell."""
        clusters = self.settings.clusters if self.settings else ()
        return [
            self.rules.facts(),
            [cluster.model_dump(mode="json") for cluster in clusters],
            self.repository.model_dump(mode="json") if self.repository else None,
            list(self.environments),
        ]

    def digest(self) -> str:
        """Changes whenever `read` might give something else for the same commits."""
        keys = signatures.keyring_digest(self.settings) if self.settings else None
        waived = [self.settings.secrets.waivers, self.settings.waivers.file] if self.settings else None
        said = [VERSION, secrets.VERSION, codeowners.VERSION, self.facts(), _of_key(self.key), keys, waived]
        return hashlib.sha256(repr(said).encode()).hexdigest()


def first(commits: pd.DataFrame, since: datetime | None) -> int | None:
    """The mainline place from which contents are of interest.

    Args:
        commits: of one repository.
        since: moment of interest; everything when None.

    Returns:
        Place of the first commit that is dated no earlier than `MARGIN` before `since`; None when there is none.
    """
    line = commits[commits["position"].notna()]
    late = line if since is None else line[line["committer_time"] >= pd.Timestamp(since - MARGIN)]
    return None if late.empty else int(late["position"].min())


def read(
    path: Path, history: Tables, scope: Scope, *, since: datetime | None, kept: Path | None = None
) -> Tables:
    """What contents say of one repository from `since` on, and of its tip.

    Args:
        path: the repository that `history` was read from.
        history: what `audit.git.history.read` gave.
        since: see `first`.
        kept: folder in which rows are kept by commit; only new commits are looked at then.

    Returns:
        `TABLES` (no secret is waived yet), and repositories with `observed_from`.

    Raises:
        IntegrityError: git failed, or objects are missing.
        ScannerFailed: the scanner did not look at everything.
        UsageError: a file with keys is wrong.
    """
    head = history["repositories"].iloc[0]
    repo, tip, start = str(head["repo"]), str(head["tip"]), first(history["commits"], since)
    steps = mainline_steps(history, start)
    with view(path, branch=str(head["branch"])) as seen, ThreadPoolExecutor(2) as beside:
        scanned = beside.submit(_secrets, seen, steps, scope, kept)
        verified = beside.submit(_signatures, seen, history["commits"], start, scope, kept)
        with Contents(seen) as contents:
            places, images, unread = _places(contents, history["commits"], steps, scope, kept)
            at_tip = _tip(contents, tip, history, scope)
        findings, unscanned = scanned.result()
        signed = verified.result()
    found = at_tip | {
        "commit_environments": places,
        "image_settings": images,
        "secret_findings": findings.assign(waived=False, waiver=None),
        "signatures": signed,
        "unread_files": pd.concat([unread, unscanned, at_tip["unread_files"]]).drop_duplicates(),
    }
    tables = {name: t.conform(t.TABLES[name], rows.assign(repo=repo)) for name, rows in found.items()}
    one = history["repositories"].assign(observed_from=pd.array([start], "Int64"))
    return tables | {"repositories": t.conform(t.Repositories, one)}


def mainline_steps(history: Tables, start: int | None) -> list[Step]:
    """Mainline commits from a place on, the oldest first, with the files that each changed; none without a place."""
    if start is None:
        return []
    commits = history["commits"]
    line = commits[commits["position"].ge(start).fillna(False).astype(bool)].sort_values("position")
    rows = history["file_changes"]
    rows = rows[rows["sha"].isin(line["sha"])]
    columns = [rows[name].astype(object).where(rows[name].notna(), None) for name in ("sha", *Change._fields)]
    changes: dict[str, list[Change]] = {}
    for sha, *change in zip(*columns, strict=True):
        changes.setdefault(sha, []).append(Change(*change))
    return [
        Step(sha, int(position), tuple(changes.get(sha, ())))
        for sha, position in zip(line["sha"], line["position"], strict=True)
    ]


def _schema(table: type[t.Table], *without: str) -> pyarrow.Schema:
    """Columns of a table as Arrow keeps them, but for the repository."""
    types = {name: str(column.dtype) for name, column in t.columns(table).items()}
    return pyarrow.schema(
        [
            (name, pyarrow.int64() if dtype == "Int64" else pyarrow.string())
            for name, dtype in types.items()
            if name not in ("repo", *without)
        ]
    )


_PLACES = _schema(t.CommitEnvironments)
_IMAGES = _schema(t.ImageSettings)
_FINDINGS = _schema(t.SecretFindings, "waived", "waiver")
_SIGNATURES = _schema(t.Signatures)
_UNREAD = _schema(t.UnreadFiles)
_WALKED = pyarrow.schema([("sha", pyarrow.string())])


def _keep(store: Kept, name: str, schema: pyarrow.Schema, rows: Iterable[dict[str, Any]]) -> None:
    store.add(name, facts.batches((tuple(row[field] for field in schema.names) for row in rows), schema))


def _of(store: Kept, name: str, schema: pyarrow.Schema, shas: Iterable[str]) -> pd.DataFrame:
    """What is kept under a name of some commits. A run that was cut short may have left rows twice."""
    columns = {field: store.load(name, field, schema).to_pandas() for field in schema.names}
    rows = pd.DataFrame(columns)
    return rows[rows["sha"].isin(set(shas))].drop_duplicates(ignore_index=True)


def _new(steps: Sequence[Step], walked: set[str]) -> Iterator[list[Step]]:
    """Steps that were not walked before, in runs of consecutive ones."""
    for known, run in itertools.groupby(steps, key=lambda step: step.sha in walked):
        if not known:
            yield list(run)


def _places(
    contents: Contents, commits: pd.DataFrame, steps: Sequence[Step], scope: Scope, kept: Path | None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Where each step takes effect, the images that it sets, and what could not be read for either."""
    store = Kept(kept, "places", VERSION, scope.facts())
    line = commits[commits["position"].notna()]
    chain = dict(zip(line["position"].astype(int), line["sha"], strict=True))
    for run in _new(steps, store.column("walked", "sha")):
        graph, images = _graph(contents, scope), Images(contents)
        before = chain.get(run[0].position - 1)
        graph.begin(contents.tree(before) if before else {}, before or "")
        graph.unread.clear()  # of earlier commits; the tip's state tells those that still matter
        where: Rows = []
        settings: Rows = []
        for step, reached in graph.walk(run):
            where += _where(step.sha, reached)
            settings += images.step(step, _by_path(reached))
        unread = _unread(graph.unread, Reader.GRAPH) + _unread(images.unread, Reader.IMAGES)
        _keep(store, "places", _PLACES, where)
        _keep(store, "images", _IMAGES, settings)
        _keep(store, "unread", _UNREAD, unread)
        _keep(store, "walked", _WALKED, ({"sha": step.sha} for step in run))
    shas = [step.sha for step in steps]
    return (
        _of(store, "places", _PLACES, shas),
        _of(store, "images", _IMAGES, shas),
        _of(store, "unread", _UNREAD, shas),
    )


def _graph(contents: Contents, scope: Scope) -> BuildGraph:
    clusters = scope.settings.clusters if scope.settings else ()
    return BuildGraph(contents, scope.rules, clusters, scope.repository, scope.environments)


def _where(sha: str, reached: Sequence[Reached]) -> Rows:
    """Rows of `commit_environments`: one for each place, by the graph before a rule, then by the first path."""
    best: dict[tuple[str, str], Reached] = {}
    for each in sorted(reached, key=lambda each: (each.made_by is MadeBy.RULE, each)):
        best.setdefault((each.app, each.environment), each)
    return [{"sha": sha, **each._asdict()} for each in best.values()]


def _by_path(reached: Sequence[Reached]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for each in reached:
        found.setdefault(each.path, []).append((each.app, each.environment))
    return found


def _unread(found: Iterable[tuple[str, str, str]], reader: Reader) -> Rows:
    rows = [(sha, path, reader.value, reason) for sha, path, reason in found]
    return [dict(zip(_UNREAD.names, row, strict=True)) for row in dict.fromkeys(rows)]


def _secrets(
    seen: Path, steps: Sequence[Step], scope: Scope, kept: Path | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Secrets that each step added in the clear, and what could not be read for them."""
    store = Kept(kept, "secrets", secrets.VERSION, _of_key(scope.key))
    for run in _new(steps, store.column("walked", "sha")):
        with Contents(seen) as contents:
            found, unread = secrets.scan(seen, contents, run, key=scope.key)
        _keep(store, "findings", _FINDINGS, found)
        _keep(store, "unread", _UNREAD, ({**row, "reader": Reader.SECRETS.value} for row in unread))
        _keep(store, "walked", _WALKED, ({"sha": step.sha} for step in run))
    shas = [step.sha for step in steps]
    return _of(store, "findings", _FINDINGS, shas), _of(store, "unread", _UNREAD, shas)


def _of_key(key: bytes) -> str:
    return hashlib.sha256(b"kept under\0" + key).hexdigest()


def _signatures(
    seen: Path, commits: pd.DataFrame, start: int | None, scope: Scope, kept: Path | None
) -> pd.DataFrame:
    """What came of the signature of every commit that landed from `start` on, those of merged branches too."""
    if scope.settings is None or start is None:
        return pd.DataFrame({name: [] for name in _SIGNATURES.names}, dtype="str")
    store = Kept(kept, "signatures", signatures.keyring_digest(scope.settings))
    shas = commits.loc[commits["landed_by"].ge(start).fillna(False).astype(bool), "sha"]
    known = store.column("signatures", "sha")
    new = [sha for sha in shas if sha not in known]
    if new:
        _keep(store, "signatures", _SIGNATURES, signatures.verify(seen, new, scope.settings))
    return _of(store, "signatures", _SIGNATURES, shas)


def _tip(contents: Contents, tip: str, history: Tables, scope: Scope) -> Tables:
    """What the tip says: roots of the build graph, secrets by reference, waivers, owners, and what can't be read there."""
    tree = contents.tree(tip)
    graph = _graph(contents, scope)
    graph.begin(tree, tip)
    roots = graph.roots()
    brought = _brought(history)
    unread = _unread(
        ((brought.get((path, tree.get(path, "")), tip), path, why) for _, path, why in graph.unread),
        Reader.GRAPH,
    )
    sealed, unsealed = references(contents, tree, history["file_changes"], history["commits"])
    unread += [{**row, "reader": Reader.REFERENCES.value} for row in unsealed]
    named = scope.settings.secrets.waivers if scope.settings else None
    waived, wrong = _waivers(contents, tree, named, brought) if named else ([], [])
    unread += wrong
    file = scope.settings.waivers.file if scope.settings else None
    granted, wrong = policy_waivers.read(contents, history, file) if file else ([], [])
    unread += wrong
    owned, missed = codeowners.read(contents, tree)
    unread += _unread(
        [(brought.get((missed[0], tree[missed[0]]), tip), *missed)] if missed else [], Reader.OWNERS
    )
    made = {
        "code_owners": (t.CodeOwners, owned),
        "graph_roots": (t.GraphRoots, roots),
        "secret_references": (t.SecretReferences, sealed),
        "secret_waivers": (t.SecretWaivers, waived),
        "waiver_entries": (t.WaiverEntries, granted),
    }
    rows = {
        name: t.frame(table, ({"repo": "", **row} for row in found)) for name, (table, found) in made.items()
    }
    return rows | {"unread_files": pd.DataFrame(unread, columns=_UNREAD.names)}


def _waivers(
    contents: Contents, tree: Mapping[str, str], path: str, brought: Mapping[tuple[str, str], str]
) -> tuple[Rows, Rows]:
    """The waivers at the tip; or, when their file is wrong, none and what is wrong with it: nothing is waived then."""
    try:
        return waivers.read(contents, tree, path).rows(), []
    except UsageError as error:
        sha = brought[path, tree[path]]
        return [], _unread([(sha, path, error.problem)], Reader.WAIVERS)


def _brought(history: Tables) -> dict[tuple[str, str], str]:
    """The mainline commit that last gave each path each content it had."""
    rows = history["file_changes"].dropna(subset=["blob"])[["sha", "path", "blob"]]
    places = history["commits"][["sha", "position"]]
    rows = rows.merge(places, on="sha").sort_values("position", kind="stable")
    return dict(zip(zip(rows["path"], rows["blob"], strict=True), rows["sha"], strict=True))
