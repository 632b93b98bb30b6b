"""What the controls of deployments share: their population, and history that nobody saw."""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Gap, Tables
from audit.controls.parts import deployment, pointer

_HISTORIES = ("argocd-application", "flux-object")
"""Formats whose records hold a history that the operator keeps short."""


def deployments(tables: Tables) -> pd.DataFrame:
    """Every deployment with its subject (`cluster/namespace/name@started`), who asked for it, and its pointer."""
    rows = tables["deployments"]
    return rows.assign(
        subject=deployment(rows),
        at=rows["started_at"],
        person_raw=rows["initiated_by"],
        evidence=pointer(rows),
    )


def unseen_history(tables: Tables, context: Context) -> tuple[Gap, ...]:
    """Gaps for entries of operators' histories that no snapshot shows: they keep the last ones only."""
    del context
    rows = tables["evidence_gaps"]
    rows = rows[rows["kind"].eq("cap") & rows["format"].isin(_HISTORIES)].sort_values(
        ["detail", "start"], kind="stable"
    )
    return tuple(
        Gap(detail, cluster=cluster) for detail, cluster in zip(rows["detail"], rows["cluster"], strict=True)
    )
