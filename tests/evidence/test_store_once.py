"""The store keeps each object once, whole, and read-only."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from audit.errors import ExitCode, IntegrityError, UsageError
from audit.evidence import aside
from audit.evidence.aside import of_chunks
from audit.evidence.store import Store


def _partial(store: Store) -> list[str]:
    return [path.name for path in (store.root / "partial").iterdir()]


def test_puts_under_the_sha256_of_the_bytes(tmp_path):
    store = Store(tmp_path / "store")
    stored = store.put([b"some ", b"evidence"])
    assert stored.sha256 == hashlib.sha256(b"some evidence").hexdigest()
    assert (stored.size, stored.new) == (13, True)
    assert store.path(stored.sha256) == tmp_path / "store" / "objects" / stored.sha256[:2] / stored.sha256
    with store.open(stored.sha256) as file:
        assert file.read() == b"some evidence"


def test_writes_once_and_read_only(tmp_path):
    store = Store(tmp_path)
    first = store.put([b"x"])
    inode = store.path(first.sha256).stat().st_ino
    again = store.put([b"x"])
    assert (again.sha256, again.new) == (first.sha256, False)
    assert store.path(first.sha256).stat().st_ino == inode
    assert stat.S_IMODE(store.path(first.sha256).stat().st_mode) == 0o444
    assert _partial(store) == []


def test_takes_an_empty_object(tmp_path):
    assert Store(tmp_path).put([]).size == 0


def test_keeps_nothing_of_bytes_that_break_off(tmp_path):
    def broken():
        yield b"half"
        raise ValueError("broke off")

    store = Store(tmp_path)
    with pytest.raises(ValueError, match="broke off"):
        store.put(broken())
    assert list(store.objects()) == []
    assert _partial(store) == []


def test_is_safe_from_many_threads(tmp_path):
    store = Store(tmp_path)
    bodies = [bytes([n % 7]) * 100_000 for n in range(60)]
    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda body: store.put([body]), bodies))
    assert {one.sha256 for one in stored} == {path.name for path in store.objects()}
    assert len(list(store.objects())) == 7
    for path in store.objects():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


def test_leaves_no_half_object_when_it_is_killed(tmp_path):
    program = (
        "import os, signal, pathlib\n"
        "from audit.evidence.store import Store\n"
        "def chunks():\n    yield b'x' * 5_000_000\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"Store(pathlib.Path({str(tmp_path)!r})).put(chunks())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    store = Store(tmp_path)
    assert list(store.objects()) == []
    assert len(_partial(store)) == 1
    with store.exclusive():
        assert _partial(store) == []


def test_objects_that_settle_together_are_there_all_at_once_and_none_before(tmp_path):
    store = Store(tmp_path)
    there = store.put([b"there"])
    bodies = [b"a", b"b" * 300_000, b"a", b"there"]
    written = [store.write_aside(of_chunks([body])) for body in bodies]
    assert [path.name for path in store.objects()] == [there.sha256]
    assert len(_partial(store)) == 4
    assert [one.size for one in store.settle(written)] == [1, 300_000]
    assert {path.read_bytes() for path in store.objects()} == set(bodies)
    assert _partial(store) == []


@pytest.mark.parametrize("sync", [None, "syncfs"])
def test_bytes_are_on_disk_before_they_have_a_name(tmp_path, monkeypatch, sync):
    """Whether the system can make all durable at once, or each is made so by itself."""
    happened = []
    store = Store(tmp_path)
    written = [store.write_aside(of_chunks([body])) for body in (b"a", b"b")]
    one_by_one, rename = aside.sync, Path.rename
    monkeypatch.setattr(aside, "_sync_all", lambda _: sync is not None and happened.append("disk") is None)
    monkeypatch.setattr(aside, "sync", lambda path: (one_by_one(path), happened.append("disk")))
    monkeypatch.setattr(Path, "rename", lambda *paths: (rename(*paths), happened.append("name")))
    store.settle(written)
    assert happened == (["disk", "name", "name"] if sync else ["disk", "disk", "name", "name"])


def test_a_disk_that_fails_gives_nothing_a_name(tmp_path, monkeypatch):
    def fails(_: object) -> bool:
        raise OSError(errno.EIO, "Input/output error")

    store = Store(tmp_path)
    written = [store.write_aside(of_chunks([body])) for body in (b"a", b"b")]
    monkeypatch.setattr(aside, "_sync_all", fails)
    with pytest.raises(UsageError, match="can't be written: Input/output error"):
        store.settle(written)
    assert list(store.objects()) == []


@pytest.mark.parametrize(
    "size", [4095, 4096, 131_071, 131_072, 131_073, 1 << 20, (1 << 20) + 4097, 3_000_000]
)
@pytest.mark.parametrize("refuses", ["nothing", "open", "write"])
def test_whole_blocks_and_what_is_left_of_them_are_written_alike(tmp_path, monkeypatch, size, refuses):
    """Past the page cache and through it; also where the file system refuses the one when it is asked, or later."""
    really_open, really_write = os.open, os.write

    def opening(path, flags, *mode):
        if refuses == "open" and flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, "Invalid argument")
        return really_open(path, flags, *mode)

    def writing(descriptor, part):
        direct = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_DIRECT
        if direct and (refuses == "write" or len(part) % 4096):
            raise OSError(errno.EINVAL, "Invalid argument")
        return really_write(descriptor, part)

    body = (b"0123456789abcdef!" * (size // 17 + 1))[:size]
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", opening)
        patch.setattr(os, "write", writing)
        stored = Store(tmp_path).put([body[:1000], body[1000:]])
    assert stored.sha256 == hashlib.sha256(body).hexdigest()
    assert Store(tmp_path).path(stored.sha256).read_bytes() == body


def test_one_run_collects_at_a_time(tmp_path):
    with Store(tmp_path).exclusive():
        other = Store(tmp_path)
        with pytest.raises(UsageError, match="another run is collecting"), other.exclusive():
            pass
    with Store(tmp_path).exclusive() as held:
        assert held is None


def test_notices_an_object_of_another_size(tmp_path):
    store = Store(tmp_path)
    path = store.path(store.put([b"evidence"]).sha256)
    path.chmod(0o644)
    path.write_bytes(b"")
    with pytest.raises(IntegrityError, match="has 0 bytes and had 8") as error:
        store.put([b"evidence"])
    assert error.value.exit_code is ExitCode.INTEGRITY


def test_says_that_an_object_is_gone(tmp_path):
    with pytest.raises(IntegrityError, match="gone from the evidence store"):
        Store(tmp_path).open("0" * 64)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_takes_nothing_but_a_sha256_for_a_name(tmp_path, name):
    with pytest.raises(IntegrityError, match="is not a sha256"):
        Store(tmp_path).path(name)


def test_a_store_that_can_not_be_written_is_a_usage_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="can't be written: Not a directory") as error:
        Store(tmp_path / "file" / "store")
    assert error.value.exit_code is ExitCode.USAGE


def test_a_disk_that_takes_no_more_is_a_usage_error(tmp_path):
    program = (
        "import pathlib, resource, signal\n"
        "from audit.evidence.store import Store\nfrom audit.errors import UsageError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"store = Store(pathlib.Path({str(tmp_path)!r}))\n"
        "try:\n    store.put([b'x' * 100_000])\nexcept UsageError as error:\n    print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert "the evidence store can't be written: File too large" in said
    assert list(Store(tmp_path).objects()) == []
    assert _partial(Store(tmp_path)) == []
