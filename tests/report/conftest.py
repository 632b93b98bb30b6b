"""What tests of the report share: one report, laid out once, signed once, and the keys of those who sign."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from verified import PASSPHRASE, Wrong, issue, preparers, report_of, store_at, write

from audit.evidence.store import Store
from audit.report import pdf, signed
from audit.report.publish import last_manifest
from audit.report.shapes import Report
from audit.verify import Verdict, opened, verify
from audit.verify import again as laying
from audit.verify.whole import LayOut


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return store_at(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def whole_report(chain: Store) -> Report:
    return report_of(chain)


@pytest.fixture(scope="session")
def whole_path(chain: Store, whole_report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The PDF of `whole_report`."""
    path = tmp_path_factory.mktemp("report") / "report.pdf"
    pdf.render(whole_report, path, manifest=last_manifest(chain))
    return path


@pytest.fixture(scope="session")
def unsigned(whole_path: Path) -> bytes:
    return whole_path.read_bytes()


@pytest.fixture(scope="session")
def again(unsigned: bytes) -> LayOut:
    """Lays a report out anew, once for the same results: most of what is done to a file leaves these as they were."""
    first = opened.open_pdf("report.pdf", unsigned).attachments
    kept = {(first["results.json"], first.get("manifest.json")): unsigned}

    def lay_out(results: bytes, manifest: bytes | None) -> bytes:
        if (results, manifest) not in kept:
            kept[results, manifest] = laying.laid_out(results, manifest)
        return kept[results, manifest]

    return lay_out


@pytest.fixture(scope="session")
def wrong(again: LayOut) -> Wrong:
    """What verifying a file finds that differs or is not proved, as (part, text)."""

    def found(path: Path, *roots: Any) -> list[tuple[str, str]]:
        checks = verify(path, roots, lay_out=again).checks
        return [(one.part, one.text) for one in checks if one.verdict in (Verdict.DIFFERS, Verdict.UNPROVED)]

    return found


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a root, the preparer's key, a reviewer's, an authority's for timestamps, another root, and a stranger's key."""
    folder = tmp_path_factory.mktemp("keys")
    root, other = issue("example root"), issue("example other root")
    write(folder, "root", root)
    write(folder, "other", other)
    write(folder, "reviewer", issue("example reviewer", root))
    write(folder, "tsa", issue("example authority", root, stamps=True))
    write(folder, "stranger", issue("example preparer", other))
    preparer = issue("example preparer", root)
    write(folder, "preparer", preparer)
    (folder / "preparer.p12").write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"preparer", preparer[1], preparer[0], None, BestAvailableEncryption(PASSPHRASE.encode())
        )
    )
    (folder / "passphrase").write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def signed_report(unsigned: bytes, keys: Path) -> bytes:
    """The report with the preparer's signature."""
    return signed.sign(unsigned, preparers(keys))
