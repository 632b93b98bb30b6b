"""What the signature of each commit comes to, checked against the configured keys.

git itself verifies, through gpg, ssh-keygen and gpgsm, as `git verify-commit` does, but many commits in one process,
and processes side by side. It is asked only about commits that have a signature, and not about OpenPGP signatures
whose key is none of the configured ones: gpg could but say that it does not know the key.

States are git's, kept apart (`audit.model.SignatureState`):

- good: it fits the commit and its key is configured. SSH keys must be allowed to a principal, X.509 certificates lead
  to a configured root. `forge`: good, by one of `signatures.forge_keys`: it says that the forge made the commit, as it
  does for each merge and each edit in a browser, and not who wrote it.
- bad: it does not fit the commit; or there is something else in the signature's place, or several signatures at once,
  of which git accepts none; or its SSH key is allowed to sign other things than commits.
- unknown key: nothing configured knows its key. Nobody checked whether it fits, except for SSH and X.509, whose
  signatures carry their keys.
- expired, revoked: the key's. A revocation counts from the beginning of time, whatever its reason.
- unsigned: git sees no signature. unchecked: the program for its format is not installed, or can't read it though it
  is one: gpgsm does not take certificates without a name, as sigstore gives them for each commit.

There is no clock in it: an OpenPGP key must not have ended when the signature says it was made, an SSH key and an X.509
certificate must be valid at the committer's date. A key that ends later changes nothing for what it signed before;
both times are the signer's word, as everything in a commit is. Revocation lists are not asked for: no network.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from audit.errors import IntegrityError
from audit.git import keyrings, signed
from audit.git.keyrings import KeyFiles, Keyrings
from audit.git.mining import text
from audit.git.signed import Signed
from audit.model import SignatureState as State
from audit.settings import Settings
from audit.sources import git_command
from audit.sources.parallel import each

_RULES = b"1"  # raise it when the same commit and keys come to another row
_FIELDS = ("%H", "%G?", "%GF", "%GP", "%GK", "%GS")
_FORMAT = "%x00".join(_FIELDS)
_BATCH = 500
_LAST = 253402300799  # seconds since 1970 of the last second of the year 9999


class Said(NamedTuple):
    """What git said of one commit, field by field."""

    sha: str
    letter: str
    fingerprint: str
    primary: str
    key: str
    signer: str


def verify(view: Path, shas: Sequence[str], settings: Settings) -> list[dict[str, Any]]:
    """The rows of the table `signatures` for some commits, without `repo`, sorted by sha.

    Args:
        view: git directory of a view (`audit.sources.git_view`).
        shas: full commit ids.

    Raises:
        UsageError: a file of `settings.signatures` is missing or holds no key; told before anything is read.
        IntegrityError: a commit is missing, or git failed.
    """
    files = keyrings.read(settings)
    wanted = sorted(set(shas))
    with keyrings.prepared(files) as rings:
        rows = {sha: _row(sha, State.UNSIGNED) for sha in wanted}
        asked: dict[str, list[Signed]] = defaultdict(list)
        for commit in signed.read(view, wanted):
            row = _unasked(commit, rings)
            if row is None:
                asked[commit.format or ""].append(commit)
            else:
                rows[commit.sha] = row
        known = {commit.sha: commit for commits in asked.values() for commit in commits}
        for _, answers in each(lambda job: job(), _jobs(view, asked, rings), threads=_cores()):
            for said in answers:
                rows[said.sha] = _judged(known[said.sha], said, rings, files)
    return list(rows.values())


def keyring_digest(settings: Settings) -> str:
    """sha256 (hexadecimal) of everything but the commits that `verify` depends on: keys, and programs that are there.

    Raises:
        UsageError: a file of `settings.signatures` is missing or holds no key.
    """
    files = keyrings.read(settings)
    parts = [
        (b"rules", _RULES),
        *((b"openpgp", held) for _, held in files.openpgp),
        (b"ssh", files.signers),
        *((b"x509", root) for root in files.roots),
        *((b"forge", key.encode()) for key in sorted(files.forge)),
        *((b"program", name.encode()) for name in keyrings.PROGRAMS if keyrings.installed(name)),
    ]
    digest = hashlib.sha256()
    for kind, held in parts:
        digest.update(b"%s %d\0" % (kind, len(held)) + held)
    return digest.hexdigest()


def _row(
    sha: str, state: State, format_: str | None = None, key: str | None = None, signer: str | None = None
) -> dict[str, Any]:
    return {"sha": sha, "state": state.value, "format": format_, "key": key or None, "signer": signer or None}


def _unasked(commit: Signed, rings: Keyrings) -> dict[str, Any] | None:
    """The row of a signed commit that git need not, or must not, be asked about; None of all others."""
    if commit.format is None:
        return _row(commit.sha, State.BAD)
    if keyrings.installed(commit.format) is None:
        return _row(commit.sha, State.UNCHECKED, commit.format, commit.issuer)
    if commit.format == "openpgp" and commit.issuer and commit.issuer[-16:] not in rings.fingerprints:
        return _row(commit.sha, State.UNKNOWN_KEY, commit.format, commit.issuer)
    return None


Job = Callable[[], list[Said]]


def _jobs(view: Path, asked: Mapping[str, list[Signed]], rings: Keyrings) -> Iterator[Job]:
    """What to ask git, in pieces that may run side by side."""
    moments: dict[int, list[str]] = defaultdict(list)
    for commit in asked.get("openpgp", ()):
        moments[rings.moment(commit.made or 0)].append(commit.sha)
    for moment, shas in sorted(moments.items()):
        home = rings.openpgp(moment)
        yield from (partial(_ask, view, piece, "openpgp", home, rings) for piece in _pieces(shas))
    shas = [commit.sha for commit in asked.get("ssh", ())]
    yield from (partial(_ask, view, piece, "ssh", rings.signers.parent, rings) for piece in _pieces(shas))
    certified = asked.get("x509", [])
    lanes = min(_cores(), len(certified))
    yield from (partial(_one_by_one, view, certified[lane::lanes], rings) for lane in range(lanes))


def _pieces(shas: Sequence[str]) -> Iterator[list[str]]:
    """`shas` in pieces that keep all cores busy and are no larger than a batch."""
    size = max(1, min(_BATCH, -(-len(shas) // _cores())))
    rest = iter(shas)
    while piece := list(islice(rest, size)):
        yield piece


def _one_by_one(view: Path, commits: Sequence[Signed], rings: Keyrings) -> list[Said]:
    """What git says of X.509 signatures: each at its own moment, and none helped by another's certificates."""
    answers = []
    with rings.x509() as home:
        for commit in commits:
            home.at(commit.committed)
            answers += _ask(view, [commit.sha], "x509", home.home, rings)
    return answers


def _ask(view: Path, shas: Sequence[str], format_: str, home: Path, rings: Keyrings) -> list[Said]:
    """What git says of signatures of one format."""
    configured = {
        {"openpgp": "gpg.program", "ssh": "gpg.ssh.program", "x509": "gpg.x509.program"}[format_]: str(
            keyrings.installed(format_)
        ),
        "gpg.ssh.allowedSignersFile": str(rings.signers),
    }
    extra = {"GNUPGHOME": str(home), "GIT_CONFIG_COUNT": str(len(configured))}
    for number, (key, value) in enumerate(configured.items()):
        extra |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    tokens = git_command.tokens(
        git_command.stream(
            view, "log", "-z", "--no-walk=unsorted", "--stdin", "--encoding=UTF-8", "--no-notes", "--no-decorate",
            "--no-color", "--no-mailmap", f"--format=tformat:{_FORMAT}", extra=extra,
            feed=(f"{sha}\n".encode() for sha in shas),
        )
    )  # fmt: skip
    answers = []
    while record := tuple(islice(tokens, len(_FIELDS))):
        answers.append(Said(*map(text, record)))
    if sorted(said.sha for said in answers) != sorted(shas):
        raise IntegrityError(
            f"{view}: git log did not speak of every commit", remedy="check the repository with 'git fsck'"
        )
    return answers


def _judged(commit: Signed, said: Said, rings: Keyrings, files: KeyFiles) -> dict[str, Any]:
    state = _state(commit, said, rings, files)
    names = {keyrings.plain(name) for name in (said.fingerprint, said.primary, said.key) if name}
    if state is State.GOOD and names & files.forge:
        state = State.FORGE
    key = said.fingerprint or rings.fingerprints.get(said.key) or said.key or commit.issuer
    # who it is, the certificate says: without a root that vouches for it, nobody does
    vouched = state is not State.UNKNOWN_KEY and not (state is State.BAD and commit.format == "x509")
    return _row(said.sha, state, commit.format, key, said.signer if vouched else None)


def _state(commit: Signed, said: Said, rings: Keyrings, files: KeyFiles) -> State:
    """git's letter as a state."""
    if said.letter == "U" and commit.format == "openpgp":
        return State.GOOD  # the files of the settings are what vouches for a key
    if said.letter == "U":
        end = files.ssh.get(said.fingerprint, "")
        return State.EXPIRED if end and end < _written(commit.committed) else State.UNKNOWN_KEY
    if said.letter == "N" and commit.format == "x509" and commit.issuer:
        return State.UNCHECKED
    if said.letter == "E":
        stranger = said.key and said.key not in rings.fingerprints
        return State.UNKNOWN_KEY if stranger else State.BAD
    return {"G": State.GOOD, "X": State.EXPIRED, "Y": State.EXPIRED, "R": State.REVOKED}.get(
        said.letter, State.BAD
    )


def _written(moment: int) -> str:
    """Seconds since 1970 as ssh-keygen writes a time: `YYYYMMDDHHMMSS`."""
    return datetime.fromtimestamp(min(moment, _LAST), UTC).strftime("%Y%m%d%H%M%S")


def _cores() -> int:
    return os.cpu_count() or 1
