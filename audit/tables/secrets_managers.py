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
