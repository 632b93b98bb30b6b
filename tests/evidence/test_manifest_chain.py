"""Manifests are chained and signed: whatever is done to the store afterwards, `verify` names it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from audit.cli import main
from audit.errors import ExitCode, IntegrityError, UsageError
from audit.evidence.chain import check_chain, head
from audit.evidence.collect import collect
from audit.evidence.journal import Journal
from audit.evidence.keys import signer, verifiers
from audit.evidence.manifest import Entry, append, current_entries, latest_tips, load_all
from audit.evidence.store import Store
from audit.evidence.verify import verify
from audit.settings import Settings

AS_OF = datetime(2026, 10, 1, tzinfo=UTC)


def _key_files(folder: Path, seed: int) -> tuple[Path, Path]:
    """Files with a private key and its public key, made from a fixed seed."""
    key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    private, public = folder / f"{seed}.pem", folder / f"{seed}.pub.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


def _settings(**signing) -> Settings:
    return Settings.model_validate({"organisation": {"name": "x"}, "signing": signing})


def _entry(store: Store, key: str, body: bytes, **more) -> Entry:
    stored = store.put([body])
    values = {
        "source": "logs", "location": "s3://audit/logs", "key": key, "version_id": "", "etag": "e",
        "last_modified": AS_OF, "retention": "", "size": stored.size, "sha256": stored.sha256, "collected_at": AS_OF,
    }  # fmt: skip
    return Entry(**(values | more))


def _filled(root: Path, signing: Settings | None = None) -> Store:
    """A store with three manifests, of one object each."""
    store = Store(root)
    for n in range(3):
        entry = _entry(store, f"k{n}", f"body {n}".encode())
        append(store, as_of=AS_OF, entries=[entry], signer=signing and signer(signing))
    return store


def _manifest(store: Store, number: int) -> Path:
    return store.root / "manifests" / f"{number:06}.json"


def _rewrite(path: Path, change) -> None:
    """Edits the statement in a manifest, signatures left as they are."""
    envelope = json.loads(path.read_text())
    statement = base64.b64decode(envelope["payload"]).decode()
    changed = change(statement)
    assert changed != statement
    envelope["payload"] = base64.b64encode(changed.encode()).decode()
    path.chmod(0o644)
    path.write_text(json.dumps(envelope))


@pytest.fixture
def signed(tmp_path):
    private, public = _key_files(tmp_path, 1)
    return _settings(key_file=str(private)), _settings(public_keys=[str(public)])


def test_an_untouched_store_has_no_problem(tmp_path, signed):
    makes, verifies = signed
    assert verify(_filled(tmp_path / "unsigned")) == []
    store = _filled(tmp_path / "signed", makes)
    assert verify(store, verifiers(verifies)) == []
    assert verify(store, verifiers(makes)) == []
    assert verify(Store(tmp_path / "empty"), verifiers(verifies)) == []


def test_the_same_inputs_give_the_same_bytes(tmp_path, signed):
    makes, _ = signed
    stores = [_filled(tmp_path / name, makes) for name in ("one", "two")]
    files = [[path.read_bytes() for path in sorted((s.root / "manifests").iterdir())] for s in stores]
    assert files[0] == files[1]
    assert head(stores[0]) == head(stores[1])


def test_the_order_of_entries_and_refs_changes_nothing(tmp_path):
    manifests = []
    for name, step in (("one", 1), ("two", -1)):
        store = Store(tmp_path / name)
        entries = [_entry(store, key, key.encode()) for key in ("a", "b", "c")][::step]
        tips = dict([("r/one", dict([("main", "1" * 40), ("dev", "2" * 40)][::step])), ("r/two", {})][::step])
        manifests.append(append(store, as_of=AS_OF, entries=entries, tips=tips))
    assert manifests[0].sha256 == manifests[1].sha256


def test_is_an_in_toto_statement_about_the_objects(tmp_path):
    store = _filled(tmp_path)
    envelope = json.loads(_manifest(store, 2).read_text())
    statement = json.loads(base64.b64decode(envelope["payload"]))
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    (entry,) = statement["predicate"]["entries"]
    assert [subject["digest"] for subject in statement["subject"]] == [{"sha256": entry["sha256"]}]
    assert statement["predicate"]["previous"] == load_all(store)[0].sha256


def test_nothing_new_adds_no_manifest(tmp_path):
    store = Store(tmp_path)
    tips = {"netbpf/netbpf-gitops": {"refs/heads/main": "1" * 40}}
    assert append(store, as_of=AS_OF, entries=[]) is None
    assert append(store, as_of=AS_OF, entries=[], tips=tips) is not None
    assert append(store, as_of=AS_OF, entries=[], tips=tips) is None
    moved = {"netbpf/netbpf-gitops": {"refs/heads/main": "2" * 40}}
    assert append(store, as_of=AS_OF, entries=[], tips=moved).sequence == 2
    assert latest_tips(load_all(store)) == moved
    assert verify(store) == []


def test_current_entries_are_the_latest_of_each_version(tmp_path):
    store = Store(tmp_path)
    first, second = (_entry(store, "k", body) for body in (b"one", b"two"))
    versions = [_entry(store, "v", body, version_id=body.decode()) for body in (b"3", b"4")]
    moved = _entry(store, "k", b"five", location="s3://elsewhere/logs")
    append(store, as_of=AS_OF, entries=[first, *versions])
    append(store, as_of=AS_OF, entries=[second, moved])
    assert current_entries(store) == [second, *versions, moved]
    assert current_entries(store, [("logs", "s3://audit/logs")]) == [second, *versions]


@pytest.mark.parametrize("with_keys", [False, True])
class TestTampering:
    """Each is named, with the manifest or object it hit."""

    @pytest.fixture
    def found(self, tmp_path, signed, with_keys):
        makes, verifies = signed
        store = _filled(tmp_path / "store", makes)
        return store, lambda: verify(store, verifiers(verifies) if with_keys else ())

    def test_a_byte_of_an_object(self, found):
        store, problems = found
        entry = load_all(store)[1].entries[0]
        path = store.path(entry.sha256)
        path.chmod(0o644)
        path.write_bytes(b"Body 1")
        assert problems() == [
            f"objects/{entry.sha256[:2]}/{entry.sha256} (logs: 'k1'): its bytes are not what was stored"
        ]

    def test_an_object_removed(self, found):
        store, problems = found
        entry = load_all(store)[0].entries[0]
        store.path(entry.sha256).unlink()
        assert problems() == [f"objects/{entry.sha256[:2]}/{entry.sha256} (logs: 'k0'): it is gone"]

    @pytest.mark.parametrize("what", ["object", "folder", "dangling"])
    def test_an_object_replaced_by_a_link(self, found, tmp_path, what):
        store, problems = found
        path = store.path(load_all(store)[0].entries[0].sha256)
        linked = path.parent if what == "folder" else path
        linked.rename(tmp_path / "aside")
        linked.symlink_to(tmp_path / ("nowhere" if what == "dangling" else "aside"))
        named = f"objects/{path.parent.name}/{path.name} (logs: 'k0'): can't be read: a link to elsewhere, and no file"
        assert problems()[0].startswith(named)

    @pytest.mark.parametrize("where", ["folder of another", "folder with a name of its own"])
    def test_an_object_moved_to_where_it_is_not_looked_for(self, found, where):
        store, problems = found
        path = store.path(load_all(store)[0].entries[0].sha256)
        aside = store.root / "objects" / ("zz" if where == "folder with a name of its own" else "00")
        aside.mkdir()
        path.rename(aside / path.name)
        assert problems() == [
            f"objects/{path.parent.name}/{path.name} (logs: 'k0'): it is gone",
            f"objects/{aside.name}/{path.name}: no manifest names it",
        ]

    def test_what_is_no_object_among_the_objects(self, found):
        store, problems = found
        path = store.path(load_all(store)[0].entries[0].sha256)
        (path.parent / "deeper").mkdir()
        (path.parent / "deeper" / "one").write_bytes(b"")
        (store.root / "objects" / "notes.txt").write_bytes(b"")
        path.unlink()
        os.mkfifo(path)
        (gone, *others) = problems()
        assert gone == f"objects/{path.parent.name}/{path.name} (logs: 'k0'): can't be read: no file"
        assert sorted(others) == sorted(
            [
                f"objects/{path.parent.name}/deeper/one: no manifest names it",
                "objects/notes.txt: no manifest names it",
            ]
        )

    def test_what_may_not_be_read(self, found, monkeypatch):
        """As the file system says it: each is named, and the others are looked at all the same."""
        store, problems = found
        entries = [manifest.entries[0] for manifest in load_all(store)]
        closed, opened = store.path(entries[0].sha256), Path.open

        def refusing(path: Path, *arguments, **named):
            if path == closed:
                raise PermissionError(13, "Permission denied", str(path))
            return opened(path, *arguments, **named)

        monkeypatch.setattr(Path, "open", refusing)
        store.path(entries[1].sha256).unlink()
        assert {problem.partition("): ")[2] for problem in problems()} == {
            "can't be read: Permission denied",
            "it is gone",
        }

    def test_an_object_added(self, found):
        store, problems = found
        added = store.put([b"made up"]).sha256
        assert problems() == [f"objects/{added[:2]}/{added}: no manifest names it"]

    def test_a_manifest_edited(self, found):
        store, problems = found
        _rewrite(_manifest(store, 2), lambda statement: statement.replace('"k1"', '"kX"'))
        assert any(
            problem.startswith("manifests/000003.json: does not follow the manifest before it")
            for problem in problems()
        )

    def test_subjects_that_are_not_the_entries(self, found):
        store, problems = found
        sha256 = load_all(store)[2].entries[0].sha256
        _rewrite(_manifest(store, 3), lambda statement: statement.replace(sha256, "0" * 64, 1))
        assert any(
            "000003.json: its subjects, type or form do not agree" in problem for problem in problems()
        )

    def test_a_manifest_that_is_none(self, found):
        store, problems = found
        _manifest(store, 3).chmod(0o644)
        _manifest(store, 3).write_text("{}")
        assert any(problem.startswith("manifests/000003.json: not a DSSE") for problem in problems())

    def test_a_manifest_in_the_middle_removed(self, found):
        store, problems = found
        _manifest(store, 2).unlink()
        assert "manifests/000002.json: it is gone, and 000003.json is there" in problems()

    def test_what_no_manifest_names_is_counted_where_one_of_them_is_gone(self, found):
        store, problems = found
        added = store.put([b"made up"]).sha256
        assert f"objects/{added[:2]}/{added}: no manifest names it" in problems()
        _manifest(store, 2).unlink()
        assert problems() == [
            "manifests/000002.json: it is gone, and 000003.json is there",
            "objects: 2 that no manifest names which can be read",
        ]

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            (".hidden", "manifests/.hidden: is no manifest of this store"),
            ("000001.json.bak", "manifests/000001.json.bak: is no manifest of this store"),
            ("zz.json", "manifests/zz.json: is no manifest of this store"),
            ("000005.json", "manifests/000004.json: it is gone, and 000005.json is there"),
        ],
    )
    def test_another_file_among_the_manifests(self, found, name, told):
        """It is named, whatever it holds, and never taken for evidence."""
        store, problems = found
        (store.root / "manifests" / name).write_bytes(_manifest(store, 1).read_bytes())
        assert told in problems()
        with pytest.raises(IntegrityError, match=re.escape(told)):
            check_chain(store)

    @pytest.mark.parametrize("what", ["link", "dangling", "folder"])
    def test_a_manifest_that_is_no_file_of_the_store(self, found, tmp_path, what):
        store, problems = found
        path = _manifest(store, 2).rename(tmp_path / "aside")
        if what == "folder":
            _manifest(store, 2).mkdir()
        else:
            _manifest(store, 2).symlink_to(path if what == "link" else tmp_path / "nowhere")
        assert problems()[0].startswith(
            "manifests/000002.json: "
            + ("can't be read: Is a directory" if what == "folder" else "is a link to elsewhere")
        )

    def test_all_manifests_removed(self, found):
        store, problems = found
        for number in (1, 2, 3):
            _manifest(store, number).unlink()
        assert problems() == ["manifests: there are none, and 3 objects that none names"]

    @pytest.mark.parametrize("where", ["over the last one", "after the last one"])
    def test_an_older_manifest_put_at_the_end(self, found, where):
        store, problems = found
        number = 3 if where == "over the last one" else 4
        _manifest(store, number).unlink(missing_ok=True)
        _manifest(store, number).write_bytes(_manifest(store, 1).read_bytes())
        assert f"manifests/{number:06}.json: says that it is manifest 000001" in problems()

    def test_the_first_manifest_removed(self, found):
        store, problems = found
        _manifest(store, 1).unlink()
        assert "manifests/000001.json: it is gone, and 000002.json is there" in problems()

    def test_the_last_manifest_removed_leaves_its_objects(self, found):
        store, problems = found
        sha256 = load_all(store)[2].entries[0].sha256
        before = head(store)
        _manifest(store, 3).unlink()
        assert f"objects/{sha256[:2]}/{sha256}: no manifest names it" in problems()
        assert head(store) != before

    def test_manifests_swapped(self, found, tmp_path):
        store, problems = found
        aside = _manifest(store, 1).rename(tmp_path / "aside")
        _manifest(store, 2).rename(_manifest(store, 1))
        aside.rename(_manifest(store, 2))
        assert "manifests/000001.json: says that it is manifest 000002" in problems()


@pytest.mark.parametrize("cut", [1, 2])
def test_an_end_that_was_cut_off_with_its_objects_is_told_by_the_head_that_was_written_down(
    tmp_path, signed, cut, capfd
):
    """From the store alone it can't be told: each beginning of a chain is a chain, and was signed."""
    makes, _ = signed
    settings = ["--settings", str(tmp_path / "audit.toml")]
    (tmp_path / "audit.toml").write_text(
        f'store = "store"\n[organisation]\nname = "x"\n[signing]\nkey_file = "{makes.signing.key_file}"\n'
    )
    store = _filled(tmp_path / "store", makes)
    heads = [manifest.sha256 for manifest in load_all(store)]
    every = [part for one in heads for part in ("--head", one)]
    assert main(["verify-evidence", *settings, *every]) == ExitCode.CLEAN
    said = capfd.readouterr().out
    assert f"manifest 000003 is the last one: its sha256, the head, is {heads[2]}" in said
    assert f"it is signed by {signer(makes).public_key.keyid[:16]}" in said
    for number in range(3, 3 - cut, -1):
        store.path(load_all(store)[-1].entries[0].sha256).unlink()
        _manifest(store, number).unlink()
    assert main(["verify-evidence", *settings]) == ExitCode.CLEAN
    capfd.readouterr()
    for written, there in zip(heads, (True, cut < 2, False), strict=True):
        assert main(["verify-evidence", *settings, "--head", written]) == (0 if there else ExitCode.INTEGRITY)
        assert (f"none of them has the sha256 {written}" in capfd.readouterr().err) is not there


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "a store that nothing was collected into"])
def test_a_store_that_holds_nothing_proves_nothing(tmp_path, there, capfd):
    (tmp_path / "audit.toml").write_text('store = "store"\n[organisation]\nname = "x"\n')
    command = ["verify-evidence", "--settings", str(tmp_path / "audit.toml")]
    if there == "an empty folder":
        (tmp_path / "store").mkdir()
    elif there != "nothing":
        Store(tmp_path / "store")
    assert main(command) == ExitCode.EVIDENCE
    assert "holds no evidence, so that nothing can be verified" in capfd.readouterr().err
    assert main([*command, "--json"]) == ExitCode.EVIDENCE
    assert json.loads(capfd.readouterr().out)["whole"] is False
    assert (tmp_path / "store").exists() is (there != "nothing")


@pytest.mark.parametrize("by", ["nobody", "a stranger", "its own key"])
def test_what_a_journal_names_is_believed_by_its_signature_alone(tmp_path, signed, by):
    """Else whoever can write the store could have the next collection sign an object that no source ever gave."""
    makes, verifies = signed
    store = _filled(tmp_path / "store", makes)
    private, _ = _key_files(tmp_path, 2)
    author = {"nobody": None, "a stranger": signer(_settings(key_file=str(private)))}.get(by, signer(makes))
    entry = _entry(store, "smuggled", b"made up")
    with Journal(store, signer=author) as journal:
        journal.add(entry)
    believed = by == "its own key"
    assert Journal(store, verifiers(verifies)).entries() == ([entry] if believed else [])
    problems = verify(store, verifiers(verifies))
    assert problems == (
        [] if believed else [f"objects/{entry.sha256[:2]}/{entry.sha256}: no manifest names it"]
    )
    settings = Settings.model_validate(
        {"organisation": {"name": "x"}, "store": str(store.root), "signing": makes.signing.model_dump()}
    )
    collect(settings, store, as_of=AS_OF)
    assert ("smuggled" in {one.key for one in current_entries(store)}) is believed
    assert not (store.root / "journal.jsonl").exists()


class TestSignatures:
    def test_are_said_not_to_be_looked_at_without_a_key(self, tmp_path, signed, capfd):
        makes, _ = signed
        (tmp_path / "audit.toml").write_text('store = "store"\n[organisation]\nname = "x"\n')
        _filled(tmp_path / "store", makes)
        assert main(["verify-evidence", "--settings", str(tmp_path / "audit.toml")]) == ExitCode.CLEAN
        assert (
            "it bears signatures that were not looked at: the settings name no key" in capfd.readouterr().out
        )

    @pytest.mark.parametrize("signature", ["", "zz", "00" * 64, None])
    def test_of_any_form_that_are_none(self, tmp_path, signed, signature):
        makes, verifies = signed
        store = _filled(tmp_path / "store", makes)
        envelope = json.loads(_manifest(store, 3).read_text())
        envelope["signatures"][0]["sig"] = signature
        _manifest(store, 3).chmod(0o644)
        _manifest(store, 3).write_text(json.dumps(envelope))
        assert verify(store, verifiers(verifies)) != []

    def test_the_last_manifest_edited(self, tmp_path, signed):
        makes, verifies = signed
        store = _filled(tmp_path / "store", makes)
        _rewrite(_manifest(store, 3), lambda statement: statement.replace('"k2"', '"kX"'))
        (problem,) = verify(store, verifiers(verifies))
        assert problem.startswith("manifests/000003.json: the signature of key ")
        with pytest.raises(IntegrityError, match=r"000003\.json: the signature"):
            check_chain(store, verifiers(verifies))

    def test_taken_off(self, tmp_path, signed):
        makes, verifies = signed
        store = _filled(tmp_path / "store", makes)
        envelope = json.loads(_manifest(store, 3).read_text())
        _manifest(store, 3).chmod(0o644)
        _manifest(store, 3).write_text(json.dumps(envelope | {"signatures": []}))
        (problem,) = verify(store, verifiers(verifies))
        assert "the last manifest is not signed by any key" in problem
        with pytest.raises(IntegrityError, match="is not signed by any key"):
            check_chain(store, verifiers(verifies))

    def test_of_another_key(self, tmp_path, signed):
        makes, _ = signed
        _, stranger = _key_files(tmp_path, 2)
        store = _filled(tmp_path / "store", makes)
        (problem,) = verify(store, verifiers(_settings(public_keys=[str(stranger)])))
        assert "is not signed by any key" in problem

    def test_may_begin_on_a_chain_that_had_none(self, tmp_path, signed):
        makes, verifies = signed
        store = _filled(tmp_path / "store")
        assert [manifest.signed_by for manifest in load_all(store)] == [(), (), ()]
        assert any("is not signed" in problem for problem in verify(store, verifiers(verifies)))
        check_chain(store, verifiers(verifies))
        append(store, as_of=AS_OF, entries=[_entry(store, "new", b"new")], signer=signer(makes))
        assert verify(store, verifiers(verifies)) == []

    @pytest.mark.parametrize("content", [b"not a key", b""])
    def test_need_an_ed25519_key(self, tmp_path, content):
        (tmp_path / "key.pem").write_bytes(content)
        with pytest.raises(UsageError, match="not an Ed25519 private key"):
            signer(_settings(key_file=str(tmp_path / "key.pem")))
        with pytest.raises(UsageError, match="not an Ed25519 public key"):
            verifiers(_settings(public_keys=[str(tmp_path / "key.pem")]))

    def test_need_a_key_that_is_there(self, tmp_path):
        with pytest.raises(UsageError, match=r"signing\.key_file: .*: can't be read"):
            signer(_settings(key_file=str(tmp_path / "missing.pem")))


def test_manifests_from_before_keep_their_bytes(tmp_path):
    """What entries say since then is left out where it is not said: a chain that was signed once stays whole."""
    store = _filled(tmp_path)
    retention = "COMPLIANCE until 2030-01-01T00:00:00Z"
    entry = _entry(store, "none", b"x", last_modified=None, version_id="v1", retention=retention)
    append(store, as_of=AS_OF, entries=[entry])
    paths = sorted((tmp_path / "manifests").iterdir())
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths] == [
        "685d7923286dc9e56c3467293539e410f65c8f4e236740f6a039eff6e3d25b8a",
        "a68fa2245b66e5f8bc15ecc0b70e5f28505389f8eb83b058d1f5d2976fa27f5d",
        "7406eba16acc33885009ecfc97dbd559fff9c408e4ac296c1fb8ae9c64609450",
        "576adb83c93f852a95353dfdc505402bd3a926b341c4f584cd1301a0cb238e1d",
    ]
    assert verify(store) == []


@pytest.mark.parametrize(
    ("checksum", "verified", "wrong"),
    [
        ("CRC32:y/Q5Jg==", True, False),
        ("CRC32:y/Q5Jw==", True, True),
        ("CRC32:y/Q5Jw==", False, False),  # nobody says that it was held against it
        ("CRC32:y/Q5Jw==-3", False, False),
    ],
)
def test_bytes_are_held_against_the_sources_checksum_once_more(tmp_path, checksum, verified, wrong):
    """Offline, from the manifest's own words: one that says what is not so is found."""
    store = Store(tmp_path)
    entry = _entry(store, "k", b"123456789", checksum=checksum, verified=verified)
    append(store, as_of=AS_OF, entries=[entry])
    place = f"objects/{entry.sha256[:2]}/{entry.sha256} (logs: 'k')"
    told = f"{place}: its bytes are not those of the checksum {checksum}, which the manifest says they were"
    assert verify(store) == ([told] if wrong else [])


@pytest.mark.parametrize("checksum", ["", "MD4:abc", "CRC32:", "CRC32:y/Q5Jg==-3"])
def test_a_checksum_that_nothing_can_be_held_against_is_named(tmp_path, checksum):
    """A manifest that says that it was done is wrong, whoever wrote it."""
    store = Store(tmp_path)
    append(store, as_of=AS_OF, entries=[_entry(store, "k", b"123456789", checksum=checksum, verified=True)])
    (problem,) = verify(store)
    assert problem.endswith(f"were held against the checksum '{checksum}', which can't be")
