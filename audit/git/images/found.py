"""What one file was found to set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

KUSTOMIZE = "kustomize images"
HELM = "helm values"
MANIFEST = "manifest"
TAG_FILE = "tag file"
OPERATOR = "operator object"
NO_TAG = "(no tag)"
"""Stands for the version of a container's image that is written without any."""


class Setting(NamedTuple):
    """One image as it is set in one place.

    Attributes:
        set_by: as in the table `image_settings`.
        image: without tag and digest; where values name none, the value itself, as in `web.image`.
        version: tag or digest as written; None when only the image is named, or by a template.
    """

    set_by: str
    image: str
    version: str | None


@dataclass(slots=True)
class Found:
    """What a file sets, and what of it can't be read.

    Attributes:
        settings: by locator.
        problems: why, by locator of a part that can't be read: what is set at or below it is not known.
        unread: why, when nothing of the file can be read.
    """

    settings: dict[str, Setting] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    unread: str | None = None

    def add(self, at: str, set_by: str, image: str, version: str | None) -> None:
        """One setting; the first one at a locator counts."""
        self.settings.setdefault(at, Setting(set_by, image, version))
