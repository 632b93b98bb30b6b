"""Tables of a quarter made to agree with each other, as those of a real one do, so that a report of them can be verified."""

from __future__ import annotations

import pandas as pd

from audit.model import Side


def tie(tables: dict[str, pd.DataFrame]) -> None:
    """Has figures follow from what they are made of, and populations from their items."""
    metrics = tables["metrics"]
    share, measured = metrics["unit"].eq("share"), metrics["unit"].eq("hours")
    value = (metrics["numerator"] / metrics["denominator"]).where(share, metrics["value"])
    value = value.mask(metrics["numerator"].isna())
    denominator = (metrics["numerator"].fillna(0) + metrics["undetermined"]).where(
        measured, metrics["denominator"]
    )
    numerator = metrics["numerator"].mask(measured & metrics["numerator"].isna(), 0)
    deployed = metrics["metric"].eq("deployment_frequency") & metrics["quarter"].eq(metrics["quarter"].max())
    value, numerator = (each.mask(deployed, len(tables["deployments"])) for each in (value, numerator))
    tables["metrics"] = metrics.assign(value=value, denominator=denominator, numerator=numerator)
    sides = tables["reconciled_counts"].groupby("side")["items"].sum()
    whole = {
        "CHG-01": len(tables["landings"]),
        "CLU-01": sides[Side.WRITE.value],
        "DEP-02": sides[Side.DEPLOYMENT.value],
    }
    conclusions = tables["conclusions"]
    own = conclusions["control"].map(whole).astype("Int64") - conclusions["scoped_out"]
    tables["conclusions"] = conclusions.assign(population=own.fillna(conclusions["population"]))
