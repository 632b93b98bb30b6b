"""Values that stand in the clear in a file, as one finder sees them."""

from __future__ import annotations

import re
from typing import NamedTuple

_PLACEHOLDER = re.compile(
    r"""\s*(?:
        \{\{.*\}\}              # Helm, or any template
      | \$\{[^{}]*\} | \$\([\w.-]*\) | \$[A-Za-z_]\w* | %[A-Z_]+%   # substituted later
      | <[^<>]*>                # Argo CD's vault plugin: <key>, <path:…#key>
      | (?:ref|vault):\S+\#?\S* # other injectors' references
      | [x*.\-]{1,64}
      | (?:placeholder|replace[-_ ]?me|redacted|to[-_ ]?be[-_ ]?(?:replaced|set)|null|none|todo|tbd|your[-_][\w-]{1,40})
    )?\s*""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_VAULT = re.compile(r"<path:[^<>]+>|<[^<>\s]+>|vault:\S+")
_SOPS = re.compile(r"ENC\[AES256_GCM,data:[^,\]]*,iv:[^,\]]+,tag:[^,\]]+,type:[a-z]+\]")


class Clear(NamedTuple):
    """One value in the clear. It stays in memory alone: it is written and printed nowhere.

    Attributes:
        rule: what it is: the object with its key, or the place in the file.
        line: its line, counted from 1.
        value: what is secret.
        written: how the file writes it, where that differs (base64).
    """

    rule: str
    line: int
    value: bytes
    written: bytes

    def __repr__(self) -> str:
        return f"Clear({self.rule!r}, line {self.line})"


def placeholder(text: str) -> bool:
    """Whether a text only stands where a value will be: empty, a template, a variable, a reference."""
    return len(text) <= 4096 and _PLACEHOLDER.fullmatch(text) is not None


def vault(text: str) -> bool:
    """Whether a text is a reference that a plugin replaces by what a vault holds."""
    return _VAULT.search(text) is not None


def encrypted(text: str) -> bool:
    """Whether a text is a value that SOPS encrypted."""
    return _SOPS.fullmatch(text.strip()) is not None
