"""What the controls of deployments share: their population."""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Tables
from audit.controls.parts import deployment, pointer


def deployments(tables: Tables) -> pd.DataFrame:
    """Every deployment with its subject (`cluster/namespace/name@started`), who asked for it, and its pointer."""
    rows = tables["deployments"]
    return rows.assign(
        subject=deployment(rows),
        at=rows["started_at"],
        person_raw=rows["initiated_by"],
        evidence=pointer(rows),
    )
