"""Path rules: which application and environments a path belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable

from audit.settings import PathRule

DEFAULT_RULES = (
    PathRule(pattern="apps/{app}/overlays/{environment}/**"),
    PathRule(pattern="apps/{app}/**"),
    PathRule(pattern="infrastructure/{app}/**"),
    PathRule(pattern="clusters/{environment}/**"),
)
"""The layout of the GitOps policy: what is not in one environment's overlay takes effect in all of them."""

DEFAULT_ENVIRONMENTS = ("dev", "staging", "prod")
WHOLE = "*"
"""The application of a path that belongs to a whole environment."""

_PART = re.compile(r"\{app\}|\{environment\}|\*\*/|\*\*|\*")


class PathRules:
    """Rules compiled once. The first that matches a path decides.

    A pattern matches a whole path: `{app}` and `{environment}` each one folder's name, `*` anything within one
    name, `**/` any folders or none, `**` anything. All else is literal.

    Args:
        rules: the settings' rules; `DEFAULT_RULES` when there are none.
        environments: every environment, for rules that name none; dev, staging and prod when there are none.
    """

    def __init__(self, rules: tuple[PathRule, ...], environments: Iterable[str]) -> None:
        self.environments = tuple(dict.fromkeys(environments)) or DEFAULT_ENVIRONMENTS
        self._given = rules or DEFAULT_RULES
        self._rules = [(re.compile(_regex(rule.pattern), re.DOTALL), rule) for rule in self._given]

    def facts(self) -> list[object]:
        """The rules and environments, in a form that JSON can tell."""
        return [[rule.model_dump(mode="json") for rule in self._given], list(self.environments)]

    def match(self, path: str) -> tuple[tuple[str, str], ...]:
        """(application, environment) pairs that a path belongs to; none when no rule matches."""
        for regex, rule in self._rules:
            found = regex.fullmatch(path)
            if found:
                named = found.groupdict()
                app = named.get("app") or rule.app or WHOLE
                one = named.get("environment")
                return tuple(
                    (app, env) for env in ((one,) if one else rule.environments or self.environments)
                )
        return ()


def _regex(pattern: str) -> str:
    result, at, seen = "", 0, set[str]()
    for part in _PART.finditer(pattern):
        result += re.escape(pattern[at : part.start()])
        at = part.end()
        name = part[0].strip("{}")
        if name in ("app", "environment"):
            result += f"(?P={name})" if name in seen else f"(?P<{name}>[^/]+)"
            seen.add(name)
        else:
            result += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}[part[0]]
    return result + re.escape(pattern[at:])
