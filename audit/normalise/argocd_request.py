"""Who called Argo CD's API, and what for: the claims and the request that its log tells of.

In JSON a request is an object, or text that holds one; in logfmt it may be as Go prints a message.
"""

from __future__ import annotations

import json
import re

import msgspec

from audit.normalise.interface import Row, Unreadable
from audit.normalise.jsonformat import is_there

_TOLD = (
    "action", "cascade", "dryRun", "id", "kind", "namespace", "patchType", "propagationPolicy", "prune", "resourceName",
    "revision", "role", "upsert", "version",
)  # fmt: skip
_PRINTED = re.compile(
    r"(?:^|[\s{,])(?P<name>[A-Za-z]+):\s*\*?(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<bare>[^,}{\s\"]+))"
)

Fields = dict[str, msgspec.Raw]
_fields = msgspec.json.Decoder(Fields)
_list = msgspec.json.Decoder(list[msgspec.Raw])
_any_text = msgspec.json.Decoder(str)


class _Claims(msgspec.Struct):
    sub: str | None = None
    email: str | None = None
    preferred_username: str | None = None
    iss: str | None = None
    groups: list[str] | None = None


_claims = msgspec.json.Decoder(_Claims | None)


def caller(raw: msgspec.Raw) -> Row:
    """Columns that tell who called: the e-mail, else the login, else the subject.

    Raises:
        Unreadable: the claims are no JSON.
    """
    if not is_there(raw):
        return {}
    text = _text(raw)
    try:
        found = _claims.decode(text.encode() if text is not None else raw)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Unreadable(f"grpc.request.claims: {error}") from None
    except RecursionError:
        raise Unreadable("grpc.request.claims: nested too deep") from None
    if found is None:
        return {}
    return {
        "user": found.email or found.preferred_username or found.sub or None,
        "subject": found.sub or None,
        "issuer": found.iss or None,
        "groups": " ".join(sorted(found.groups)) if found.groups else None,
    }


def told(raw: msgspec.Raw) -> Row:
    """Columns that tell what the request was about."""
    text = _text(raw) if is_there(raw) else None
    fields = _object(text.encode(errors="replace") if text is not None else bytes(raw))
    if fields is None:
        return _printed(text or "")
    application = _object(fields.get("application")) or {}
    metadata = (
        _object(application.get("metadata"))
        or _object((_object(fields.get("project")) or {}).get("metadata"))
        or {}
    )
    spec = _object(fields.get("spec")) or _object(application.get("spec")) or {}
    name = _text(fields.get("name")) or _text(fields.get("application")) or _text(metadata.get("name"))
    namespace = _text(fields.get("appNamespace")) or _text(metadata.get("namespace"))
    detail = {key: _plain(fields[key]) for key in _TOLD if key in fields}
    detail = {key: value for key, value in detail.items() if value not in (None, "", False)}
    overridden = _parameters(spec)
    if overridden:
        detail["parameters"] = overridden
    if _items(fields.get("manifests")):
        detail["manifests"] = True
    return {
        "app": f"{namespace}/{name}" if namespace and name else name,
        "project": _text(fields.get("project")) or _text(spec.get("project")),
        "detail": json.dumps(detail, sort_keys=True, ensure_ascii=False) if detail else None,
    }


def _parameters(spec: Fields) -> list[str]:
    """Names of the parameters, and images without their versions, that the sources of an Application override."""
    sources = [spec["source"]] if "source" in spec else _items(spec.get("sources"))
    found: set[str] = set()
    for source in sources:
        told = _object(source) or {}
        for tool in ("helm", "plugin"):
            for parameter in _items((_object(told.get(tool)) or {}).get("parameters")):
                found.add(_text((_object(parameter) or {}).get("name")) or "")
        for image in _items((_object(told.get("kustomize")) or {}).get("images")):
            found.add(f"image {_text(image) or ''}")
    return sorted(found - {""})


def _printed(text: str) -> Row:
    """The same from a message as Go prints it: `&ApplicationSyncRequest{Name:*web,…}` or `name:"web" …`."""
    found: dict[str, str] = {}
    for field in _PRINTED.finditer(text):
        name = field["name"][0].lower() + field["name"][1:]
        value = field["quoted"] if field["quoted"] is not None else field["bare"]
        if value not in ("nil", "<nil>", "false", ""):
            found.setdefault(name, value)
    name, namespace = found.get("name") or found.get("application"), found.get("appNamespace")
    detail = {key: found[key] for key in _TOLD if key in found}
    return {
        "app": f"{namespace}/{name}" if namespace and name else name,
        "project": found.get("project"),
        "detail": json.dumps(detail, sort_keys=True, ensure_ascii=False) if detail else None,
    }


def _object(raw: msgspec.Raw | bytes | None) -> Fields | None:
    """The fields of an object; None when it is something else."""
    if not raw:
        return None
    try:
        return _fields.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _items(raw: msgspec.Raw | None) -> list[msgspec.Raw]:
    if not raw:
        return []
    try:
        return _list.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def _text(raw: msgspec.Raw | None) -> str | None:
    """The text, where it is one and not empty."""
    if not raw:
        return None
    try:
        return _any_text.decode(raw) or None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _plain(raw: msgspec.Raw) -> str | bool | list[str] | None:
    """A text, truth or number (as it is written); None for anything else."""
    said = bytes(raw)
    if said in (b"true", b"false"):
        return said == b"true"
    if said[:1] in b"-0123456789" and said:
        return said.decode()[:40]
    return _text(raw)
