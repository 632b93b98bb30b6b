"""Signing promises: the unsigned bytes stay, the signature leads to its root, and whatever changes after it is found."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pikepdf
import pypdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from verified import PASSPHRASE, issue, write
from verified import preparers as settings

from audit.cli import main
from audit.errors import ExitCode, UsageError
from audit.report import signed
from audit.verify import Check, Verdict
from audit.verify.signatures import checks

PIN = "1234"
TOKEN_LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm.so")


def judged(data: bytes, keys: Path, root: str = "root") -> list[Check]:
    return checks(data, signed.read_certificates("root", keys / f"{root}.pem"))


def test_a_signed_report_begins_with_the_unsigned_bytes_and_leads_to_its_root(
    unsigned: bytes, keys: Path
) -> None:
    done = signed.sign(unsigned, settings(keys))
    assert done.startswith(unsigned)
    (found,) = judged(done, keys)
    assert found.verdict is Verdict.AGREES
    assert "example preparer" in found.text
    assert "covers the whole file, and leads to a named root; not stamped" in found.text
    assert [one.verdict for one in checks(done, [])] == [Verdict.NOTE]
    (other,) = judged(done, keys, "other")
    assert (other.verdict, "does not lead to a named root" in other.text) == (Verdict.DIFFERS, True)
    assert [one.verdict for one in judged(unsigned, keys)] == [Verdict.UNPROVED]
    assert [one.verdict for one in checks(unsigned, [])] == [Verdict.NOTE]


def test_a_key_in_pkcs12_opens_with_a_passphrase_from_a_file_or_the_environment(
    unsigned: bytes, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORT_PASSPHRASE", PASSPHRASE)
    for how in ({"passphrase_file": "passphrase"}, {"passphrase_env": "REPORT_PASSPHRASE"}):
        done = signed.sign(unsigned, settings(keys, pkcs12="preparer.p12", **how))
        assert [one.verdict for one in judged(done, keys)] == [Verdict.AGREES]
    monkeypatch.setenv("REPORT_PASSPHRASE", "wrong and fake")
    with pytest.raises(UsageError, match="the key can't be loaded") as told:
        signed.sign(unsigned, settings(keys, pkcs12="preparer.p12", passphrase_env="REPORT_PASSPHRASE"))
    assert "wrong and fake" not in str(told.value)
    monkeypatch.delenv("REPORT_PASSPHRASE")
    with pytest.raises(UsageError, match="REPORT_PASSPHRASE is not set"):
        signed.sign(unsigned, settings(keys, pkcs12="preparer.p12", passphrase_env="REPORT_PASSPHRASE"))


def test_a_byte_that_changes_anywhere_in_a_signed_report_is_found(unsigned: bytes, keys: Path) -> None:
    done = signed.sign(unsigned, settings(keys))
    contents = done.index(b"/Contents <", len(unsigned)) + 40
    for at in (len(unsigned) // 2, len(unsigned) - 30, len(unsigned) + 20, contents):
        changed = bytearray(done)
        changed[at] = changed[at] ^ 1
        assert Verdict.DIFFERS in [one.verdict for one in judged(bytes(changed), keys)], at


def reviewed(done: bytes, keys: Path, name: str) -> bytes:
    """The file, signed once more by whoever has the key of that name."""
    reviewer = signers.SimpleSigner.load(str(keys / f"{name}.key"), str(keys / f"{name}.pem"))
    writer = IncrementalPdfFileWriter(io.BytesIO(done))
    meta = signers.PdfSignatureMetadata(
        field_name="Reviewer", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
    )
    return signers.sign_pdf(writer, meta, signer=reviewer).getvalue()


def test_whoever_prepared_a_report_is_not_who_reviewed_it(
    unsigned: bytes, keys: Path, tmp_path: Path
) -> None:
    """With the same key, or with another in the same name."""
    done = signed.sign(unsigned, settings(keys))
    found = judged(reviewed(done, keys, "preparer"), keys)
    assert [one.verdict for one in found] == [Verdict.AGREES, Verdict.AGREES, Verdict.DIFFERS]
    assert "signed with the key of" in found[-1].text
    root = x509.load_pem_x509_certificate((keys / "root.pem").read_bytes())
    key = load_pem_private_key((keys / "root.key").read_bytes(), None)
    write(tmp_path, "again", issue("example preparer", (root, key)))
    found = judged(reviewed(done, tmp_path, "again"), keys)
    assert [one.verdict for one in found] == [Verdict.AGREES, Verdict.AGREES, Verdict.DIFFERS]
    assert "signed in the name of" in found[-1].text


def test_a_reviewer_can_sign_after_the_preparer_and_nothing_else_may_follow(
    unsigned: bytes, keys: Path
) -> None:
    done = signed.sign(unsigned, settings(keys))
    found = judged(reviewed(done, keys, "reviewer"), keys)
    assert [one.verdict for one in found] == [Verdict.AGREES, Verdict.AGREES]
    assert "covers the whole report; what follows are signatures" in found[0].text
    turned = pypdf.PdfWriter(io.BytesIO(done), incremental=True)
    turned.pages[1].rotate(90)
    out = io.BytesIO()
    turned.write(out)
    after, left = judged(out.getvalue(), keys)
    assert after.verdict is Verdict.DIFFERS
    assert "bytes follow the last signature" in left.text
    with pytest.raises(UsageError, match="signed already"):
        signed.sign(done, settings(keys))


def _changed(data: bytes, change: Callable[[pikepdf.Pdf], None]) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as document:
        change(document)
        document.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


def test_a_visible_signature_stands_on_the_sign_off_page_wherever_it_is(unsigned: bytes, keys: Path) -> None:
    def forward(document: pikepdf.Pdf) -> None:
        kids = list(document.Root.Pages.Kids)
        document.Root.Pages.Kids = pikepdf.Array([kids[0], kids[-1], *kids[1:-1]])

    visible = settings(keys, certificate="preparer.pem", key_file="preparer.key", visible=True)
    for data, place in ((unsigned, -1), (_changed(unsigned, forward), 1)):
        done = signed.sign(data, visible)
        page = pypdf.PdfReader(io.BytesIO(done)).pages[place]
        assert "Sign-off" in page.extract_text()
        (field,) = [one.get_object() for one in page["/Annots"] if one.get_object()["/Subtype"] == "/Widget"]
        assert [int(value) for value in field["/Rect"]] == list(signed.BOX)
        assert [one.verdict for one in judged(done, keys)] == [Verdict.AGREES]


def test_a_visible_signature_without_a_sign_off_page_is_refused_with_the_remedy(
    unsigned: bytes, keys: Path
) -> None:
    def forget(document: pikepdf.Pdf) -> None:
        del pikepdf.NameTree(document.Root.Names.Dests)["sign-off"]

    bare = _changed(unsigned, forget)
    seen = settings(keys, certificate="preparer.pem", key_file="preparer.key", visible=True)
    with pytest.raises(UsageError, match="has no sign-off page") as told:
        signed.sign(bare, seen)
    assert "name sign-off among the sections" in told.value.remedy
    assert signed.sign(bare, settings(keys)).startswith(bare)


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


@pytest.fixture
def authority(keys: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a real timestamping authority (openssl ts) on loopback."""
    for name in ("tsa.pem", "tsa.key"):
        shutil.copy(keys / name, tmp_path / name)
    (tmp_path / "serial").write_text("01\n", encoding="ascii")
    (tmp_path / "tsa.cnf").write_text(_CONFIG.format(folder=tmp_path), encoding="utf-8")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (tmp_path / "request.tsq").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            answer = subprocess.run(
                ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "request.tsq"],
                cwd=tmp_path, capture_output=True, check=True,
            ).stdout  # fmt: skip
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_stamped_signature_carries_what_verifies_it_later(
    unsigned: bytes, keys: Path, authority: str
) -> None:
    chosen = settings(
        keys, certificate="preparer.pem", key_file="preparer.key", roots=["root.pem"], timestamp_url=authority
    )
    done = signed.sign(unsigned, chosen)
    assert done.startswith(unsigned)
    found = judged(done, keys)
    assert [(one.verdict, one.text) for one in found if one.verdict is not Verdict.AGREES] == []
    assert "; stamped 2" in found[0].text
    assert ": timestamp of 2" in found[1].text
    root = pypdf.PdfReader(io.BytesIO(done)).root_object
    assert len(root["/DSS"]["/Certs"]) >= 2
    assert Verdict.DIFFERS in [one.verdict for one in judged(done, keys, "other")]


def test_a_report_is_signed_and_verified_on_the_command_line(
    unsigned: bytes, keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toml = '[organisation]\nname = "Example Organisation"\n[report_signature]\n'
    (keys / "audit.toml").write_text(
        f'{toml}certificate = "preparer.pem"\nkey_file = "preparer.key"\n', "utf-8"
    )
    path = tmp_path / "report.pdf"
    path.write_bytes(unsigned)
    arguments = ["sign", str(path), "--settings", str(keys / "audit.toml"), "--json"]
    assert main(arguments) == ExitCode.CLEAN
    assert main(arguments) == ExitCode.USAGE
    done = tmp_path / "report.signed.pdf"
    capsys.readouterr()
    assert main(["verify", str(done), "--certificate", str(keys / "root.pem")]) == ExitCode.CLEAN
    said = capsys.readouterr().out
    assert "the same file up to its signature, byte for byte" in said
    assert said.rstrip().endswith("report.signed.pdf: verified")
    assert main(["verify", str(path), "--certificate", str(keys / "root.pem")]) == ExitCode.INTEGRITY
    (keys / "audit.toml").write_text('[organisation]\nname = "Example Organisation"\n', "utf-8")
    assert main([*arguments[:2], "-o", str(tmp_path / "b.pdf"), *arguments[2:]]) == ExitCode.USAGE
    assert sorted(item.name for item in tmp_path.iterdir()) == ["report.pdf", "report.signed.pdf"]


def test_settings_that_name_half_a_key_are_refused(keys: Path) -> None:
    for wrong in (
        {"certificate": "preparer.pem"},
        {"pkcs12": "preparer.p12", "certificate": "a", "key_file": "b"},
        {"pkcs11_module": "/usr/lib/token.so"},
        {"pkcs12": "preparer.p12", "passphrase_env": "A", "passphrase_file": "b"},
        {"pkcs12": "preparer.p12", "timestamp_url": "http://127.0.0.1/"},
    ):
        with pytest.raises(UsageError, match="report_signature"):
            settings(keys, **wrong)


@pytest.fixture
def token(keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The library of a token in software (SoftHSM) that holds the preparer's key and certificate as `report`."""
    import pkcs11
    from pkcs11.util.rsa import decode_rsa_private_key
    from pkcs11.util.x509 import decode_x509_certificate

    found = [path for path in map(Path, TOKEN_LIBRARIES) if path.exists()]
    if not found:
        assert not os.environ.get("CI"), "CI tests tokens: it needs softhsm2"
        pytest.skip("no token in software: apt-get install softhsm2")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n", "utf-8")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", "audit", "--so-pin", PIN, "--pin", PIN],
        check=True, capture_output=True,
    )  # fmt: skip
    library = pkcs11.lib(str(found[0]))
    with library.get_token(token_label="audit").open(rw=True, user_pin=PIN) as session:
        private = load_pem_private_key((keys / "preparer.key").read_bytes(), None)
        plain = private.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        certificate = x509.load_pem_x509_certificate((keys / "preparer.pem").read_bytes())
        own = {pkcs11.Attribute.TOKEN: True, pkcs11.Attribute.LABEL: "report", pkcs11.Attribute.ID: b"1"}
        session.create_object(decode_rsa_private_key(plain) | own)
        session.create_object(decode_x509_certificate(certificate.public_bytes(Encoding.DER)) | own)
    return str(found[0])


def test_a_key_on_a_token_signs_and_stays_there(
    unsigned: bytes, keys: Path, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORT_PIN", PIN)
    chosen = settings(
        keys, pkcs11_module=token, pkcs11_token="audit", pkcs11_label="report", passphrase_env="REPORT_PIN"
    )
    done = signed.sign(unsigned, chosen)
    assert done.startswith(unsigned)
    (found,) = judged(done, keys)
    assert found.verdict is Verdict.AGREES
    assert "example preparer" in found.text
    monkeypatch.setenv("REPORT_PIN", "4321")
    with pytest.raises(UsageError, match="pkcs11_module"):
        signed.sign(unsigned, chosen)


def test_a_token_without_its_library_is_told(unsigned: bytes, keys: Path) -> None:
    chosen = settings(keys, pkcs11_module="/usr/lib/none.so", pkcs11_token="audit", pkcs11_label="report")
    with pytest.raises(UsageError, match="pkcs11_module"):
        signed.sign(unsigned, chosen)
