"""Secrets that a cluster gets from elsewhere, to `managed_secrets`: sealed ones, external ones and their stores, SOPS.

Values, encrypted or not, are never decoded: of a secret's data only the number of keys counts, and where it comes from.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec

from audit.normalise.conditions import Condition, health, latest, named
from audit.normalise.interface import Context, Outcome, Row, Unreadable
from audit.normalise.jsonformat import ABSENT, JsonFormat, cluster_of, is_there, keys, names
from audit.normalise.times import Time, optional, utc

_EXTERNAL, _SEALED = "external-secrets.io/", "bitnami.com/"
_GROUPS = {
    "SealedSecret": _SEALED,
    "ExternalSecret": _EXTERNAL,
    "ClusterExternalSecret": _EXTERNAL,
    "PushSecret": _EXTERNAL,
    "ClusterPushSecret": _EXTERNAL,
    "SecretStore": _EXTERNAL,
    "ClusterSecretStore": _EXTERNAL,
}
_RECIPIENTS = ("age", "azure_kv", "gcp_kms", "hc_vault", "hckms", "kms", "pgp")

_FILE = "File"
T = TypeVar("T")
_Interval = str | Annotated[int, msgspec.Meta(ge=0)]


class _Metadata(msgspec.Struct):
    name: str
    namespace: str = ""
    creationTimestamp: Time | None = None


class _StoreRef(msgspec.Struct):
    name: str | None = None
    kind: str | None = None


class _RemoteRef(msgspec.Struct):
    key: str | None = None
    remoteKey: str | None = None


class _Match(msgspec.Struct):
    remoteRef: _RemoteRef | None = None


class _SourceRef(msgspec.Struct):
    """A store of its own, or what makes the secret."""

    storeRef: _StoreRef | None = None
    generatorRef: _StoreRef | None = None


class _Data(msgspec.Struct):
    remoteRef: _RemoteRef | None = None
    match: _Match | None = None
    sourceRef: _SourceRef | None = None


class _Name(msgspec.Struct):
    regexp: str | None = None


class _Find(msgspec.Struct):
    path: str | None = None
    name: _Name | None = None
    tags: dict[str, str] | None = None


class _From(msgspec.Struct):
    extract: _RemoteRef | None = None
    find: _Find | None = None
    sourceRef: _SourceRef | None = None


class _Spec(msgspec.Struct):
    """The fields of all the kinds; a ClusterExternalSecret holds those of an ExternalSecret, a ClusterPushSecret those of a PushSecret."""

    encryptedData: dict[str, msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    secretStoreRef: _StoreRef | None = None
    secretStoreRefs: list[_StoreRef] | None = None
    refreshInterval: _Interval | None = None
    refreshTime: _Interval | None = None
    data: list[_Data] | None = None
    dataFrom: list[_From] | None = None
    provider: dict[str, msgspec.Raw] | None = None
    externalSecretSpec: _Spec | None = None
    pushSecretSpec: _Spec | None = None


class _Status(msgspec.Struct):
    conditions: list[Condition] | None = None
    refreshTime: Time | None = None
    syncedResourceVersion: str | None = None


class _Sops(msgspec.Struct):
    lastmodified: Time
    mac: msgspec.Raw = ABSENT
    age: list[msgspec.Raw] | None = None
    azure_kv: list[msgspec.Raw] | None = None
    gcp_kms: list[msgspec.Raw] | None = None
    hc_vault: list[msgspec.Raw] | None = None
    hckms: list[msgspec.Raw] | None = None
    kms: list[msgspec.Raw] | None = None
    pgp: list[msgspec.Raw] | None = None
    key_groups: list[dict[str, msgspec.Raw]] | None = None


class Object(msgspec.Struct):
    """One of the kinds, or any object that SOPS encrypted."""

    kind: str
    metadata: _Metadata
    spec: msgspec.Raw = ABSENT
    status: msgspec.Raw = ABSENT
    sops: _Sops | None = None
    data: msgspec.Raw = ABSENT
    stringData: msgspec.Raw = ABSENT


_spec = msgspec.json.Decoder(_Spec)
_status = msgspec.json.Decoder(_Status)
_keys = msgspec.json.Decoder(dict[str, msgspec.Raw])
_listed = msgspec.json.Decoder(list[msgspec.Raw])


def _rows(found: Object, context: Context) -> Outcome:
    metadata = found.metadata
    row: Row = {
        "cluster": cluster_of(context),
        "kind": found.kind,
        "namespace": metadata.namespace,
        "name": metadata.name,
        "created_at": optional(metadata.creationTimestamp),
    }
    if found.sops is not None:
        row |= _encrypted((found.data, found.stringData), found.sops)
    elif found.kind in _GROUPS:
        row |= _synced(found)
    else:
        raise Unreadable(f"neither a secret from elsewhere nor encrypted by SOPS: {found.kind[:40]!r}")
    return Outcome([("managed_secrets", row)], row["observed_at"])


class _File(msgspec.Struct):
    """A file that SOPS encrypted and that is no object, such as the values of a chart; what it holds is not decoded."""

    sops: _Sops


def _file(found: _File, context: Context, count: int) -> Outcome:
    row: Row = {
        "cluster": cluster_of(context),
        "kind": _FILE,
        "namespace": "",
        "name": context.key.rpartition("/")[2],
        "created_at": None,
        **_encrypted((), found.sops),
        "keys": count,
    }
    return Outcome([("managed_secrets", row)], row["observed_at"])


def _synced(found: Object) -> Row:
    """Columns of what an operator syncs: its state is its own word."""
    spec, status = _decoded(_spec, found.spec, _Spec()), _decoded(_status, found.status, _Status())
    spec = spec.externalSecretSpec or spec.pushSecretSpec or spec
    conditions = status.conditions
    state = named(conditions, "Ready", "Synced")
    interval = spec.refreshInterval if spec.refreshInterval is not None else spec.refreshTime
    sealed = spec.encryptedData if isinstance(spec.encryptedData, dict) else {}
    return {
        "manager": "sealed-secrets" if found.kind == "SealedSecret" else "external-secrets",
        "observed_at": latest(conditions, status.refreshTime),
        "store": _store(spec),
        "remote": _remote(spec),
        "keys": len(sealed) if found.kind == "SealedSecret" else len(spec.data or ()),
        "refresh_interval": None if interval is None else str(interval),
        "refreshed_at": optional(status.refreshTime),
        "synced_version": status.syncedResourceVersion or None,
        "ready": state.status if state is not None else None,
        "reason": (state.reason or None) if state is not None else None,
        "health_status": health(conditions, ("Ready", "Synced"), failed=("NotReady", "PartiallyReady")),
        "recipients": None,
    }


def _encrypted(values: tuple[msgspec.Raw, ...], sops: _Sops) -> Row:
    """Columns of what SOPS encrypted, of which the values count by their keys."""
    if not is_there(sops.mac):
        raise Unreadable("encrypted by SOPS without a mac")
    groups = [getattr(sops, name) or [] for name in _RECIPIENTS]
    recipients = sum(len(listed) for listed in groups)
    for group in sops.key_groups or ():
        recipients += sum(
            len(_decoded(_listed, raw, [])) for name, raw in group.items() if name in _RECIPIENTS
        )
    return {
        "manager": "sops",
        "observed_at": utc(sops.lastmodified),
        "store": "",
        "remote": "",
        "keys": sum(len(_decoded(_keys, raw, {})) for raw in values),
        "refresh_interval": None,
        "refreshed_at": None,
        "synced_version": None,
        "ready": None,
        "reason": None,
        "health_status": None,
        "recipients": recipients,
    }


def _store(spec: _Spec) -> str:
    """The stores and generators it comes from as kind/name, those of single keys included; or of a store its provider."""
    own = [
        each.sourceRef for each in (*(spec.data or ()), *(spec.dataFrom or ())) if each.sourceRef is not None
    ]
    references = [spec.secretStoreRef, *(spec.secretStoreRefs or ())]
    references += [ref for each in own for ref in (each.storeRef, each.generatorRef)]
    told = {
        f"{each.kind or 'SecretStore'}/{each.name}" for each in references if each is not None and each.name
    }
    return " ".join(sorted(told or {*(spec.provider or ())}))


def _remote(spec: _Spec) -> str:
    """What it is called in the store, each once, sorted, separated by spaces; of what is looked for, the path, pattern and tags."""
    references = [
        each.remoteRef or (each.match.remoteRef if each.match else None) for each in spec.data or ()
    ]
    references += [each.extract for each in spec.dataFrom or ()]
    told = {each.key or each.remoteKey or "" for each in references if each is not None}
    told |= {_looked_for(each.find) for each in spec.dataFrom or () if each.find is not None}
    return " ".join(sorted(told - {""}))


def _looked_for(find: _Find) -> str:
    name = find.name.regexp if find.name is not None else None
    tags = ",".join(f"{key}={value}" for key, value in sorted((find.tags or {}).items()))
    return "/".join(part for part in (find.path, f"~{name}" if name else None, tags) if part)


def _decoded(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw, default: T) -> T:
    if not is_there(raw):
        return default
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(str(error)) from None
    except RecursionError:
        raise Unreadable("nested too deep") from None


def _looks(record: bytes) -> bool:
    if b'"sops"' in record:
        top = names(record)
        if {"apiVersion", "kind", "metadata", "sops"} <= top or (
            _is_file(top) and b'"lastmodified"' in record
        ):
            return True
    if _EXTERNAL.encode() not in record and _SEALED.encode() not in record:
        return False
    found = keys(record)
    group = _GROUPS.get(found.kind or "")
    return group is not None and (found.apiVersion or "").startswith(group)


def _is_file(top: frozenset[str]) -> bool:
    return "sops" in top and top.isdisjoint({"apiVersion", "kind"})


class _Managed(JsonFormat[Object]):
    """As any format of JSON; files that SOPS encrypted are no objects."""

    def read(self, record: bytes, context: Context) -> Outcome:
        top = names(record) if b'"sops"' in record else frozenset()
        if not _is_file(top):
            return super().read(record, context)
        try:
            return _file(_of_file.decode(record), context, len(top) - 1)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unreadable(str(error)) from None
        except RecursionError:
            raise Unreadable("nested too deep") from None


_of_file = msgspec.json.Decoder(_File)

FORMAT = _Managed("managed-secret", 3, ("managed_secrets",), Object, _rows, _looks)
