"""Who made a request to Vault: by the token's entity, else by its display name, behind which the way of signing on stands."""

from __future__ import annotations

import pandas as pd

from audit.joins.identity import Resolver

_LOGIN = r"^(?:oidc|ldap|userpass|jwt|saml)-"
_FORGE = r"^github-"


def who_asked(rows: pd.DataFrame, resolver: Resolver) -> pd.DataFrame:
    """Who made each request of `SecretAccess`, as `Resolver.resolve` says it; a token without a name is `vault:unknown`."""
    shown = rows["display_name"]
    at_forge = shown.str.contains(_FORGE, case=False)
    name = shown.str.replace(_LOGIN, "", case=False, regex=True).where(shown.ne(""))
    found = resolver.resolve(name, "vault", rows["at"])
    by_entity = resolver.resolve(rows["entity"].where(rows["entity"].ne("")), "vault", rows["at"])
    login = shown.str.replace(_FORGE, "", case=False, regex=True).where(at_forge)
    by_forge = resolver.resolve(login, "github", rows["at"])
    found = found.mask(by_forge["known"] & ~found["known"], by_forge)
    found = found.mask(by_entity["known"], by_entity)
    return found.astype({"person": "str", "known": bool, "kind": "str"})
