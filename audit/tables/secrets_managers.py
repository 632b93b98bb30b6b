"""What the managers of secrets say: who asked them for what."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Bool, Int, Meta, Table, column
from audit.tables.forge import _EVIDENCE, _LINE


class SecretAccess(Table):
    """Lines of Vault's audit devices: a request and its response are two rows that share an id."""

    request_id: str = column("Id that a request and its response share")
    type: str = column("request or response", isin=["request", "response"])
    at: UTC = column("When the line was written")
    operation: str = column("create, read, update, patch, delete, list, help, renew, revoke or rollback")
    namespace: str = column("Namespace; empty for the root namespace")
    mount: str = column("Mount point as the line gives it; empty where it gives none")
    mount_type: str = column("Kind of the mount, such as kv or approle; empty where the line gives none")
    path: str = column("Path, mount included")
    entity: str = column("Id of the entity; empty for a token without one")
    display_name: str = column("Display name of the token; empty before there is a token")
    policies: str = column("Policies of the token, sorted, separated by commas")
    accessor: str = column(
        "Accessor of the token, as the device writes it: usually an HMAC, under a salt of the device's own",
        optional=True,
    )
    token_type: str = column("service, batch or default; empty where the line gives none")
    root: Bool = column("The token has the root policy")
    root_issued: Bool = column("The response hands out a token with the root policy")
    allowed: Bool = column("Whether policies allowed it; missing where the line doesn't say", optional=True)
    remote_address: str = column("Address it came from; empty for Vault itself")
    error: str = column("Error; empty when there was none")
    in_clear: Bool = column("The device wrote the token in the clear: its values are no HMACs")
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Requests to Vault and its responses"
        metadata: ClassVar[Meta] = {
            "source": "Vault audit device; what is read or written, HMAC'd or not, is never taken in",
            "stage": "normalised",
            "time": "at",
        }
        unique: ClassVar[list[str]] = [
            "request_id",
            "type",
            "operation",
            "namespace",
            "path",
            "entity",
            "display_name",
            "remote_address",
            "error",
        ]


class ManagedSecrets(Table):
    """Secrets that a cluster gets from elsewhere, one row for each snapshot: from where, and when last. Never a value."""

    cluster: str = column("Cluster that holds it")
    kind: str = column(
        "SealedSecret, ExternalSecret, PushSecret, SecretStore, …; of SOPS the object's kind, File for none"
    )
    namespace: str = column("Namespace; empty for a cluster-wide object")
    name: str = column("Name")
    manager: str = column(
        "sealed-secrets, external-secrets or sops", isin=["sealed-secrets", "external-secrets", "sops"]
    )
    observed_at: UTC = column(
        "The last time of which it tells: refreshed, changed its condition; SOPS: encrypted", optional=True
    )
    created_at: UTC = column("When the object was created", optional=True)
    store: str = column("Stores it comes from as kind/name; of a store its provider; empty for none")
    remote: str = column("What it is called in the store, sorted, separated by spaces")
    keys: Int = column("Keys that it holds, as far as it names them", unit="keys", ge=0)
    refresh_interval: str = column("How often it is refreshed, as written", optional=True)
    refreshed_at: UTC = column("When it was refreshed last", optional=True)
    synced_version: str = column("Version that was synced last, as its operator names it", optional=True)
    ready: str = column("The Ready or Synced condition: True, False or Unknown", optional=True)
    reason: str = column("Its reason", optional=True)
    health_status: str = column(
        "Healthy, Degraded or Progressing, as Argo CD judges it; missing for SOPS", optional=True
    )
    recipients: Int = column(
        "Keys that SOPS encrypted it for; missing for others", unit="keys", optional=True
    )
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Secrets that clusters get from elsewhere, snapshot by snapshot"
        metadata: ClassVar[Meta] = {
            "source": "SealedSecret, External Secrets objects, objects encrypted by SOPS; no value is ever taken in",
            "stage": "normalised",
        }
        unique: ClassVar[list[str]] = [
            "cluster",
            "kind",
            "namespace",
            "name",
            "observed_at",
            "evidence",
            "line",
        ]
