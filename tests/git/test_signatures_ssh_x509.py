"""SSH and X.509 signatures: who is allowed and until when, and which root a certificate leads to."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from git_repo import Repo
from signing import (
    Authority,
    header,
    left_behind,
    payload,
    require,
    settings_with,
    ssh_fingerprint,
    ssh_key,
    store,
)

from audit.git import signatures
from audit.settings import Settings
from audit.sources.git_view import view

JULY = 1_782_864_000  # 2026-07-01 00:00 UTC


def rows_of(repo: Repo, settings: Settings, *shas: str) -> dict[str, dict[str, Any]]:
    with view(repo.path) as seen:
        return {row["sha"]: row for row in signatures.verify(seen, shas, settings)}


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    made = Repo(tmp_path_factory.mktemp("signed") / "work")
    made.commit("Start")
    return made


@dataclass(frozen=True)
class Ssh:
    """Commits by name, private keys by name, and the file of those who are allowed."""

    commits: dict[str, str]
    keys: dict[str, Path]
    signers: Path


@pytest.fixture(scope="module")
def ssh(repo: Repo, tmp_path_factory: pytest.TempPathFactory) -> Ssh:
    require("ssh-keygen")
    folder = tmp_path_factory.mktemp("ssh")
    made = {name: ssh_key(folder, name) for name in ("ann", "cyd", "mal", "forge", "other")}
    signers = folder / "signers"
    signers.write_text(
        f"# who may sign\nann@example.org {made['ann'][1]} ann's laptop\n"
        f'"cyd@example.org" namespaces="git",valid-after="20260101Z",valid-before="20260701Z" {made["cyd"][1]}\n'
        f"forge@example.org {made['forge'][1]}\n"
        f'other@example.org namespaces="file" {made["other"][1]}\n'
    )

    def commit(name: str, at: int = JULY - 1) -> str:
        """git signs it itself."""
        repo.clock = at
        options = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={made[name][0]}")
        return repo.git(*options, "commit-tree", "-S", "-m", f"By {name}", "-p", "HEAD", "HEAD^{tree}")

    commits = {name: commit(name) for name in made} | {
        "cyd, at the end": commit("cyd", JULY),
        "cyd, afterwards": commit("cyd", JULY + 1),
        "cyd, before": commit("cyd", 1_700_000_000),
    }
    for name in ("ann", "mal"):
        raw = repo.git("cat-file", "commit", commits[name]).replace("By ", "Not by ") + "\n"
        commits[f"{name}, tampered"] = repo.git(
            "hash-object", "-t", "commit", "-w", "--stdin", stdin=raw.encode()
        )
    return Ssh(commits, {name: key for name, (key, _) in made.items()}, signers)


@pytest.mark.parametrize(
    ("commit", "state", "key", "signer"),
    [
        ("ann", "good", "ann", "ann@example.org"),
        ("cyd", "good", "cyd", "cyd@example.org"),
        ("cyd, at the end", "good", "cyd", "cyd@example.org"),
        ("cyd, afterwards", "expired", "cyd", None),
        ("cyd, before", "unknown key", "cyd", None),
        ("mal", "unknown key", "mal", None),
        ("other", "bad", None, None),
        ("forge", "forge", "forge", "forge@example.org"),
        ("ann, tampered", "bad", None, None),
        ("mal, tampered", "bad", None, None),
    ],
)
def test_an_ssh_signature(
    repo: Repo, ssh: Ssh, commit: str, state: str, key: str | None, signer: str | None
) -> None:
    """Good for whom the file allows, to sign commits, at the commit's date; git and ssh-keygen decide."""
    settings = settings_with(ssh_signers=str(ssh.signers), forge_keys=[ssh_fingerprint(ssh.keys["forge"])])
    sha = ssh.commits[commit]
    fingerprint = ssh_fingerprint(ssh.keys[key]) if key else None
    assert rows_of(repo, settings, *ssh.commits.values())[sha] == {
        "sha": sha,
        "state": state,
        "format": "ssh",
        "key": fingerprint,
        "signer": signer,
    }


def test_without_allowed_signers_an_ssh_key_is_unknown_but_named(repo: Repo, ssh: Ssh) -> None:
    """And what does not fit its commit is bad whoever signed it."""
    rows = rows_of(repo, settings_with(), *ssh.commits.values())
    row = rows[ssh.commits["ann"]]
    assert (row["state"], row["key"]) == ("unknown key", ssh_fingerprint(ssh.keys["ann"]))
    assert rows[ssh.commits["ann, tampered"]]["state"] == "bad"


@dataclass(frozen=True)
class Certified:
    """Commits by name, and the file of the root that is trusted."""

    commits: dict[str, str]
    root: Path


@pytest.fixture(scope="module")
def certified(repo: Repo, tmp_path_factory: pytest.TempPathFactory) -> Certified:
    require("gpgsm")
    root, stranger = Authority("Root"), Authority("Stranger")
    between = Authority("Between", above=root)
    file = tmp_path_factory.mktemp("x509") / "root.pem"
    file.write_bytes(b"Our root:\n" + root.pem)

    def commit(authority: Authority, name: str = "Ann Lee", **more: Any) -> str:
        unsigned = payload(repo, "Certified", at=JULY)
        return store(repo, unsigned, header(authority.sign(unsigned, name, **more)))

    unsigned = payload(repo, "Pay 10", at=JULY)
    commits = {
        "good": commit(root),
        "short-lived": commit(root, start="2026-06-30", end="2026-07-02"),
        "ended": commit(root, end="2026-06-30"),
        "without a name": commit(root, ""),
        "not begun": commit(root, start="2026-07-02"),
        "stranger": commit(stranger, chain=(stranger,)),
        "with what is between": commit(between, chain=(between,)),
        "without what is between": commit(between),
        "tampered": store(repo, unsigned.replace(b"10", b"99"), header(root.sign(unsigned, "Ann Lee"))),
        "garbage": store(
            repo, unsigned, header(b"-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----")
        ),
    }
    return Certified(commits, file)


@pytest.mark.parametrize(
    ("commit", "state", "signer"),
    [
        ("good", "good", "/CN=Ann Lee"),
        ("short-lived", "good", "/CN=Ann Lee"),
        ("with what is between", "good", "/CN=Ann Lee"),
        ("ended", "expired", "/CN=Ann Lee"),
        ("without a name", "unchecked", None),
        ("not begun", "unknown key", None),
        ("stranger", "unknown key", None),
        ("without what is between", "unknown key", None),
        ("tampered", "bad", None),
        ("garbage", "bad", None),
    ],
)
def test_an_x509_signature(
    repo: Repo, certified: Certified, commit: str, state: str, signer: str | None
) -> None:
    """Good when the certificate was valid at the commit's date and leads to the root by what the signature carries."""
    row = rows_of(repo, settings_with(x509_roots=[str(certified.root)]), certified.commits[commit])[
        certified.commits[commit]
    ]
    assert (row["state"], row["format"], row["signer"]) == (state, "x509", signer)
    assert bool(row["key"]) == (commit != "garbage")


def test_one_signature_does_not_help_another(repo: Repo, certified: Certified) -> None:
    """All together come to what each comes to alone: certificates that one carries vouch for no other."""
    settings = settings_with(x509_roots=[str(certified.root)])
    shas = list(certified.commits.values())
    alone = {sha: rows_of(repo, settings, sha)[sha] for sha in shas}
    assert rows_of(repo, settings, *shas) == alone


def test_without_roots_no_certificate_is_good(repo: Repo, certified: Certified) -> None:
    """Not even one that the machine's GnuPG knows."""
    rows = rows_of(repo, settings_with(), *certified.commits.values())
    assert {row["state"] for row in rows.values()} == {"unknown key", "bad", "unchecked"}


def test_no_agent_stays_behind(repo: Repo, certified: Certified, monkeypatch: pytest.MonkeyPatch) -> None:
    """gpgsm needs one; it ends with the verification, and so do its sockets and the folder."""
    folder = tempfile.mkdtemp(prefix="t-")
    monkeypatch.setattr(tempfile, "tempdir", folder)
    try:
        settings = settings_with(x509_roots=[str(certified.root)])
        assert (
            rows_of(repo, settings, certified.commits["good"])[certified.commits["good"]]["state"] == "good"
        )
        assert left_behind(Path(folder)) == []
    finally:
        shutil.rmtree(folder)
