"""Collection brings everything once, goes on where it was, and tells what it could not have."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from audit.errors import EvidenceMissing, ExitCode, IntegrityError, UsageError
from audit.evidence.collect import collect
from audit.evidence.journal import Journal
from audit.evidence.manifest import current_entries, load_all
from audit.evidence.plan import plan
from audit.evidence.store import Store
from audit.evidence.verify import verify

AS_OF = datetime(2026, 10, 1, tzinfo=UTC)
LATER = datetime(2026, 10, 2, tzinfo=UTC)
BATCH = 4  # objects, in a run that is to be killed

pytestmark = pytest.mark.usefixtures("as_auditor")


def _fill(server, prefix: str, objects: dict[str, bytes], bucket: str = "audit") -> str:
    """Puts the objects; returns their location."""
    client = server.admin()
    for key, body in objects.items():
        client.put_object(Bucket=bucket, Key=f"{prefix}/{key}", Body=body)
    return f"s3://{bucket}/{prefix}"


def _many(count: int) -> dict[str, bytes]:
    return {f"{n:03}": f"body {n}".encode() for n in range(count)}


def _collect(settings, as_of: datetime = AS_OF, **more):
    store = Store(settings.store_path)
    return collect(settings, store, as_of=as_of, **more), store


def _manifests(store: Store) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (store.root / "manifests").iterdir()}


class TestOnce:
    @pytest.mark.parametrize("bucket", ["audit", "plain"])
    def test_a_second_run_pulls_nothing_and_leaves_the_chain(self, s3_server, settings_for, bucket):
        settings = settings_for({"logs": _fill(s3_server, "twice", _many(20), bucket)})
        first, store = _collect(settings)
        before = _manifests(store)
        second, _ = _collect(settings, LATER)
        assert (first.pulled, first.kept, first.problems) == (20, 0, [])
        assert (second.pulled, second.kept, second.bytes, second.problems) == (0, 20, 0, [])
        assert second.manifest is None
        assert _manifests(store) == before
        assert verify(store) == []

    def test_more_keys_than_a_page_holds(self, s3_server, settings_for, tmp_path):
        (tmp_path / "files").mkdir()
        for n in range(1_100):
            (tmp_path / "files" / f"{n:04}").write_text(str(n))
        s3_server.fill(tmp_path / "files", "audit", "paged/")
        done, store = _collect(settings_for({"logs": "s3://audit/paged"}))
        assert done.pulled == 1_100
        assert [entry.key for entry in current_entries(store)] == [f"{n:04}" for n in range(1_100)]

    def test_entries_say_where_from_and_when(self, s3_server, settings_for):
        settings = settings_for({"logs": _fill(s3_server, "entries", {"a": b"1"})})
        _, store = _collect(settings)
        (entry,) = current_entries(store)
        listed = s3_server.admin().head_object(Bucket="audit", Key="entries/a")
        assert (entry.source, entry.location, entry.key) == ("logs", "s3://audit/entries", "a")
        assert (entry.version_id, entry.etag) == (listed["VersionId"], listed["ETag"].strip('"'))
        assert entry.sha256 == hashlib.sha256(b"1").hexdigest()
        assert entry.collected_at == AS_OF
        assert store.open(entry.sha256).read() == b"1"

    def test_a_changed_object_gets_a_second_entry_and_the_old_is_kept(self, s3_server, settings_for):
        settings = settings_for({"logs": _fill(s3_server, "changed", {"a": b"old", "b": b"same"}, "plain")})
        _, store = _collect(settings)
        _fill(s3_server, "changed", {"a": b"new"}, "plain")
        second, _ = _collect(settings, LATER)
        assert (second.pulled, second.kept) == (1, 1)
        assert {e.key: store.open(e.sha256).read() for e in current_entries(store)} == {
            "a": b"new",
            "b": b"same",
        }
        old = load_all(store)[0].entries[0]
        assert store.open(old.sha256).read() == b"old"
        assert verify(store) == []

    def test_an_object_that_two_sources_list_is_pulled_once(self, s3_server, settings_for):
        """Their locations overlap, or one took the other's place: both have it, under their own key."""
        location = _fill(s3_server, "overlap", {"a": b"1", "in/b": b"22", "in/c": b"333"})
        settings = settings_for({"all": location, "part": f"{location}/in/"})
        done, store = _collect(settings)
        assert [(one.listed, one.pulled, one.kept, one.bytes) for one in done.sources] == [
            (3, 3, 0, 6),
            (2, 0, 2, 0),
        ]
        found = {(entry.source, entry.key): entry for entry in current_entries(store)}
        assert found.keys() == {
            (s, k) for s, ks in (("all", ("a", "in/b", "in/c")), ("part", ("b", "c"))) for k in ks
        }
        whole, part = found["all", "in/b"], found["part", "b"]
        assert (whole.sha256, whole.version_id, whole.verified) == (
            part.sha256,
            part.version_id,
            part.verified,
        )
        renamed = settings_for({"other": location})
        assert sum(each.new or 0 for each in plan(renamed, as_of=LATER)) == 0
        again, _ = _collect(renamed, LATER)
        assert (again.pulled, again.kept) == (0, 3)
        assert {e.collected_at for e in current_entries(store) if e.source == "other"} == {LATER}
        more, _ = _collect(settings, LATER)
        assert (more.pulled, more.kept, more.manifest) == (0, 5, None)
        assert verify(store) == []

    def test_the_same_bytes_are_stored_once(self, s3_server, settings_for):
        settings = settings_for({"logs": _fill(s3_server, "same", {"a": b"same", "b": b"same"})})
        done, store = _collect(settings)
        assert done.pulled == len(current_entries(store)) == 2
        assert len(list(store.objects())) == 1

    def test_a_key_never_becomes_a_path(self, s3_server, settings_for):
        keys = ("nl\nx", "-rf", "~", "..x", "a..b", "$(id)", "k" * 200, "con:", "%2e%2e%2fx")
        settings = settings_for({"logs": _fill(s3_server, "keys", {key: key.encode() for key in keys})})
        _, store = _collect(settings)
        assert {entry.key for entry in current_entries(store)} == set(keys)
        files = {path.relative_to(store.root).as_posix() for path in store.root.rglob("*") if path.is_file()}
        named = {f"objects/{e.sha256[:2]}/{e.sha256}" for e in current_entries(store)}
        assert files == named | {"lock", "manifests/000001.json"}


class TestFolders:
    def test_give_what_s3_gives(self, s3_server, settings_for, tmp_path):
        export = tmp_path / "export"
        (export / "2026" / "07").mkdir(parents=True)
        for n in range(5):
            (export / "2026" / "07" / f"{n}.gz").write_bytes(os.urandom(2_500_000 if n == 0 else 10))
        s3_server.fill(export, "audit", "like-folder/")
        settings = settings_for({"remote": "s3://audit/like-folder", "local": f"file:{export}"})
        done, store = _collect(settings)
        assert done.problems == []
        both = {
            name: [(e.key, e.sha256, e.size) for e in current_entries(store) if e.source == name]
            for name in ("remote", "local")
        }
        assert both["remote"] == both["local"]
        assert len(both["local"]) == 5

    def test_second_runs_and_changes_are_told_by_their_bytes(self, settings_for, tmp_path):
        export = tmp_path / "export"
        export.mkdir()
        (export / "a").write_text("one")
        settings = settings_for({"local": f"file:{export}"})
        _, store = _collect(settings)
        again, _ = _collect(settings, LATER)
        assert (again.pulled, again.kept, again.manifest) == (0, 1, None)
        for body in ("two", "one"):  # back to what it was is a change too
            (export / "a").write_text(body)
            changed, _ = _collect(settings, LATER)
            assert changed.pulled == 1
            assert store.open(current_entries(store)[0].sha256).read().decode() == body

    def test_the_manifest_is_the_same_bytes_whatever_the_threads(self, settings_for, tmp_path):
        export = tmp_path / "export"
        export.mkdir()
        for n in range(50):
            (export / str(n)).write_text(str(n))
        chains = []
        for name, threads in (("one", 1), ("many", 16)):
            settings = settings_for(
                {"local": f"file:{export}"}, s3={"threads": threads}, store=str(tmp_path / name)
            )
            _, store = _collect(settings)
            chains.append(_manifests(store))
        assert chains[0] == chains[1]


class TestInterruption:
    @pytest.mark.parametrize("how", ["kill", "ctrl-c"])
    def test_goes_on_where_it_was(self, s3_server, settings_for, how):
        settings = settings_for({"logs": _fill(s3_server, f"resume-{how}", _many(60))}, s3={"threads": 2})
        if how == "ctrl-c":

            def interrupt(source: str, done: int, listed: int, size: int) -> None:
                if done == 20:
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                _collect(settings, progress=interrupt)
        else:
            _killed(settings)
        store = Store(settings.store_path)
        stored = len(list(store.objects()))
        lost = 2 * BATCH if how == "kill" else 0  # the batch that was being settled, and the one being filled
        assert 20 - lost <= stored < 60
        assert load_all(store) == []
        assert verify(store) == []
        done, _ = _collect(settings, LATER)
        assert done.pulled + done.kept == 60
        assert stored - lost <= done.kept <= stored
        assert len(current_entries(store)) == 60
        assert {entry.collected_at for entry in current_entries(store)} == {AS_OF, LATER}
        assert verify(store) == []
        assert not (store.root / "journal.jsonl").exists()

    def test_a_line_of_the_journal_that_broke_off_costs_its_objects(self, s3_server, settings_for):
        settings = settings_for({"logs": _fill(s3_server, "torn", _many(30))}, s3={"threads": 1})
        _killed(settings)
        journal = settings.store_path / "journal.jsonl"
        journal.write_bytes(journal.read_bytes()[:-20])
        named = len(Journal(Store(settings.store_path)).entries())
        done, store = _collect(settings)
        assert done.kept == named
        assert len(current_entries(store)) == 30
        assert verify(store) == []

    def test_bytes_that_break_off_are_read_again(self, s3_server, settings_for):
        location = _fill(s3_server, "cut", {"big": os.urandom(3_000_000)})
        with _cutting(s3_server.endpoint_url, cuts=1) as url:
            done, store = _collect(settings_for({"logs": location}, s3={"endpoint_url": url, "attempts": 3}))
        assert (done.pulled, done.problems) == (1, [])
        assert verify(store) == []

    def test_bytes_that_break_off_again_and_again_are_told_of(self, s3_server, settings_for):
        location = _fill(s3_server, "cut-off", {"big": os.urandom(3_000_000), "small": b"1"})
        with _cutting(s3_server.endpoint_url, cuts=100) as url:
            done, store = _collect(settings_for({"logs": location}, s3={"endpoint_url": url}))
        (problem,) = done.problems
        assert "object 'big' could not be read: it broke off after" in str(problem)
        assert [entry.key for entry in current_entries(store)] == ["small"]
        assert verify(store) == []


class TestMissing:
    def test_one_source_that_fails_leaves_the_others(self, s3_server, settings_for, tmp_path):
        settings = settings_for(
            {
                "first": f"file:{tmp_path / 'nowhere'}",
                "second": _fill(s3_server, "others", _many(3)),
                "third": "s3://audit/mispelt",
                "fourth": "s3://denied/x",
            }
        )
        done, store = _collect(settings)
        assert [source.pulled for source in done.sources] == [0, 3, 0, 0]
        assert all(isinstance(problem, EvidenceMissing) for problem in done.problems)
        assert {problem.exit_code for problem in done.problems} == {ExitCode.EVIDENCE}
        assert [str(problem).split(": ")[1].split("\n")[0] for problem in done.problems] == [
            "there is no such folder",
            "there is nothing below it",
            "access is denied (ListObjectsV2)",
        ]
        assert len(current_entries(store)) == 3

    def test_what_is_replaced_while_it_is_collected_is_collected_as_it_is_now(self, s3_server, settings_for):
        settings = settings_for({"logs": _fill(s3_server, "moving", _many(40), "plain")}, s3={"threads": 1})

        def replace(source: str, done: int, listed: int, size: int) -> None:
            if done == 1:
                _fill(s3_server, "moving", {"038": b"replaced"}, "plain")
                s3_server.admin().delete_object(Bucket="plain", Key="moving/039")

        done, store = _collect(settings, progress=replace)
        (problem,) = done.problems
        assert "object '039' could not be read: it was removed after it had been listed" in str(problem)
        bodies = {entry.key: store.open(entry.sha256).read() for entry in current_entries(store)}
        assert bodies["038"] == b"replaced"
        assert bodies.keys() == _many(39).keys()

    def test_a_link_in_a_folder_is_told_of(self, settings_for, tmp_path):
        export = tmp_path / "export"
        export.mkdir()
        (export / "a").write_text("1")
        (export / "link").symlink_to("/etc/hostname")
        done, _ = _collect(settings_for({"local": f"file:{export}"}))
        (problem,) = done.problems
        assert "object 'link' could not be read: a symbolic link is not followed" in str(problem)
        assert done.pulled == 1


class TestIntegrity:
    def test_an_object_gone_from_the_store_is_fetched_again(self, s3_server, settings_for):
        settings = settings_for({"logs": _fill(s3_server, "healed", _many(3))})
        _, store = _collect(settings)
        path = store.path(current_entries(store)[0].sha256)
        path.unlink()
        again, _ = _collect(settings, LATER)
        assert (again.kept, again.manifest) == (3, None)
        assert path.exists()
        assert verify(store) == []

    def test_an_object_cut_short_in_the_store_is_an_integrity_error(self, s3_server, settings_for):
        settings = settings_for({"logs": _fill(s3_server, "short", _many(3))})
        _, store = _collect(settings)
        path = store.path(current_entries(store)[0].sha256)
        path.chmod(0o644)
        path.write_bytes(b"")
        done, _ = _collect(settings, LATER)
        assert [problem.exit_code for problem in done.problems] == [ExitCode.INTEGRITY]
        assert str(path) in str(done.problems[0])

    def test_a_chain_that_was_changed_is_not_added_to(self, s3_server, settings_for):
        settings = settings_for({"logs": _fill(s3_server, "chain", _many(3))})
        _, store = _collect(settings)
        path = store.root / "manifests" / "000001.json"
        path.rename(path.with_name("000002.json"))
        with pytest.raises(IntegrityError, match=r"000001\.json: it is gone"):
            _collect(settings, LATER)

    def test_two_runs_do_not_collect_at_once(self, s3_server, settings_for):
        settings = settings_for({"logs": _fill(s3_server, "alone", _many(3))})
        with (
            Store(settings.store_path).exclusive(),
            pytest.raises(UsageError, match="another run is collecting"),
        ):
            _collect(settings)


def _killed(settings) -> None:
    """A run in a process of its own, killed after 20 objects."""
    program = (
        "import os, signal, sys\nfrom datetime import UTC, datetime\n"
        "from audit.evidence.collect import collect\nfrom audit.evidence.store import Store\n"
        "from audit.evidence import batch\nfrom audit.settings import Settings\n"
        f"batch.OBJECTS = {BATCH}\n"
        "settings = Settings.model_validate_json(sys.argv[1])\n"
        "def kill(source, done, listed, size):\n"
        "    if done == 20:\n        os.kill(os.getpid(), signal.SIGKILL)\n"
        "collect(settings, Store(settings.store_path), as_of=datetime(2026, 10, 1, tzinfo=UTC), progress=kill)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, settings.model_dump_json()], check=False)
    assert ended.returncode == -signal.SIGKILL


@contextlib.contextmanager
def _cutting(endpoint_url: str, *, cuts: int):
    """A proxy to the server on loopback that hangs up in the middle of a long answer, so many times."""
    left = [cuts]
    upstream = ("127.0.0.1", int(endpoint_url.rsplit(":", 1)[1]))

    def forward(source: socket.socket, target: socket.socket, *, back: bool) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                passed += len(data)
                if back and passed > 1_000_000 and left[0] > 0:
                    left[0] -= 1
                    break
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(upstream)
                for ends, back in (((client, server), False), ((server, client), True)):
                    threading.Thread(target=forward, args=ends, kwargs={"back": back}, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
