"""What the controls of deployments share: their population, and history that nobody saw."""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Gap, Tables
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


def unseen_history(tables: Tables, context: Context) -> tuple[Gap, ...]:
    """Gaps for entries of Argo CD's history in the quarter that no snapshot shows: it keeps the last ones only.

    Entries are numbered from 0, application by application. A hole between two entries concerns the quarter when it
    may lie in it: the entry after it is not before the quarter, and the entry before it is not after.
    """
    records = tables["sync_records"]
    seen = records[records["operator"].eq("argocd") & records["history_id"].notna()]
    seen = seen.groupby(["cluster", "app", "history_id"], sort=True)["finished_at"].min().reset_index()
    before = seen.groupby(["cluster", "app"])[["history_id", "finished_at"]].shift(1)
    first = before["history_id"].fillna(-1).astype("int64") + 1
    last = seen["history_id"].astype("int64") - 1
    concerns = seen["finished_at"].ge(context.start) & ~before["finished_at"].ge(context.stop)
    holes = seen[concerns & first.le(last)]
    entries = pd.Series("entry ", index=holes.index).where(first.eq(last).loc[holes.index], "entries ")
    numbers = first.loc[holes.index].astype("str")
    numbers = numbers + ("–" + last.loc[holes.index].astype("str")).where(first.ne(last).loc[holes.index], "")
    were = pd.Series(" was", index=holes.index).where(first.eq(last).loc[holes.index], " were")
    texts = holes["cluster"] + "/" + holes["app"] + ": history " + entries + numbers + were + " never seen"
    return tuple(map(Gap, texts))
