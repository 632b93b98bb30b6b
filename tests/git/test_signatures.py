"""OpenPGP signatures, and what holds for all formats: every state is kept apart, and no commit can hide another's."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from git_repo import Repo
from signing import OpenPGP, header, left_behind, payload, require, settings_with, store

from audit.errors import IntegrityError, UsageError
from audit.git import signatures
from audit.settings import Settings
from audit.sources.git_view import view

DAY = 86400


@dataclass(frozen=True)
class World:
    """A repository with one commit for each case, by name, and keys of which some are configured."""

    repo: Repo
    keys: OpenPGP
    commits: dict[str, str]
    settings: Settings
    rows: dict[str, dict[str, Any]]


def rows_of(repo: Repo, settings: Settings, *shas: str) -> dict[str, dict[str, Any]]:
    with view(repo.path) as seen:
        return {row["sha"]: row for row in signatures.verify(seen, shas, settings)}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("openpgp")
    repo, keys = Repo(folder / "work"), OpenPGP()
    try:
        repo.commit("Start")
        for name in ("ann", "bob", "rev", "exp", "forge", "sub"):
            keys.make(name)
        keys.gpg("--quick-add-key", keys.fingerprints["sub"], "ed25519", "sign", "never")
        commits = _commits(repo, keys)
        keys.revoke("rev")
        keys.gpg("--quick-set-expire", keys.fingerprints["exp"], "2026-06-15", at="20260102T000000")
        files = []
        for name in ("ann", "rev", "exp", "forge", "sub"):
            files.append(folder / f"{name}.asc")
            files[-1].write_bytes(keys.export(name))
        forge = keys.fingerprints["forge"].lower()
        spaced = " ".join(forge[at : at + 4] for at in range(0, 40, 4))
        settings = settings_with(
            openpgp_keys=[str(file) for file in files], forge_keys=[spaced, keys.fingerprints["sub"]]
        )
        rows = rows_of(repo, settings, *commits.values())
        yield World(repo, keys, commits, settings, rows)
    finally:
        keys.close()


def _commits(repo: Repo, keys: OpenPGP) -> dict[str, str]:
    def signed(name: str, message: str = "Change", *, at: int | None = None) -> str:
        unsigned = payload(repo, message, at=at)
        return store(repo, unsigned, header(keys.sign(unsigned, name, at=at or repo.clock)))

    made = {name: signed(name) for name in ("ann", "bob", "rev", "exp", "forge", "sub")}
    made["exp afterwards"] = signed("exp", at=repo.clock + 30 * DAY)
    made["dated 1970"] = _dated(repo, keys, 0)
    made["dated 2099"] = _dated(repo, keys, 4_070_908_800)
    made["unsigned"] = repo.commit("Unsigned")
    unsigned = payload(repo, "Pay ann 10")
    good = keys.sign(unsigned, "ann", at=repo.clock)
    other = keys.sign(b"something else", "bob", at=repo.clock)
    made["tampered"] = store(repo, unsigned.replace(b"10", b"99"), header(good))
    made["tampered, unknown"] = store(repo, unsigned, header(other))
    made["two headers"] = store(repo, unsigned, header(good), header(other))
    made["two good headers"] = store(repo, unsigned, header(good), header(good))
    made["garbage"] = store(repo, unsigned, header(b"no signature at all"))
    made["empty"] = store(repo, unsigned, b"gpgsig \n")
    made["armored garbage"] = store(
        repo, unsigned, header(b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----")
    )
    made["another message"] = store(
        repo, unsigned, header(keys.sign(b"something else", "ann", at=repo.clock, how="--sign"))
    )
    made["its own message"] = store(
        repo, unsigned, header(keys.sign(unsigned, "ann", at=repo.clock, how="--sign"))
    )
    made["sha256 header"] = store(repo, unsigned, header(good, "gpgsig-sha256"))
    made["look-alike header"] = store(repo, unsigned, header(good, "gpgsigs"))
    made["in the message"] = store(repo, unsigned + header(good) + b"\n" + good)
    made["in a merged tag"] = store(repo, unsigned, header(b"object 0\n" + header(good), "mergetag"))
    made["a megabyte"] = store(
        repo, unsigned, header(good.replace(b"\n\n", b"\nComment: x" * 150_000 + b"\n\n", 1))
    )
    made["a long message"] = signed("ann", "x" * 3_000_000)
    return made


def _dated(repo: Repo, keys: OpenPGP, at: int) -> str:
    """Signed now, whatever date the commit claims."""
    unsigned = payload(repo, "Skewed", at=at)
    return store(repo, unsigned, header(keys.sign(unsigned, "ann", at=repo.clock)))


@pytest.mark.parametrize(
    ("commit", "state", "key", "signer"),
    [
        ("ann", "good", "ann", "Ann <ann@example.org>"),
        ("bob", "unknown key", "bob", None),
        ("rev", "revoked", "rev", "Rev <rev@example.org>"),
        ("exp", "good", "exp", "Exp <exp@example.org>"),
        ("exp afterwards", "expired", "exp", "Exp <exp@example.org>"),
        ("forge", "forge", "forge", "Forge <forge@example.org>"),
        ("dated 1970", "good", "ann", "Ann <ann@example.org>"),
        ("dated 2099", "good", "ann", "Ann <ann@example.org>"),
        ("tampered", "bad", "ann", "Ann <ann@example.org>"),
        ("tampered, unknown", "unknown key", "bob", None),
        ("a megabyte", "good", "ann", "Ann <ann@example.org>"),
        ("a long message", "good", "ann", "Ann <ann@example.org>"),
    ],
)
def test_each_state_is_kept_apart(
    world: World, commit: str, state: str, key: str, signer: str | None
) -> None:
    """State, key and signer of each kind of signature; a key that ended later made good signatures before."""
    assert world.rows[world.commits[commit]] == {
        "sha": world.commits[commit],
        "state": state,
        "format": "openpgp",
        "key": world.keys.fingerprints[key],
        "signer": signer,
    }


@pytest.mark.parametrize(
    "commit", ["unsigned", "sha256 header", "look-alike header", "in the message", "in a merged tag"]
)
def test_what_only_looks_like_a_signature_is_unsigned(world: World, commit: str) -> None:
    """Other headers and the message are none, whatever they hold."""
    sha = world.commits[commit]
    assert world.rows[sha] == {"sha": sha, "state": "unsigned", "format": None, "key": None, "signer": None}


@pytest.mark.parametrize(
    "commit",
    [
        "two headers",
        "two good headers",
        "garbage",
        "empty",
        "armored garbage",
        "another message",
        "its own message",
    ],
)
def test_a_header_without_one_plain_signature_is_bad(world: World, commit: str) -> None:
    """Neither unsigned nor good: somebody put it there."""
    assert world.rows[world.commits[commit]]["state"] == "bad"


def test_a_subkey_of_the_forge_is_the_forge(world: World) -> None:
    """The primary key's fingerprint in the settings stands for the subkeys that sign."""
    row = world.rows[world.commits["sub"]]
    assert row["state"] == "forge"
    assert row["key"] == world.keys.listed("sub@example.org")[1] != world.keys.fingerprints["sub"]


def test_every_row_is_there_once_and_in_order(world: World) -> None:
    """Whatever is asked twice or in disorder; rows come sorted by commit."""
    shas = list(world.commits.values())
    with view(world.repo.path) as seen:
        rows = signatures.verify(seen, [*shas, *reversed(shas)], world.settings)
    assert [row["sha"] for row in rows] == sorted(shas)
    assert {row["sha"]: row for row in rows} == world.rows


def test_the_size_of_batches_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many processes side by side come to what one comes to."""
    monkeypatch.setattr(signatures, "_BATCH", 2)
    assert rows_of(world.repo, world.settings, *world.commits.values()) == world.rows


def test_git_agrees_commit_by_commit(world: World) -> None:
    """git alone, with all keys at hand and today's clock, accepts just what is good here but for key and time."""
    wrapper = world.keys.home / "verify"
    wrapper.write_text(f'#!/bin/sh\nexec gpg --homedir "{world.keys.home}" --trust-model always "$@"\n')
    wrapper.chmod(0o700)
    asked = ("-c", f"gpg.program={wrapper}", "log", "-1", "--format=%G?")
    said = {name: world.repo.git(*asked, sha, ok=(0, 128)) for name, sha in world.commits.items()}
    assert {said["ann"], said["tampered"], said["rev"], said["unsigned"]} == {"G", "B", "R", "N"}
    assert said["garbage"] == ""  # git itself ends there, which must cost no other commit its verdict
    for name, sha in world.commits.items():
        if name not in ("bob", "exp"):
            assert (world.rows[sha]["state"] in ("good", "forge")) == (said[name] in ("G", "U")), name


def test_a_commit_that_git_signed_itself(world: World) -> None:
    """`git commit -S`, as people do it."""
    wrapper = world.keys.home / "sign"
    wrapper.write_text(f'#!/bin/sh\nexec gpg --homedir "{world.keys.home}" "$@"\n')
    wrapper.chmod(0o700)
    key = world.keys.fingerprints["ann"]
    world.repo.git(
        "-c", f"gpg.program={wrapper}", "commit", "-q", "--allow-empty", f"-S{key}", "-m", "Signed by git"
    )
    sha = world.repo.sha()
    assert rows_of(world.repo, world.settings, sha)[sha]["state"] == "good"


def test_without_keys_nothing_is_good(world: World) -> None:
    """The key that a signature names is kept all the same; what can't be a signature is still bad."""
    rows = rows_of(world.repo, settings_with(), *world.commits.values())
    assert {row["state"] for row in rows.values()} == {"unsigned", "unknown key", "bad"}
    row = rows[world.commits["ann"]]
    assert (row["state"], row["key"], row["signer"]) == ("unknown key", world.keys.fingerprints["ann"], None)
    assert rows[world.commits["garbage"]]["state"] == "bad"


def test_the_key_files_may_be_binary(world: World, tmp_path: Path) -> None:
    """Armored or not: the same rows."""
    file = tmp_path / "ann.gpg"
    file.write_bytes(world.keys.gpg("--export", "ann@example.org"))
    sha = world.commits["ann"]
    assert rows_of(world.repo, settings_with(openpgp_keys=[str(file)]), sha)[sha] == world.rows[sha]


def test_keys_of_whoever_runs_it_do_not_count(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what the settings name vouches for anybody."""
    monkeypatch.setenv("GNUPGHOME", str(world.keys.home))
    assert (
        rows_of(world.repo, world.settings, world.commits["bob"])[world.commits["bob"]]["state"]
        == "unknown key"
    )


def test_without_its_verifier_a_signature_is_unchecked(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither good nor bad; and the fingerprint of the keys says that the program was missing."""
    before = signatures.keyring_digest(world.settings)
    (tmp_path / "git").symlink_to(shutil.which("git") or "")
    monkeypatch.setenv("PATH", str(tmp_path))
    rows = rows_of(world.repo, world.settings, *world.commits.values())
    assert {row["state"] for row in rows.values()} == {"unchecked", "unsigned", "bad"}
    assert rows[world.commits["ann"]]["key"] == world.keys.fingerprints["ann"]
    assert signatures.keyring_digest(world.settings) != before


def test_nothing_stays_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder, no process."""
    folder = tempfile.mkdtemp(prefix="t-")
    monkeypatch.setattr(tempfile, "tempdir", folder)
    try:
        assert (
            rows_of(world.repo, world.settings, world.commits["ann"])[world.commits["ann"]]["state"] == "good"
        )
        assert left_behind(Path(folder)) == []
    finally:
        shutil.rmtree(folder)


def test_a_commit_that_is_missing_or_none(world: World) -> None:
    """A history with holes is not verified in part."""
    with view(world.repo.path) as seen:
        for sha in ("1" * 40, world.repo.sha("HEAD^{tree}")):
            with pytest.raises(IntegrityError, match=sha):
                signatures.verify(seen, [sha], world.settings)


def test_the_fingerprint_of_the_keys_follows_their_content(world: World, tmp_path: Path) -> None:
    """The same keys give the same one, wherever their files lie; other keys, or another forge, another."""
    file = tmp_path / "a.asc"
    file.write_bytes(world.keys.export("ann"))
    same = tmp_path / "b.asc"
    same.write_bytes(file.read_bytes())
    digests = [
        signatures.keyring_digest(settings)
        for settings in (
            settings_with(openpgp_keys=[str(file)]),
            settings_with(openpgp_keys=[str(same)]),
            settings_with(openpgp_keys=[str(same)], forge_keys=[world.keys.fingerprints["ann"]]),
            settings_with(),
        )
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


@pytest.mark.parametrize(
    ("key", "held", "problem"),
    [
        ("openpgp_keys", None, "can't be read: No such file"),
        ("openpgp_keys", b"nothing", "no OpenPGP public key"),
        ("ssh_signers", None, "can't be read: No such file"),
        ("ssh_signers", b"# nobody\n", "names no signer"),
        ("ssh_signers", b"# Ann\nssh-ed25519 AAAA\n", ":2: not an allowed signer"),
        ("ssh_signers", b"ann@example.org ssh-ed25519 AAAAA\n", ":1: not an allowed signer"),
        ("x509_roots", None, "can't be read: No such file"),
        ("x509_roots", b"nothing", "no certificate"),
        ("x509_roots", b"-----BEGIN CERTIFICATE-----\nAAAAA\n-----END CERTIFICATE-----\n", "no certificate"),
        ("x509_roots", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "does not take"),
    ],
)
def test_a_key_file_that_holds_no_key_is_refused(
    world: World, tmp_path: Path, key: str, held: bytes | None, problem: str
) -> None:
    """Before any commit is read, with the setting's name and what to do."""
    require("gpg", "gpgsm", "ssh-keygen")
    file = tmp_path / "keys"
    if held is not None:
        file.write_bytes(held)
    settings = settings_with(**{key: str(file) if key == "ssh_signers" else [str(file)]})
    with view(world.repo.path) as seen, pytest.raises(UsageError, match=problem) as caught:
        signatures.verify(seen, ["1" * 40], settings)
    assert f"signatures.{key}" in caught.value.problem
    assert caught.value.remedy


def test_a_private_key_is_refused(world: World, tmp_path: Path) -> None:
    """It has no business in the settings."""
    file = tmp_path / "ann.asc"
    file.write_bytes(world.keys.export("ann", secret=True))
    with pytest.raises(UsageError, match="private key"):
        signatures.keyring_digest(settings_with(openpgp_keys=[str(file)]))


@pytest.mark.parametrize("fingerprint", ["4AEE18F83AFDEB23", "SHA256:short", "GitHub", ""])
def test_a_forge_key_is_named_by_its_whole_fingerprint(fingerprint: str) -> None:
    """A short key id can be made to fit any key."""
    with pytest.raises(ValueError, match="whole fingerprint"):
        settings_with(forge_keys=[fingerprint])
