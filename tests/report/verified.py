"""A report with a manifest behind it, laid out once, and what forgers do to it."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdf
import report_tables as made
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pypdf.generic import NameObject
from tied_tables import tie

from audit.evidence.chain import head
from audit.evidence.manifest import Entry, append
from audit.evidence.store import Store
from audit.report import model
from audit.report.earlier import Earlier
from audit.report.pieces import Response, Theme
from audit.report.shapes import Report
from audit.sampling import printed
from audit.settings import Settings, validate
from audit.verify.pages import _to_unicode

Wrong = Callable[..., list[tuple[str, str]]]
"""Verifies a file, with roots: what differs or is not proved, as (part, text)."""
PASSPHRASE = "an obviously fake passphrase"
AS_OF = datetime(2026, 10, 5, 8, tzinfo=UTC)
CONTROLS = ("CHG-01", "CHG-02", "CHG-03", "CHG-04", "CHG-05", "CLU-01", "DEP-02", "EVD-02")
"""Those that the quarter's tables have exceptions or gaps of."""
OWNERS = [{"owner": "platform team", "controls": ["CHG-*"]}, {"owner": "checkout", "apps": ["checkout"]}]
RESPONSES = [
    Response("CHG-01", "release team", "Pushes to main are refused since then.", "2026-10-20", "a.yaml:1")
]
BEFORE = {
    name: {"conclusion": conclusion, "exceptions": count, "waived": 0}
    for name, conclusion, count in (
        ("CHG-01", "effective", 0), ("CHG-02", "exceptions", 9), ("CHG-03", "not tested", 0), ("DEP-02", "exceptions", 1),
        ("CHG-05", "effective", 0), ("CLU-01", "exceptions", 7),
    )
}  # fmt: skip
"""What some of them came to in the quarter before."""


def issue(
    name: str, issuer: tuple[Any, Any] | None = None, *, stamps: bool = False, key: Any = None
) -> tuple[Any, Any]:
    """A certificate and its key: a root without an issuer, an RSA key unless one is given."""
    key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, content_commitment=issuer is not None and not stamps, key_encipherment=False,
                data_encipherment=False, key_agreement=False, key_cert_sign=issuer is None, crl_sign=issuer is None,
                encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
    )  # fmt: skip
    if stamps:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True
        )
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def write(folder: Path, name: str, made: tuple[Any, Any]) -> None:
    (folder / f"{name}.pem").write_bytes(made[0].public_bytes(Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        made[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


def preparers(keys: Path, **values: Any) -> Settings:
    """Settings that sign with the preparer's key, or as `values` say; names of files in the folder may be short."""
    section = values or {"certificate": "preparer.pem", "key_file": "preparer.key"}
    section = {
        name: str(keys / value) if isinstance(value, str) and (keys / value).is_file() else value
        for name, value in section.items()
    }
    if "roots" in section:
        section["roots"] = [str(keys / name) for name in section["roots"]]
    return validate(
        {"organisation": {"name": "Example Organisation"}, "report_signature": section},
        where=keys / "audit.toml",
    )


def store_at(folder: Path) -> Store:
    """A store with two manifests."""
    store = Store(folder)
    for number in range(2):
        entry = Entry(
            "forge", "s3://audit-evidence/github/", f"{number}.json", "", "", AS_OF, "", 3, made.sha(number, length=64), AS_OF
        )  # fmt: skip
        append(store, as_of=AS_OF, entries=[entry])
    return store


def report_of(
    chain: Store, landings: int = 24, *, language: str = "en", theme: Theme | None = None
) -> Report:
    """A report of a few controls, so that it is laid out soon; nothing that is verified depends on their number."""
    tables = made.quarter(landings, 66)  # more than are printed one by one
    tie(tables)
    for name in ("conclusions", "exceptions"):
        tables[name] = tables[name][tables[name]["control"].isin(CONTROLS)].reset_index(drop=True)
    settings = made.settings(
        owners=OWNERS,
        report={"language": language},
        samples=[{"seed": 7, "tolerable": "0.2"}, {"seed": 7, "population": "writes"}],
    )
    return model.build(
        tables, settings, made.PERIOD, as_of=made.AS_OF, version="0.1.0",
        catalogue=[entry for entry in made.CATALOGUE if entry.id in CONTROLS], manifest=head(chain), signers=["0f0f"],
        earlier=Earlier("edition 1 of 2026Q2", BEFORE), responses=RESPONSES,
        samples=printed(tables, settings, made.PERIOD, made.AS_OF), theme=theme,
    )  # fmt: skip


def rewritten(data: bytes, change: Callable[[pypdf.PdfWriter], None]) -> bytes:
    """The file with something of it changed by a whole PDF library, everything else as it was."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def embedded(writer: pypdf.PdfWriter, name: str) -> Any:
    """The stream of an attachment."""
    names = writer.root_object["/Names"]["/EmbeddedFiles"]["/Names"]
    return names[list(names).index(name) + 1].get_object()["/EF"]["/F"]


def put(writer: pypdf.PdfWriter, name: str, data: bytes) -> None:
    """Other content in an attachment's place."""
    stream = embedded(writer, name)
    stream._data = zlib.compress(data)
    stream[NameObject("/Filter")] = NameObject("/FlateDecode")


def figure_changed(writer: pypdf.PdfWriter) -> None:
    """A population of 203 in the control matrix becomes one of 2, in the glyphs that draw it."""
    page = next(page for page in writer.pages if "Statement tested" in page.extract_text())
    content, hits = page["/Contents"].get_object(), 0
    data = content.get_data()
    for font in page["/Resources"]["/Font"].values():
        letters = {
            char: code for code, char in _to_unicode(font.get_object()["/ToUnicode"].get_data()).items()
        }
        if not set("203") <= set(letters):
            continue
        kern = rb"(?:>[-\d.]*<)?"
        number = kern.join(b"%04x" % letters[digit] for digit in "203")
        data, count = re.subn(rb"\[<" + number + rb">", b"[<%04x>" % letters["2"], data, count=1)
        hits += count
        if hits:
            break
    assert hits
    content.set_data(data)
