"""Who asks GitHub: a token from the environment, or an App's installation with its private key."""

from __future__ import annotations

import os
import re

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from github import Auth
from github.Requester import Requester

from audit.errors import EvidenceMissing, UsageError
from audit.settings import Settings

TIMEOUT = 30
"""Seconds for a connection, and between two pieces of an answer."""

_VERSION = "2022-11-28"
_TOKEN = re.compile(r"[\x21-\x7e]{1,1000}")


def check(settings: Settings) -> None:
    """Makes sure that the App's private key can be read, where the settings name an App.

    Raises:
        UsageError: it can't, or is none.
    """
    if settings.github.app_id is not None:
        _app(settings)


def requester(settings: Settings) -> Requester:
    """PyGithub's requester, authorised as the settings say. It asks nothing yet.

    Raises:
        UsageError: the App's private key can't be read or is none.
        EvidenceMissing: there is no token.
    """
    github = settings.github
    return Requester(
        auth=_app(settings) if github.app_id is not None else _token(github.token_variable),
        base_url=github.api_url,
        timeout=TIMEOUT,
        user_agent="gitops-audit",
        per_page=100,
        verify=True,
        retry=None,
        pool_size=None,
        api_version=_VERSION,
    )


def _token(variable: str) -> Auth.Token:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise EvidenceMissing(
            f"GitHub can't be asked: the environment variable {variable} holds no token",
            remedy=f"set {variable} to a token (docs/how-to/collect-github.md says which), or name an App under [github]",
        )
    if _TOKEN.fullmatch(value) is None:
        raise EvidenceMissing(
            f"GitHub can't be asked: what the environment variable {variable} holds is no token",
            remedy=f"set {variable} to the token alone, without spaces or line ends in it",
        )
    return Auth.Token(value)


def _app(settings: Settings) -> Auth.AppInstallationAuth:
    github = settings.github
    path = settings.resolve(github.private_key_file or "")
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"github.private_key_file: {path}: can't be read: {error.strerror}",
            remedy="check the path and its permissions",
        ) from None
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise UsageError(
            f"github.private_key_file: {path}: not an unencrypted RSA private key (PEM)",
            remedy="download the App's private key from its settings on GitHub",
        )
    app = Auth.AppAuth(github.app_id or 0, pem.decode("ascii", "replace"))
    return Auth.AppInstallationAuth(app, github.installation_id or 0)
