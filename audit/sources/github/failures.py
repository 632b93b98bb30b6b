"""What went wrong with GitHub, in words that name the endpoint and the remedy.

Two kinds: a failure of the whole source (`EvidenceMissing`), after which nothing more is asked of it, and that of one
endpoint (`Refused`), which does not end the others. Neither ever holds what a request was authorised with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from audit.sources.github.endpoints import Endpoint

AGAIN = "collect again; if it stays, see GitHub's status page or ask who runs the server"
RENEW = (
    "make a new token with the permissions that docs/how-to/collect-github.md lists and set {variable} to it, "
    "or check app_id, installation_id and private_key_file under [github]"
)
_GRANT = "allow the token or App '{permission}' on it{sso}, then collect again"
_LONGEST = 160
_FORBIDDEN = 403
_MAY_NOT = re.compile(
    r"not accessible by|must have|must be an? |needs? .*scope|required scope|saml|single sign"
)
_PERMISSIONS = re.compile(r"[a-z_]+=[a-z]+(?:[,;] ?[a-z_]+=[a-z]+)*")


class Refused(Exception):
    """One endpoint can't be read, others may be."""

    def __init__(self, status: int, reason: str, *, remedy: str, message: str = "") -> None:
        """Args: status, as HTTP gives it, 0 where none tells; message, what GitHub said."""
        super().__init__(reason)
        self.message = message
        self.status = status
        self.reason = reason
        self.remedy = remedy


def refused(endpoint: Endpoint, status: int, headers: Mapping[str, str], message: str) -> Refused:
    """What a status of 400 or more means, and what to do."""
    what = f"GET {endpoint.path} answered {status}" + (f" ({printable(message)})" if message else "")
    accepted = headers.get("x-accepted-github-permissions", "")
    permission = accepted if _PERMISSIONS.fullmatch(accepted[:_LONGEST]) else endpoint.permission
    sso = " and authorise it for the organisation's single sign-on" if "x-github-sso" in headers else ""
    grant = _GRANT.format(permission=permission, sso=sso)
    remedies = {
        403: grant,
        404: f"check that it still exists; GitHub also says so to a token that may not know: {grant}",
        410: "it was removed, or the feature is switched off there: ask the repository's administrators",
        451: "it was taken down for legal reasons: ask the repository's administrators",
    }
    return Refused(status, what, remedy=remedies.get(status, AGAIN), message=printable(message))


def is_of_the_plan(error: Refused) -> bool:
    """Whether GitHub says that the plan has no such thing: nobody can be given a right to it."""
    return error.status == _FORBIDDEN and error.message.lower().startswith("upgrade ")


def lacks_right(error: Refused) -> bool:
    """Whether GitHub says that who asks may not, where others may."""
    return error.status == _FORBIDDEN and _MAY_NOT.search(error.message.lower()) is not None


def broken(endpoint: Endpoint, how: str) -> Refused:
    """A body that is not what was asked for."""
    return Refused(0, f"GET {endpoint.path}: {how}", remedy=AGAIN)


def printable(text: str) -> str:
    """Text from outside on one line, without control characters, and not for ever."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return plain[:_LONGEST] + ("…" if len(plain) > _LONGEST else "")
