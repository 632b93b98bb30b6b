"""The configured keys, made ready for the programs that git verifies signatures with.

Everything lies in one temporary folder that only its owner may enter: no key of the machine's user counts, and none of
ours stays behind. GnuPG is kept from the network and from asking anybody; its clock is set to the moment that is
judged. Only X.509 needs an agent (it alone reads the list of trusted roots): it is stopped before the folder goes.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import shutil
import subprocess
import tempfile
import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from audit.errors import UsageError
from audit.settings import Settings
from audit.sources import git_command

LATEST = 0xFFFFFFFE
"""The last moment that OpenPGP can name, in seconds since 1970."""

PROGRAMS = {"openpgp": "gpg", "ssh": "ssh-keygen", "x509": "gpgsm"}

_QUIET = "batch\nno-tty\nno-greeting\n"
_GPG = _QUIET + "no-autostart\nno-auto-key-retrieve\nno-auto-check-trustdb\ntrust-model always\nlock-never\n"
_GPGSM = "batch\nno-tty\ndisable-dirmngr\ndisable-crl-checks\ndisable-trusted-cert-crl-check\n"
_AGENT = "no-allow-mark-trusted\ndisable-scdaemon\nno-allow-external-cache\n"
_PATIENCE = 5.0  # seconds for an agent to end

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")
_SIGNER = re.compile(r"^(?P<options>.*?\s)(?:sk-)?(?:ssh|ecdsa)-[\w@.-]+\s+(?P<key>[A-Za-z0-9+/]+=*)(?:\s|$)")
_UNTIL = re.compile(r"""valid-before="?(\d{8})(\d{4}(?:\d\d)?)?Z?"?""", re.IGNORECASE)


@dataclass(frozen=True)
class KeyFiles:
    """What the files that the settings name hold.

    Attributes:
        openpgp: files with their bytes.
        signers: the file of allowed SSH signers; empty when none is named.
        ssh: when the allowed keys end, by fingerprint: `YYYYMMDDHHMMSS`, or empty when they do not.
        roots: certificates (DER) that X.509 signatures must lead to.
        forge: fingerprints of the forge's keys, as `plain` writes them.
    """

    openpgp: tuple[tuple[Path, bytes], ...]
    signers: bytes
    ssh: Mapping[str, str]
    roots: tuple[bytes, ...]
    forge: frozenset[str]


def installed(format_: str) -> str | None:
    """The program that verifies signatures of a format; None when it is not there."""
    return shutil.which(PROGRAMS[format_])


def plain(fingerprint: str) -> str:
    """One way of writing a fingerprint: hexadecimal in capitals without blanks and colons; SSH's as it is."""
    if fingerprint.startswith("SHA256:"):
        return fingerprint.strip().rstrip("=")
    return re.sub(r"[\s:]", "", fingerprint).upper().removeprefix("0X")


def read(settings: Settings) -> KeyFiles:
    """The key files of the settings.

    Raises:
        UsageError: one is missing, can't be read, or holds no key; names it and what to do.
    """
    named = settings.signatures
    signers = _bytes(settings, named.ssh_signers, "ssh_signers") if named.ssh_signers is not None else b""
    where = f"{settings.resolve(named.ssh_signers)}" if named.ssh_signers is not None else ""
    openpgp = tuple(
        (settings.resolve(name), _bytes(settings, name, "openpgp_keys")) for name in named.openpgp_keys
    )
    for path, held in openpgp:
        if b"PRIVATE KEY BLOCK" in held:
            raise UsageError(
                f"{path}: it holds a private key (signatures.openpgp_keys)",
                remedy="name files of public keys: gpg --armor --export KEY",
            )
    roots = [root for name in named.x509_roots for root in _certificates(settings, name)]
    return KeyFiles(
        openpgp, signers, _allowed(signers, where), tuple(roots), frozenset(map(plain, named.forge_keys))
    )


def _bytes(settings: Settings, name: str, key: str) -> bytes:
    path = settings.resolve(name)
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path}: can't be read: {error.strerror} (signatures.{key})",
            remedy="put the file there, or name the right one in audit.toml",
        ) from None


def _certificates(settings: Settings, name: str) -> list[bytes]:
    try:
        found = [binascii.a2b_base64(block) for block in _PEM.findall(_bytes(settings, name, "x509_roots"))]
    except binascii.Error:
        found = []
    if not found:
        raise UsageError(
            f"{settings.resolve(name)}: it holds no certificate that can be read (signatures.x509_roots)",
            remedy="name PEM files: openssl x509 -in root.der -inform DER -out root.pem",
        )
    return found


def _allowed(signers: bytes, where: str) -> dict[str, str]:
    """When each key of a file of allowed signers ends; the latest moment when it stands there more than once."""
    ends: dict[str, str] = {}
    for number, line in enumerate(signers.decode("utf-8", "backslashreplace").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _SIGNER.match(line)
        fingerprint = _fingerprint(match["key"]) if match else None
        if match is None or fingerprint is None:
            raise UsageError(
                f"{where}:{number}: not an allowed signer (signatures.ssh_signers)",
                remedy="write 'principal key-type base64-key', as ssh-keygen(1) says under ALLOWED SIGNERS",
            )
        until = _UNTIL.search(match["options"])
        end = until[1] + (until[2] or "").ljust(6, "0") if until else ""
        before = ends.get(fingerprint, end)
        ends[fingerprint] = max(before, end) if before and end else ""
    if where and not ends:
        raise UsageError(
            f"{where}: it names no signer (signatures.ssh_signers)",
            remedy="write a line 'principal key-type base64-key' for each, or take the key out of audit.toml",
        )
    return ends


def _fingerprint(key: str) -> str | None:
    """The fingerprint of a public SSH key, as ssh-keygen writes it."""
    try:
        digest = hashlib.sha256(binascii.a2b_base64(key)).digest()
    except binascii.Error:
        return None
    return "SHA256:" + binascii.b2a_base64(digest, newline=False).decode().rstrip("=")


class Keyrings:
    """The configured keys in a temporary folder; see `prepared`.

    Attributes:
        fingerprints: OpenPGP keys and subkeys by long key id.
    """

    def __init__(self, folder: Path, files: KeyFiles) -> None:
        self._folder = folder
        self._files = files
        self.fingerprints: dict[str, str] = {}
        self._ends: list[int] = []
        self._roots = b""
        self.signers = folder / "allowed_signers"
        self.signers.write_bytes(files.signers)
        if files.openpgp and installed("openpgp"):
            self._import()
        if files.roots and installed("x509"):
            with self.x509() as home:
                self._roots = home.take(files.roots)

    def moment(self, made: int) -> int:
        """A moment at which the OpenPGP keys are what they were at `made` (both in seconds since 1970).

        It is the last before the next of them ends: few moments stand for all commits.
        """
        after = bisect_right(self._ends, made)
        return self._ends[after] - 1 if after < len(self._ends) else LATEST

    def openpgp(self, moment: int) -> Path:
        """A home of GnuPG with the OpenPGP keys, at a moment."""
        home = self._folder / f"openpgp-{moment}"
        if not home.exists():
            home.mkdir(mode=0o700)
            ring = self._folder / "openpgp" / "pubring.kbx"
            own = f"no-default-keyring\nkeyring {ring}\n" if ring.exists() else ""
            (home / "gpg.conf").write_text(f"{_GPG}{own}faked-system-time {moment}!\n", encoding="utf-8")
        return home

    @contextmanager
    def x509(self) -> Iterator[X509Home]:
        """A home of GnuPG that trusts the configured roots; its agent is stopped at the end."""
        home = Path(tempfile.mkdtemp(prefix="x509-", dir=self._folder))
        with ExitStack() as stack:
            stack.callback(_stop_agent, home)
            yield X509Home(home, self._files.roots, self._roots)

    def _import(self) -> None:
        home = self._folder / "openpgp"
        home.mkdir(mode=0o700)
        (home / "gpg.conf").write_text(_GPG, encoding="utf-8")
        for number, (path, held) in enumerate(self._files.openpgp):
            copy = home / f"{number}.keys"
            copy.write_bytes(held)
            said = _run("gpg", home, "--status-fd=1", "--import", str(copy))
            if b"[GNUPG:] IMPORT_OK " not in said:
                raise UsageError(
                    f"{path}: it holds no OpenPGP public key that gpg takes (signatures.openpgp_keys)",
                    remedy="write it with: gpg --armor --export KEY",
                )
        listed = _run("gpg", home, "--with-colons", "--fixed-list-mode", "--list-keys")
        ends = set()
        for line in listed.decode("utf-8", "backslashreplace").splitlines():
            words = line.split(":")
            if words[0] in ("pub", "sub") and words[6]:
                ends.add(int(words[6]))
            elif words[0] == "fpr":
                self.fingerprints[words[9][-16:]] = words[9]
        self._ends = sorted(ends)


class X509Home:
    """A home of gpgsm that trusts some roots.

    Attributes:
        home: its folder.
    """

    def __init__(self, home: Path, roots: tuple[bytes, ...], ring: bytes) -> None:
        self.home = home
        self._ring = ring
        trusted = "".join(f"{hashlib.sha1(root).hexdigest().upper()} S relax\n" for root in roots)  # noqa: S324
        (home / "trustlist.txt").write_text(trusted, encoding="ascii")
        (home / "gpg-agent.conf").write_text(_AGENT, encoding="ascii")

    def at(self, moment: int) -> None:
        """Sets its clock (seconds since 1970), and forgets the certificates that earlier signatures brought.

        What one commit brings would else decide whether the next one's certificate leads to a root.
        """
        moment = min(max(moment, 1), LATEST)
        conf = f"{_GPGSM}faked-system-time {moment}!\n"
        (self.home / "gpgsm.conf").write_text(conf, encoding="ascii")
        (self.home / "pubring.kbx").unlink(missing_ok=True)
        if self._ring:
            (self.home / "pubring.kbx").write_bytes(self._ring)

    def take(self, roots: tuple[bytes, ...]) -> bytes:
        """The ring of certificates that gpgsm makes of `roots`.

        Raises:
            UsageError: it does not take one of them.
        """
        self.at(LATEST)
        for number, root in enumerate(roots):
            copy = self.home / f"{number}.der"
            copy.write_bytes(root)
            if b"[GNUPG:] IMPORT_OK " not in _run("gpgsm", self.home, "--status-fd=1", "--import", str(copy)):
                name = hashlib.sha256(root).hexdigest()
                raise UsageError(
                    f"gpgsm does not take certificate {name} (sha256) of signatures.x509_roots",
                    remedy="name PEM files of root certificates, each signed by itself",
                )
        return (self.home / "pubring.kbx").read_bytes()


@contextmanager
def prepared(files: KeyFiles) -> Iterator[Keyrings]:
    """The keys made ready, gone when the block ends.

    Raises:
        UsageError: gpg takes no key of one of the files.
    """
    with tempfile.TemporaryDirectory(prefix="audit-keys-") as folder:
        yield Keyrings(Path(folder), files)


def _run(program: str, home: Path, *args: str) -> bytes:
    env = git_command.environment({"GNUPGHOME": str(home)})
    return subprocess.run([program, *args], env=env, capture_output=True, check=False).stdout


def _stop_agent(home: Path) -> None:
    """Stops the agent of a home, and waits until it is gone: its sockets go with it."""
    if shutil.which("gpgconf") is None:
        return
    _run("gpgconf", home, "--kill", "all")
    _run("gpgconf", home, "--remove-socketdir")
    until = time.monotonic() + _PATIENCE
    while (home / "S.gpg-agent").exists() and time.monotonic() < until:
        time.sleep(0.005)
