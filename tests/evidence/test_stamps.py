"""Manifests are stamped by a real timestamping authority (openssl ts) behind HTTP on loopback, and verified offline."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from audit.cli import main
from audit.errors import EvidenceMissing, ExitCode, UsageError
from audit.evidence.manifest import append
from audit.evidence.stamps import check, stamp, stamped_at
from audit.evidence.store import Store
from audit.settings import Settings, validate

AS_OF = datetime(2026, 10, 5, tzinfo=UTC)
_CONFIG = """
[tsa]
default_tsa = tsa_one
[tsa_one]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


def _openssl(*arguments: str, cwd: Path) -> bytes:
    return subprocess.run(["openssl", *arguments], cwd=cwd, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a root and of the authority's certificate, all of it made here."""
    folder = tmp_path_factory.mktemp("tsa")
    (folder / "serial").write_text("01\n", encoding="ascii")
    (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder), encoding="utf-8")
    for name in ("root", "other"):
        _openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN=example {name}", "-days", "2",
            "-keyout", f"{name}.key", "-out", f"{name}.pem", "-addext", "basicConstraints=critical,CA:TRUE", cwd=folder,
        )  # fmt: skip
    _openssl(
        "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=example tsa", "-keyout", "tsa.key", "-out",
        "tsa.csr", cwd=folder,
    )  # fmt: skip
    (folder / "ext").write_text(
        "extendedKeyUsage=critical,timeStamping\nkeyUsage=digitalSignature\n", encoding="ascii"
    )
    _openssl(
        "x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "2",
        "-extfile", "ext", "-out", "tsa.pem", cwd=folder,
    )  # fmt: skip
    return folder


class Served:
    """The authority's address; what it answers with, when that is not the truth; and how often it was asked."""

    def __init__(self, folder: Path) -> None:
        self.url, self.instead, self.asked = "", None, 0
        self.folder = folder
        self.instead: bytes | int | None

    def answer(self, request: bytes) -> bytes | int:
        self.asked += 1
        if self.instead is not None:
            return self.instead
        (self.folder / "request.tsq").write_bytes(request)
        return _openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "request.tsq", cwd=self.folder)


@pytest.fixture
def served(authority: Path) -> Iterator[Served]:
    made = Served(authority)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = made.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(answer if isinstance(answer, int) else 200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(b"" if isinstance(answer, int) else answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def settings(url: str | None, roots: Path) -> Settings:
    signing: dict[str, object] = {"timestamp_roots": [str(roots)]}
    if url is not None:
        signing["timestamp_url"] = url
    return validate({"organisation": {"name": "NETBPF"}, "signing": signing}, where=Path("audit.toml"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store")
    append(made, as_of=AS_OF, entries=[], tips={"netbpf/netbpf-gitops": {"refs/heads/main": "a" * 40}})
    return made


def test_the_last_manifest_is_stamped_once_and_verified_offline(
    served: Served, authority: Path, store: Store
) -> None:
    chosen = settings(served.url, authority / "root.pem")
    assert check(store, chosen) == ["manifests/000001.json: the last manifest has no timestamp"]
    before = datetime.now(UTC).replace(microsecond=0)
    stamp(store, chosen)
    stamp(store, chosen)
    assert served.asked == 1
    at = stamped_at(store)
    assert at is not None
    assert before <= at <= datetime.now(UTC)
    assert check(store, settings("http://127.0.0.1:1/", authority / "root.pem")) == []  # nobody is asked
    assert check(store, settings(None, authority / "root.pem")) == []
    said = _openssl(
        "ts", "-verify", "-in", str(store.root / "timestamps/000001.tsr"), "-data",
        str(store.root / "manifests/000001.json"), "-CAfile", "root.pem", cwd=authority,
    )  # fmt: skip
    assert b"Verification: OK" in said


def test_a_manifest_that_came_later_needs_its_own(served: Served, authority: Path, store: Store) -> None:
    chosen = settings(served.url, authority / "root.pem")
    stamp(store, chosen)
    append(store, as_of=AS_OF, entries=[], tips={"netbpf/netbpf-gitops": {"refs/heads/main": "b" * 40}})
    assert check(store, chosen) == ["manifests/000002.json: the last manifest has no timestamp"]
    stamp(store, chosen)
    assert check(store, chosen) == []
    assert [path.name for path in sorted((store.root / "timestamps").iterdir())] == [
        "000001.tsr",
        "000002.tsr",
    ]


def test_a_stamp_of_something_else_is_found(served: Served, authority: Path, store: Store) -> None:
    chosen = settings(served.url, authority / "root.pem")
    stamp(store, chosen)
    manifest = store.root / "manifests" / "000001.json"
    manifest.chmod(0o644)
    manifest.write_bytes(manifest.read_bytes() + b" ")
    assert "timestamps/000001.tsr: not a timestamp of manifests/000001.json" in check(store, chosen)[0]
    manifest.rename(manifest.with_name("000002.json"))
    assert "timestamps/000001.tsr: there is no manifest of this name" in check(store, chosen)


@pytest.mark.parametrize("change", ["cut off", "no DER"])
def test_a_stamp_that_was_changed_is_found(
    served: Served, authority: Path, store: Store, change: str
) -> None:
    chosen = settings(served.url, authority / "root.pem")
    stamp(store, chosen)
    path = store.root / "timestamps" / "000001.tsr"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-50] if change == "cut off" else b"stamped, honestly")
    assert "timestamps/000001.tsr: not a timestamp" in check(store, chosen)[0]


def test_a_stamp_that_leads_to_no_trusted_root_is_refused(
    served: Served, authority: Path, store: Store
) -> None:
    with pytest.raises(EvidenceMissing, match="its answer does not hold"):
        stamp(store, settings(served.url, authority / "other.pem"))
    assert not (store.root / "timestamps").exists()
    stamp(store, settings(served.url, authority / "root.pem"))
    assert "not a timestamp" in check(store, settings(served.url, authority / "other.pem"))[0]


def test_an_answer_to_another_request_is_refused(served: Served, authority: Path, store: Store) -> None:
    """One that was recorded: it stamps the same manifest, and was not made for this request."""
    chosen = settings(served.url, authority / "root.pem")
    stamp(store, chosen)
    path = store.root / "timestamps" / "000001.tsr"
    served.instead = path.read_bytes()
    path.unlink()
    with pytest.raises(EvidenceMissing, match="it answers another request"):
        stamp(store, chosen)


@pytest.mark.parametrize(
    ("instead", "said"), [(503, "answered 503"), (b"no timestamp", "its answer does not hold")]
)
def test_what_an_authority_does_wrong_is_told_and_the_next_run_tries_again(
    served: Served, authority: Path, store: Store, instead: bytes | int, said: str
) -> None:
    chosen = settings(served.url, authority / "root.pem")
    served.instead = instead
    with pytest.raises(EvidenceMissing, match=said):
        stamp(store, chosen)
    served.instead = None
    stamp(store, chosen)
    assert check(store, chosen) == []


def test_an_authority_that_is_not_there_is_named(authority: Path, store: Store) -> None:
    with pytest.raises(EvidenceMissing, match=r"http://127\.0\.0\.1:1/ can't be reached"):
        stamp(store, settings("http://127.0.0.1:1/", authority / "root.pem"))


def test_settings_that_can_not_be_verified_are_refused(authority: Path, store: Store) -> None:
    with pytest.raises(UsageError, match="timestamp_url needs timestamp_roots"):
        validate(
            {"organisation": {"name": "x"}, "signing": {"timestamp_url": "https://tsa.example"}},
            where=Path("audit.toml"),
        )
    with pytest.raises(UsageError, match=r"signing\.timestamp_roots"):
        stamp(store, settings("http://127.0.0.1:1/", authority / "serial"))


def test_a_collection_is_kept_when_the_authority_is_not_there_and_stamped_when_it_is(
    served: Served, authority: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "one.json").write_text("{}", encoding="ascii")

    def run(url: str, command: str) -> int:
        (tmp_path / "audit.toml").write_text(
            f"""
            [organisation]
            name = "NETBPF"
            [[sources]]
            name = "all"
            location = "file:export"
            [signing]
            timestamp_url = "{url}"
            timestamp_roots = ["{authority / "root.pem"}"]
            """,
            encoding="utf-8",
        )
        return main([command, "--settings", str(tmp_path / "audit.toml")])

    assert run("http://127.0.0.1:1/", "collect") == ExitCode.EVIDENCE
    said = capfd.readouterr()
    assert "can't be reached" in said.out + said.err
    assert [path.name for path in (tmp_path / "audit-store" / "manifests").iterdir()] == ["000001.json"]
    assert run("http://127.0.0.1:1/", "verify-evidence") == ExitCode.INTEGRITY
    assert "the last manifest has no timestamp" in capfd.readouterr().err
    assert run(served.url, "collect") == ExitCode.CLEAN
    assert run("http://127.0.0.1:1/", "verify-evidence") == ExitCode.CLEAN
