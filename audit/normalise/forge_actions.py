"""Of what kind an action of GitHub's audit log is, and which actions change nothing.

Actions are named `area.verb`; new ones appear often, so that the area decides as far as it can. Source: the lists of
audit log events in GitHub's documentation, for organisations and for enterprises.
"""

from __future__ import annotations

import re

_READS = re.compile(r"git\.(?:clone|fetch)|api\..+|repo\.download_(?:zip|tar\w*)|.+\.(?:audit_log_)?export")

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("push", r"git\.|push$|(?:create|delete)$"),
        ("ruleset", r"[a-z_]*ruleset\w*\."),
        ("protection", r"protected_branch\.|branch_protection_rule\.|required_status_check\."),
        ("merge_queue", r"\w*merge_queue\w*\.|merge_group\.|pull_request\.(?:en|de)queued"),
        ("review", r"pull_request_review\w*\."),
        ("pull_request", r"pull_request\."),
        ("secret_scanning", r".*(?:secret_scanning|push_protection)"),
        ("runner", r".*(?:self_hosted_runner|runner_group|hosted_runner)"),
        ("deployment", r"deployment\w*\."),
        ("check", r"check_(?:run|suite)\.|checks\.|status$"),
        ("token", r"(?:personal_access_token|oauth_access|oauth_authorization|org_credential_authorization"
                  r"|user_programmatic_access|programmatic_access\w*|github_app_authorization)\w*\.|.*personal_access_token"),
        ("app", r"(?:integration|oauth_application|installation|marketplace_\w+)\w*\.|\w+\..*(?:oauth_app|integration)"),
        ("key", r"(?:deploy_key|public_key|gpg_key|ssh_\w+|git_signing_ssh_public_key)\."),
        ("actions", r"(?:workflows?|workflow_\w+|environment|actions_\w+|codespaces_\w+)\.|\w+\..*(?:actions_|_workflow|environment)"),
        ("access", r"(?:team|team_\w+|member|membership|role|roles|custom_\w*role|organization_role|repository_role"
                   r"|external_identity|external_group|enterprise_team|two_factor_\w+|user|user_\w+)(?:\.|$)"
                   r"|(?:org|organization|business|enterprise|repo|repository)\.(?:\w*member\w*|\w*collaborator\w*|\w*admin|\w*owner\w*"
                   r"|\w*billing_manager|\w*permission\w*|\w*two_factor\w*|\w*saml\w*|\w*sso\w*|\w*role\w*|\w*team\w*|(?:un)?block_user"
                   r"|\w*invit\w+)$|org_block\."),
        ("hook", r"(?:hook|meta)\.|ping$"),
        ("repository", r"(?:repo|repository|repository_\w+|private_repository_\w+)\.|public$"),
        ("organisation", r"(?:org|organization|business|enterprise|account|ip_allow_list\w*|dependabot_\w+|billing)\."),
    )
)  # fmt: skip


def category(action: str) -> str:
    """One of the kinds that `forge_events` knows: the first kind whose pattern the action begins with, else `other`."""
    return next((kind for kind, pattern in _KINDS if pattern.match(action)), "other")


def only_reads(action: str) -> bool:
    """Whether an action changes nothing: clones, fetches, downloads, calls of the API. By rule it is noise."""
    return _READS.fullmatch(action) is not None
