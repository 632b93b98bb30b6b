"""The only way this product runs git: nothing that a repository holds is ever executed or obeyed.

Hooks, file-system monitors, external diffs, text conversion, filters, credential prompts and the configuration
of the system and the user are off; protocols are limited to a list; replacement refs and grafts do not change
what is read. Every exit status is checked: git may write half of its output before it fails.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from audit.errors import IntegrityError, UsageError

OLDEST = (2, 39)
"""`git merge-tree --stdin` needs it."""

_PROTOCOLS = "file:git:http:https:ssh"
_KEPT = ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_ASKPASS", "GIT_EXEC_PATH")
_OPTIONS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.quotePath=true",
    "core.commitGraph=true",
    "core.pager=cat",
    "core.sshCommand=ssh",
    "credential.helper=",
    "diff.external=",
    "core.deltaBaseCacheLimit=16m",  # three quarters less memory on large histories, in no more time
    "core.packedGitWindowSize=1m",
    "core.packedGitLimit=16m",
    "diff.renameLimit=1000",
    "merge.renameLimit=7000",
    "gc.auto=0",
    "maintenance.auto=false",
    "log.showSignature=false",
    "safe.directory=*",  # no command of ours obeys what such a directory configures
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
)
_CHUNK = 1 << 20


class GitFailed(IntegrityError):
    """git ended with a status that means failure; what it had written until then is not used."""

    def __init__(self, arguments: Iterable[str], status: int, said: str, where: Path | None) -> None:
        command = next((a for a in arguments if not a.startswith("-") and "=" not in a), "git")
        said = redact(said.strip()) or "it said nothing"
        place = f"{where}: " if where is not None else ""
        super().__init__(
            f"{place}'git {command}' failed with status {status}: {said}",
            remedy="check the repository with 'git fsck'; fetch it anew if objects are missing",
        )
        self.status = status
        self.said = said


def redact(text: str) -> str:
    """`text` with user names and passwords in URLs replaced."""
    return re.sub(r"(?<=://)[^/@\s]+@", "***@", text)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment every git process gets: the caller's without its GIT_ variables, made safe.

    Agents and proxies that the caller set for ssh and http stay, so that private repositories can be reached.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k in _KEPT}
    return {
        **kept,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_ALLOW_PROTOCOL": _PROTOCOLS,
        "GIT_PAGER": "cat",
        "LC_ALL": "C",
        "TZ": "UTC",
        **(extra or {}),
    }


def arguments(git_dir: Path | None, args: Iterable[str]) -> list[str]:
    """The whole command line of one git call."""
    where = [] if git_dir is None else [f"--git-dir={git_dir}"]
    options = [part for option in _OPTIONS for part in ("-c", option)]
    return ["git", "--no-replace-objects", *options, *where, *args]


def run(
    git_dir: Path | None,
    *args: str,
    feed: Iterable[bytes] = (),
    ok: tuple[int, ...] = (0,),
    extra: Mapping[str, str] | None = None,
) -> bytes:
    """Everything that one git command writes.

    Args:
        git_dir: repository; None for commands that need none.
        feed: what goes to its standard input.
        ok: exit statuses that are not failures.
        extra: environment variables over the safe ones.

    Raises:
        GitFailed: it ended with another status.
        UsageError: git is not installed.
    """
    return b"".join(stream(git_dir, *args, feed=feed, ok=ok, extra=extra))


def stream(
    git_dir: Path | None,
    *args: str,
    feed: Iterable[bytes] = (),
    ok: tuple[int, ...] = (0,),
    extra: Mapping[str, str] | None = None,
) -> Iterator[bytes]:
    """What one git command writes, in chunks of up to 1 MiB; as `run` otherwise.

    The exit status is checked after the last chunk: a caller that used chunks before then must drop them
    when this raises.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as errors:
        given.writelines(feed)
        given.seek(0)
        process = _start(arguments(git_dir, args), given, errors, environment(extra))
        assert process.stdout is not None
        finished = False
        try:
            while chunk := process.stdout.read(_CHUNK):
                yield chunk
            finished = True
        finally:
            process.stdout.close()
            if not finished:
                process.kill()
            status = process.wait()
        if status not in ok:
            errors.seek(0)
            raise GitFailed(args, status, errors.read(4000).decode("utf-8", "backslashreplace"), git_dir)


def tokens(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """NUL-terminated tokens of a stream; an unterminated rest is given last."""
    rest = b""
    for chunk in chunks:
        parts = (rest + chunk).split(b"\0")
        rest = parts.pop()
        yield from parts
    if rest:
        yield rest


def require_git() -> None:
    """Checks that git is installed and new enough.

    Raises:
        UsageError: it is not.
    """
    said = run(None, "version").decode("utf-8", "backslashreplace")
    match = re.search(r"(\d+)\.(\d+)", said)
    if match is None or (int(match[1]), int(match[2])) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise UsageError(f"git {wanted} or newer is needed; this is '{said.strip()}'", remedy="upgrade git")


def _start(
    command: list[str], given: IO[bytes], errors: IO[bytes], env: dict[str, str]
) -> subprocess.Popen[bytes]:
    with contextlib.suppress(FileNotFoundError):
        return subprocess.Popen(command, stdin=given, stdout=subprocess.PIPE, stderr=errors, env=env)
    raise UsageError("git is not installed", remedy="install it: apt-get install git") from None
