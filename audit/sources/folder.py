"""A local folder as a source: an export on a disk or a USB stick.

Symbolic links and devices below the folder are not followed but reported: what they lead to is not the export.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from audit.sources.interface import (
    Changed,
    Content,
    Listed,
    Listing,
    Unread,
    Unreadable,
    filling,
    missing,
    nothing_there,
)

_PERMISSION = "give the user who runs the audit the right to read it"


class Folder:
    """One folder with everything below it. Keys are paths relative to it, with `/` between their parts."""

    attempts = 1

    def __init__(self, name: str, location: str, path: Path) -> None:
        """Args: name and location as in the settings; path, absolute, of the folder."""
        self.name = name
        self.location = location
        self._root = path
        self._paths: dict[str, bytes] = {}

    def listing(self) -> Listing:
        """Every regular file below the folder, hidden ones included.

        Raises:
            EvidenceMissing: the folder is missing, is not a folder, can't be read, or holds no file.
        """
        found: list[Listed] = []
        unread: list[Unread] = []
        try:
            self._walk(os.fsencode(self._root), b"", found, unread)
        except FileNotFoundError:
            raise self._missing(
                "there is no such folder", "check the location; a relative one is relative to audit.toml"
            ) from None
        except NotADirectoryError:
            raise self._missing("this is not a folder", "name the folder that holds the files") from None
        except OSError as error:
            raise self._missing(f"the folder can't be read: {error.strerror}", _PERMISSION) from None
        if not found and not unread:
            raise nothing_there(self.name, self.location)
        return Listing(
            tuple(sorted(found, key=lambda each: each.key)),
            unread=tuple(sorted(unread, key=lambda each: each.key)),
        )

    def read(self, listed: Listed) -> Content:
        """The bytes of a listed file.

        Raises:
            Changed: it has another size now, or is gone.
            Unreadable: it can't be read.
        """
        try:
            descriptor = os.open(self._paths[listed.key], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            raise Changed("it is gone") from None
        except OSError as error:
            raise Unreadable(f"the file can't be read: {error.strerror}", remedy=_PERMISSION) from None
        return Content(_File(descriptor, listed.size).fill)

    def _walk(self, folder: bytes, below: bytes, found: list[Listed], unread: list[Unread]) -> None:
        """Collects what lies in `folder`, whose keys start with `below`."""
        with os.scandir(folder) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
        for entry in inside:
            name = below + entry.name
            key = _text(name)
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                try:
                    self._walk(entry.path, name + b"/", found, unread)
                except PermissionError as error:
                    unread.append(
                        Unread(key + "/", f"the folder can't be read: {error.strerror}", _PERMISSION)
                    )
            elif stat.S_ISREG(mode) and self._paths.setdefault(key, entry.path) == entry.path:
                found.append(Listed(key, entry.stat(follow_symlinks=False).st_size))
            else:
                unread.append(
                    Unread(key, _why_not(mode), "copy the file itself into the folder, or remove it")
                )

    def _missing(self, problem: str, remedy: str) -> Exception:
        return missing(self.name, self.location, problem, remedy=remedy)


class _File:
    """An open file; closed once it was read to its end, or could not be."""

    def __init__(self, descriptor: int, size: int) -> None:
        """Args: descriptor, of the file; size, in bytes, that was listed."""
        self._file = os.fdopen(descriptor, "rb", buffering=0)
        self._size = size
        self._read = 0

    def fill(self, buffer: memoryview) -> int:
        """As in `audit.sources.interface.Content`."""
        try:
            filled = filling(self._file.readinto, buffer)
        except OSError as error:
            self._file.close()
            raise Unreadable(
                f"the file can't be read: {error.strerror}", remedy="check the disk, and export again"
            ) from None
        self._read += filled
        if filled < len(buffer):
            self._file.close()
            if self._read != self._size:
                raise Changed(
                    f"it had {self._size} bytes when it was listed, and {self._read} when it was read"
                )
        return filled


def _text(name: bytes) -> str:
    """A file's name as text; bytes that are not UTF-8 are shown as `\\xff`."""
    return name.decode("utf-8", "backslashreplace")


def _why_not(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a symbolic link is not followed"
    if stat.S_ISREG(mode):
        return "its name can't be told from another file's"
    return "it is neither a file nor a folder"
