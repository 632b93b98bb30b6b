"""Who signed: whoever reviewed a report is not who prepared it, so that each signature has a key and a name of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


def same(signed: Sequence[Any]) -> Iterator[str]:
    """Signatures by whoever signed before: with the same key, or by a certificate of the same name and issuer.

    Args:
        signed: the signatures of a file (pyHanko), oldest first.
    """
    keys: dict[bytes, str] = {}
    names: dict[tuple[bytes, bytes], str] = {}
    for each in signed:
        certificate, field = each.signer_cert, str(each.field_name)
        key = certificate.public_key.dump()
        name = (certificate.subject.dump(), certificate.issuer.dump())
        if key in keys:
            yield f"{field}: signed with the key of {keys[key]}: who reviewed is not another than who prepared"
        elif name in names:
            yield f"{field}: signed in the name of {names[name]}: who reviewed is not another than who prepared"
        keys.setdefault(key, field)
        names.setdefault(name, field)
