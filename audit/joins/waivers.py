"""Findings that reviewed files waive."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from audit.tables import SecretFindings, conform


def waived(findings: pd.DataFrame, waivers: pd.DataFrame, *, as_of: datetime) -> pd.DataFrame:
    """`SecretFindings` with `waived` and `waiver`, from `SecretWaivers` of the same repositories.

    Args:
        as_of: the moment of which the build speaks: a waiver that has ended by then holds no more.
    """
    ended = (waivers["expires"] <= pd.Timestamp(as_of)).fillna(False).astype(bool)
    holding = waivers[~ended]
    text = (holding["place"] + ": " + holding["reason"]).rename("waiver")
    rows = findings.drop(columns=["waived", "waiver"]).merge(
        holding[["repo", "fingerprint"]].assign(waiver=text), on=["repo", "fingerprint"], how="left"
    )
    return conform(SecretFindings, rows.assign(waived=rows["waiver"].notna()))
