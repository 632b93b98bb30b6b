"""Signing with a key that stays in a key service: digests go there, signatures come back, and what goes wrong is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from kms_server import ACCESS_KEY, serving
from verified import issue, preparers, write

from audit.errors import UsageError
from audit.report import signed
from audit.verify import Verdict
from audit.verify.signatures import checks


@pytest.fixture
def credentials(no_credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 finds the auditor's, in its own chain."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "an obviously fake secret")


def key_of(keys: Path, name: str) -> Any:
    return load_pem_private_key((keys / f"{name}.key").read_bytes(), None)


def service(keys: Path, url: str, certificate: str = "preparer.pem", key: str = "alias/report") -> Any:
    return preparers(
        keys, certificate=certificate, kms_key=key, kms_endpoint_url=url, kms_region="eu-central-1"
    )


@pytest.mark.parametrize("curve", [None, ec.SECP256R1(), ec.SECP384R1()])
def test_a_key_in_a_service_signs_and_stays_there(
    curve: Any, unsigned: bytes, keys: Path, tmp_path: Path, credentials: None
) -> None:
    """RSA, and ECDSA with the digest that belongs to the curve; the service sees digests alone."""
    folder, root = keys, keys / "root.pem"
    if curve is not None:
        folder, root = tmp_path, tmp_path / "root.pem"
        authority = issue("example root")
        write(tmp_path, "root", authority)
        write(tmp_path, "preparer", issue("example preparer", authority, key=ec.generate_private_key(curve)))
    with serving({"alias/report": key_of(folder, "preparer")}) as (url, server):
        done = signed.sign(unsigned, service(folder, url))
    assert done.startswith(unsigned)
    (found,) = checks(done, signed.read_certificates("root", root))
    assert found.verdict is Verdict.AGREES
    assert "example preparer" in found.text
    assert [operation for operation, _ in server.asked] == ["GetPublicKey", "Sign"]
    assert len(server.asked[1][1]["Message"]) <= 64  # base64 of a digest


def test_what_goes_wrong_with_a_service_is_told(
    unsigned: bytes, keys: Path, credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving({"alias/report": key_of(keys, "reviewer")}) as (url, _):
        with pytest.raises(UsageError, match="alias/report is not the key of the certificate"):
            signed.sign(unsigned, service(keys, url))
        with pytest.raises(UsageError, match=r"kms_key: alias/none: NotFoundException"):
            signed.sign(unsigned, service(keys, url, key="alias/none"))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLESOMEBODY")
        with pytest.raises(UsageError, match="AccessDeniedException") as told:
            signed.sign(unsigned, service(keys, url))
    assert "who are you" not in str(told.value)
    assert "kms:Sign" in told.value.remedy


def test_settings_that_name_half_a_service_are_refused(keys: Path) -> None:
    for wrong in (
        {"kms_key": "alias/report"},
        {"certificate": "preparer.pem", "kms_region": "eu-central-1"},
        {"certificate": "preparer.pem", "key_file": "preparer.key", "kms_key": "alias/report"},
        {"pkcs12": "preparer.p12", "kms_region": "eu-central-1"},
        {"certificate": "preparer.pem", "kms_key": "alias/report", "kms_endpoint_url": "file:///x"},
    ):
        with pytest.raises(UsageError, match="report_signature"):
            preparers(keys, **wrong)
