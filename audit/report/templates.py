"""Where the templates, the print stylesheet and the fonts lie."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path

from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

from audit.errors import UsageError


def folder() -> Path:
    """The templates' folder: inside the installed package, else `reports/templates` of a source tree.

    Raises:
        UsageError: neither is there.
    """
    package = Path(str(resources.files("audit"))).resolve()
    for candidate in (package / "report" / "templates", package.parent / "reports" / "templates"):
        if (candidate / "report.html").is_file():
            return candidate
    raise UsageError(
        f"{package}: the report's templates are missing",
        remedy="install the package again from a whole wheel",
    )


@lru_cache(maxsize=1)
def glyphs() -> frozenset[int]:
    """Code points that every shipped font can draw."""
    fonts = sorted((folder() / "fonts").glob("*.woff2"))
    return frozenset.intersection(*(frozenset(TTFont(path, lazy=True).getBestCmap()) for path in fonts))
