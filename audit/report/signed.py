"""Signing the report (PAdES): with a key in a file, on a PKCS#11 token or in a key service, stamped by an authority where one is named.

The signature is appended: the signed file begins with the exact unsigned bytes, which anyone can lay out anew. It
certifies the report and permits nothing after it but signatures, form fields and what keeps signatures verifiable.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asn1crypto import crl, pem, tsp
from asn1crypto import x509 as asn1_x509
from asn1crypto.keys import PrivateKeyInfo
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509 import load_pem_x509_certificates
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.pdf_signer import DSSContentSettings, TimestampDSSContentSettings
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import PathError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from audit.errors import UsageError
from audit.report.key_service import KeyServiceSigner
from audit.report.reader import QuickReader, page_of
from audit.settings import Settings
from audit.sources.kms import KmsKey
from audit.sources.timestamping import ask

FIELD = "Preparer"
BOX = (51, 96, 351, 156)
"""The visible field on the sign-off page, in points from the lower left corner of the sheet."""


_EMBEDDED = DSSContentSettings(
    include_vri=False, next_ts_settings=TimestampDSSContentSettings(include_vri=False, update_before_ts=True)
)
"""What verifies signature and timestamps later is written before the last timestamp, which so covers the file to its end."""


class Authority(TimeStamper):
    """A timestamping authority (RFC 3161) that is asked over HTTP.

    Raises:
        EvidenceMissing: it can't be reached.
    """

    def __init__(self, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._url = url

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """The authority's answer to a request."""
        return tsp.TimeStampResp.load(ask(self._url, req.dump()))


def sign(data: bytes, settings: Settings) -> bytes:
    """The report's bytes, followed by the signature that the settings ask for.

    Raises:
        UsageError: the settings name no key, a file of them can't be read, the report is signed already, or it has no page for a
            signature that is to be seen.
        EvidenceMissing: the timestamping authority can't be reached, or its answer does not hold.
    """
    chosen = settings.report_signature
    signer = _signer(settings)
    stamped = chosen.timestamp_url is not None
    writer = IncrementalPdfFileWriter.from_reader(QuickReader(data))
    if list(writer.prev.embedded_signatures):
        raise UsageError(
            "the report is signed already", remedy="reviewers sign with a program for PDF signatures"
        )
    meta = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm=getattr(signer, "digest", "sha256"),
        subfilter=fields.SigSeedSubFilter.PADES,
        name=settings.organisation.name,
        reason="Prepared by the entity",
        certify=True,
        docmdp_permissions=fields.MDPPerm.FILL_FORMS,
        embed_validation_info=stamped,
        use_pades_lta=stamped,
        validation_context=_context(settings) if stamped else None,
        dss_settings=_EMBEDDED,
    )
    page = _page(writer.prev) if chosen.visible else 0
    spec = fields.SigFieldSpec(FIELD, on_page=page, box=BOX if chosen.visible else None)
    try:
        machine = signers.PdfSigner(
            meta,
            signer,
            timestamper=Authority(chosen.timestamp_url) if chosen.timestamp_url else None,
            stamp_style=StaticStampStyle(border_width=1) if chosen.visible else None,
            new_field_spec=spec,
        )
        done = bytes(machine.sign_pdf(writer).getvalue())
    except (SigningError, PdfError, PathError, ValueError) as error:
        raise UsageError(
            f"the report can't be signed: {error}",
            remedy="check [report_signature]: key, certificates, roots and revocation lists",
        ) from None
    return done


def _page(reader: PdfFileReader) -> int:
    """The page of the sign-off, wherever a theme has it.

    Raises:
        UsageError: the report has none.
    """
    page = page_of(reader, "sign-off")
    if page is None:
        raise UsageError(
            "report_signature.visible: the report has no sign-off page for the signature",
            remedy="name sign-off among the sections of the theme, or set visible = false",
        )
    return page


def _signer(settings: Settings) -> Any:
    """What signs: a key in PEM files, in a PKCS#12 file, on a PKCS#11 token, or in a key service."""
    chosen = settings.report_signature
    if not chosen.wanted:
        raise UsageError(
            "no key signs reports",
            remedy="name certificate and key_file or kms_key, pkcs12 or pkcs11_module in [report_signature]",
        )
    secret = _passphrase(settings)
    if chosen.pkcs11_module is not None:
        return _on_token(settings, chosen.pkcs11_module, secret)
    if chosen.kms_key is not None:
        return _in_service(settings, chosen.kms_key)
    try:
        key, certificate, others = _loaded(settings, secret)
        if key.public_key() != certificate.public_key():
            raise ValueError("key and certificate do not belong together")
        private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        plain = [
            asn1_x509.Certificate.load(each.public_bytes(Encoding.DER)) for each in (certificate, *others)
        ]
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f"report_signature: the key can't be loaded: {type(error).__name__}",
            remedy="check that the files are PEM or PKCS#12, that key and certificate belong together, and the passphrase",
        ) from None
    registry = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    registry.register_multiple([*plain[1:], *certificates(settings, "chain")])
    return signers.SimpleSigner(
        signing_cert=plain[0], signing_key=PrivateKeyInfo.load(private), cert_registry=registry
    )


def _loaded(settings: Settings, secret: bytes | None) -> tuple[Any, Any, list[Any]]:
    """The private key, its certificate and others that came with it (cryptography).

    Raises:
        UsageError: a file can't be read.
        ValueError: it does not hold what it should, or the passphrase is another.
    """
    chosen = settings.report_signature
    if chosen.pkcs12 is not None:
        content = _bytes(settings, "pkcs12", chosen.pkcs12)
        key, certificate, others = pkcs12.load_key_and_certificates(content, secret)
        return key, certificate, others
    private = _bytes(settings, "key_file", str(chosen.key_file))
    found = load_pem_x509_certificates(_bytes(settings, "certificate", str(chosen.certificate)))
    return load_pem_private_key(private, secret), found[0], found[1:]


def _on_token(settings: Settings, module: str, pin: bytes | None) -> Any:
    chosen = settings.report_signature
    try:
        from pkcs11 import PKCS11Error  # noqa: PLC0415  # an extra
        from pyhanko.config.pkcs11 import TokenCriteria  # noqa: PLC0415
        from pyhanko.sign.pkcs11 import PKCS11Signer, open_pkcs11_session  # noqa: PLC0415
    except ImportError:
        raise UsageError(
            "report_signature.pkcs11_module: this installation can't speak to tokens",
            remedy="install it: pip install 'pyhanko[pkcs11]'",
        ) from None
    try:
        session = open_pkcs11_session(
            module,
            token_criteria=TokenCriteria(label=chosen.pkcs11_token),
            user_pin=pin.decode() if pin else None,
        )
    except (PKCS11Error, OSError) as error:
        raise UsageError(
            f"report_signature.pkcs11_module: {module}: {type(error).__name__}",
            remedy="check the module's path, the token's label and the PIN",
        ) from None
    chain = certificates(settings, "chain")
    return PKCS11Signer(session, cert_label=chosen.pkcs11_label, ca_chain=chain)


def _in_service(settings: Settings, name: str) -> Any:
    chosen = settings.report_signature
    path = settings.resolve(str(chosen.certificate))
    certificate, *others = read_certificates("report_signature.certificate", path)
    key = KmsKey(name, region=chosen.kms_region, endpoint_url=chosen.kms_endpoint_url)
    return KeyServiceSigner(key, certificate, [*others, *certificates(settings, "chain")])


def _passphrase(settings: Settings) -> bytes | None:
    chosen = settings.report_signature
    if chosen.passphrase_env is not None:
        found = os.environ.get(chosen.passphrase_env)
        if found is None:
            raise UsageError(
                f"report_signature.passphrase_env: {chosen.passphrase_env} is not set",
                remedy="set it, or name another",
            )
        return found.encode()
    if chosen.passphrase_file is not None:
        return _bytes(settings, "passphrase_file", chosen.passphrase_file).rstrip(b"\r\n")
    return None


def certificates(settings: Settings, key: str) -> list[asn1_x509.Certificate]:
    """The certificates of the PEM files that a key of `[report_signature]` names.

    Raises:
        UsageError: one can't be read or holds none.
    """
    found: list[asn1_x509.Certificate] = []
    for name in getattr(settings.report_signature, key):
        found += read_certificates(f"report_signature.{key}", settings.resolve(name))
    return found


def read_certificates(what: str, path: Path) -> list[asn1_x509.Certificate]:
    """The certificates in a PEM or DER file.

    Raises:
        UsageError: it can't be read or holds none.
    """
    try:
        found = list(load_certs_from_pemder_data(path.read_bytes()))
        for each in found:
            str(each.subject.native)
    except (OSError, ValueError, TypeError):
        found = []
    if not found:
        raise UsageError(
            f"{what}: {path}: no certificate can be read", remedy="name a PEM file of certificates"
        )
    return found


def _context(settings: Settings) -> ValidationContext:
    """What the certificates are held against, for what is embedded to verify them later. Asks nobody."""
    chosen = settings.report_signature
    lists = [crl.CertificateList.load(_der(settings, name)) for name in chosen.revocation_lists]
    return ValidationContext(
        trust_roots=certificates(settings, "roots"),
        other_certs=certificates(settings, "chain"),
        crls=lists,
        allow_fetching=False,
        revocation_mode="require" if lists else "soft-fail",
    )


def _der(settings: Settings, name: str) -> bytes:
    content = _bytes(settings, "revocation_lists", name)
    return bytes(pem.unarmor(content)[2]) if pem.detect(content) else content


def _bytes(settings: Settings, key: str, name: str) -> bytes:
    path = settings.resolve(name)
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"report_signature.{key}: {path}: can't be read: {error.strerror}",
            remedy="check the path and its permissions",
        ) from None


def valid_until(settings: Settings) -> datetime:
    """When the certificate that signs reports ends (UTC); its key was opened, and belongs to it.

    Raises:
        UsageError: there is no key, or it can't be used.
    """
    until: datetime = _signer(settings).signing_cert.not_valid_after
    return until.astimezone(UTC)
