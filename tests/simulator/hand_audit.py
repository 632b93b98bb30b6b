"""Judges a run's changes by hand: plain Python over the exported files and `git log`, by the rules of the controls."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from audit.simulator.desk import REQUIRED_CHECKS
from audit.simulator.repository import git
from audit.simulator.seals import SIGNERS
from audit.simulator.world import REPOSITORY

_NOREPLY = re.compile(r"(?:\d+\+)?(.+)@users\.noreply\.github\.com")


@dataclass
class Exports:
    """What the exports say, the later one winning."""

    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    reviews: dict[int, dict[int, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    dismissed: dict[int, dict[str, Any]] = field(default_factory=dict)
    checks: dict[str, dict[int, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    activity: dict[int, dict[str, Any]] = field(default_factory=dict)


def read(folder: Path) -> Exports:
    """The exports below `folder`, in the order of their dates."""
    found = Exports()
    for path in sorted(folder.rglob("*.json.gz")):
        content = json.loads(gzip.decompress(path.read_bytes()))
        if path.name == "check-runs.json.gz":
            assert content["total_count"] == len(content["check_runs"])
            for run in content["check_runs"]:
                found.checks[run["head_sha"]][run["id"]] = run
        elif path.name == "reviews.json.gz":
            for review in content:
                found.reviews[int(path.parent.name)][review["id"]] = review
        elif path.parent.name == "pulls":
            for pull in content:
                kept = found.pulls.get(pull["number"])
                if kept is None or kept["updated_at"] <= pull["updated_at"]:
                    found.pulls[pull["number"]] = pull
        elif path.parent.name == "events":
            for event in content:
                if event["event"] == "review_dismissed":
                    found.dismissed[event["dismissed_review"]["review_id"]] = event
        elif path.name == "protection.json.gz" or path.parent.name == "rulesets":
            continue  # how branches are protected, which no control here asks for
        else:
            assert path.parent.name == "activity"
            found.activity |= {entry["id"]: entry for entry in content}
    return found


class Roster:
    """Who is who."""

    def __init__(self, path: Path) -> None:
        people = yaml.safe_load(path.read_text(encoding="utf-8"))["people"]
        self.logins = {x.lower(): p["id"] for p in people for x in p["identities"]["github"]}
        self.emails = {x.lower(): p["id"] for p in people for x in p["identities"]["git"]}
        self.machines = {p["id"] for p in people if p["kind"] == "machine"}

    def login(self, login: str) -> str | None:
        """Person behind a login; a bot is its own; None for someone unknown."""
        return self.logins.get(login.lower(), login if login.endswith("[bot]") else None)

    def email(self, email: str) -> str | None:
        """Person behind an address."""
        match = _NOREPLY.fullmatch(email.lower())
        return self.login(match[1]) if match else self.emails.get(email.lower())

    def machine(self, login: str) -> bool:
        """Whether a login is a machine's."""
        return login.endswith("[bot]") or self.login(login) in self.machines


def _authors(
    repository: Path, pull: dict[str, Any], first: str, last: str, roster: Roster, *, evil: bool
) -> set[str | None]:
    """Everyone whose work the commits `first..last` are, and who opened the pull request; not who only merged them."""
    form = "%H%x00%aE%x00%cE%x00%(trailers:key=Co-authored-by,valueonly,separator=%x01)%x00%P"
    text = git(repository, "log", f"--format={form}", f"{first}..{last}")
    found = {roster.login(pull["user"]["login"])}
    lines = [line.split("\0") for line in text.splitlines()]
    merge = next(line for line in lines if line[0] == last)
    replayed = last != pull["head"]["sha"] and " " not in merge[4] and merge[2] != "noreply@github.com"
    for sha, author, committer, trailers, parents in lines:
        if sha == merge[0] and " " in parents and not evil:
            continue
        found.add(roster.email(author))
        if committer != "noreply@github.com" and not replayed:
            found.add(roster.email(committer))
        found |= {roster.email(t[t.index("<") + 1 : t.index(">")]) for t in trailers.split("\1") if t}
    return found


def judge(folder: Path) -> set[tuple[str, str]]:
    """(control, subject) of all that breaks CHG-01 to CHG-05, or CHG-08, in the run `folder`; leaves it as it is."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "copy.git")  # trying merges writes objects
        shutil.copytree(folder / "repositories" / "netbpf-gitops.git", copy)
        return _judge(folder, copy)


def _judge(folder: Path, repository: Path) -> set[tuple[str, str]]:
    exports, roster = read(folder / "evidence" / "github-exports"), Roster(folder / "roster.yaml")
    lines = git(repository, "log", "--first-parent", "--reverse", "--format=%H %P", "main").splitlines()
    mainline = [line.split() for line in lines]
    order = {words[0]: place for place, words in enumerate(mainline)}
    findings, explained = set[tuple[str, str]](), set[str]()
    moves = {e["after"]: e for e in exports.activity.values() if e["ref"] == "refs/heads/main"}
    for number, pull in exports.pulls.items():
        if pull["merged_at"] is None:
            continue
        batch = next(
            (words for words in mainline if len(words) > 3 and pull["head"]["sha"] in words[2:]), None
        )
        merge = batch[0] if batch else pull["merge_commit_sha"]
        if merge in moves and moves[merge]["activity_type"] != "merge_queue_merge":
            before = moves[merge]["before"]
        else:  # the queue moves main over several, each of them one commit
            before = mainline[order[merge] - 1][0]
        explained |= {words[0] for words in mainline[order[before] + 1 : order[merge] + 1]}
        evil = batch is None and _evil(repository, mainline[order[merge]])
        last = pull["head"]["sha"] if batch else merge
        authors = _authors(repository, pull, before, last, roster, evil=evil)
        subject = f"{REPOSITORY}#{number}"
        findings |= {(control, subject) for control in _reviewed(exports, pull, authors, roster, evil=evil)}
        if not _checked(exports, pull):
            findings.add(("CHG-05", subject))
    heads = {e["after"] for e in exports.activity.values() if e["ref"] == "refs/heads/main"}
    direct = {sha for sha in order if sha not in explained and sha in heads}
    authors = [line.split() for line in git(repository, "log", "--format=%H %aE", "main").splitlines()]
    known = f"gpg.ssh.allowedSignersFile={folder / SIGNERS}"
    checked = git(repository, "-c", known, "log", "--format=%H %G?", "main").splitlines()
    failed = {sha for sha, letter in map(str.split, checked) if letter not in "NG"}
    strange = {sha for sha, email in authors if email != "noreply@github.com" and roster.email(email) is None}
    return (
        findings
        | {("CHG-01", f"{REPOSITORY}@{sha}") for sha in direct}
        | {("CHG-08", f"{REPOSITORY}@{sha}") for sha in strange | failed}
    )


def _evil(repository: Path, words: list[str]) -> bool:
    if len(words) < 3:
        return False
    merged = git(repository, "merge-tree", "--write-tree", words[1], words[2]).strip()
    return merged != git(repository, "rev-parse", f"{words[0]}^{{tree}}").strip()


def _reviewed(
    exports: Exports, pull: dict[str, Any], authors: set[str | None], roster: Roster, *, evil: bool
) -> set[str]:
    merged, standing, before = pull["merged_at"], [], 0
    reviews = [r for r in exports.reviews[pull["number"]].values() if not roster.machine(r["user"]["login"])]
    for review in reviews:
        event = exports.dismissed.get(review["id"])
        was = event["dismissed_review"]["state"].upper() if event else review["state"]
        assert (review["state"] == "DISMISSED") == (event is not None)
        voided = any(
            other["user"]["login"] == review["user"]["login"]
            and other["state"] == "CHANGES_REQUESTED"
            and review["submitted_at"] < other["submitted_at"] < merged
            for other in reviews
        )
        if was == "APPROVED" and review["submitted_at"] < merged and not voided:
            before += 1
            if event is None or event["created_at"] >= merged:
                standing.append(review)
    known = None not in authors
    independent = [r for r in standing if known and roster.login(r["user"]["login"]) not in {None, *authors}]
    covering = [r for r in independent or standing if r["commit_id"] == pull["head"]["sha"]]
    broken = {"CHG-02"} if before == 0 else set()
    if standing and not independent:
        broken.add("CHG-03")
    if evil or (before and not covering):
        broken.add("CHG-04")
    return broken


def _checked(exports: Exports, pull: dict[str, Any]) -> bool:
    runs = exports.checks[pull["head"]["sha"]].values()
    for name in REQUIRED_CHECKS:
        begun = [
            (run["started_at"], run["id"], run)
            for run in runs
            if run["name"] == name and run["started_at"] < pull["merged_at"]
        ]
        last = max(begun)[2] if begun else {"status": "missing"}
        over = last["status"] == "completed" and last["completed_at"] < pull["merged_at"]
        if not over or last["conclusion"] != "success":
            return False
    return True
