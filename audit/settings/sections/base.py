"""What every section of the settings is made of."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def _regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return value


Regex = Annotated[str, AfterValidator(_regex)]


class Section(BaseModel):
    """Base of every section: no key that is not declared, nothing changed after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)
