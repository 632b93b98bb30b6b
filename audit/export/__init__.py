"""A quarter's tables for people who may not see the store, as files; with pseudonyms for whoever is named, if wished."""

from __future__ import annotations

from audit.export.pseudonyms import Pseudonyms
from audit.export.write import Exported, export

__all__ = ["Exported", "Pseudonyms", "export"]
