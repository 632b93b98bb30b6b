"""What webhooks tell of the protection of branches, in the words of the forge's log.

The log tells each part of a protection by an event of its own; a webhook tells all that one save changed at once. What the
log tells too, within minutes, is left out: webhooks add what it does not hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

_TWIN = pd.Timedelta(minutes=10)
"""How far apart the log's event and the webhook's of one change may be."""
_VERBS = {"created": "create", "deleted": "destroy", "edited": "update"}
_CLASSIC, _RULESET = "branch_protection_rule", "repository_ruleset"


def in_words_of_the_log(
    told: pd.DataFrame, logged: pd.DataFrame, switches: Mapping[str, str]
) -> pd.DataFrame:
    """Events of webhooks as the log would have told them.

    Args:
        told: rows of `ForgeEvents` by webhooks, of protections and rulesets, each with its time.
        logged: those by the log.
        switches: by field of a protection, the log's action that tells its new value.

    Returns:
        the columns of `told`; one row for each part of a protection that was changed, none for what `logged` holds.
    """
    rows = [row for each in told.to_dict("records") for row in _events(each, switches)]
    found = pd.DataFrame(rows, columns=told.columns).astype(told.dtypes)
    both = (
        found[["repo", "category", "at"]]
        .reset_index()
        .merge(logged[["repo", "category", "at"]], on=["repo", "category"], suffixes=("", "_logged"))
    )
    twins = both.loc[(both["at"] - both["at_logged"]).abs() <= _TWIN, "index"]
    return found[~found.index.isin(twins)]


def _events(row: Mapping[Any, Any], switches: Mapping[str, str]) -> Iterator[dict[Any, Any]]:
    event, _, verb = row["action"].partition(".")
    verb = _VERBS.get(verb, verb)
    if event == _RULESET:
        yield {**row, "action": f"{event}.{verb}", "detail": json.dumps(_ruleset(json.loads(row["detail"])))}
    elif event == _CLASSIC and verb == "update":
        yield from _parts(row, switches)
    elif event == _CLASSIC:
        yield {**row, "action": f"protected_branch.{verb}"}
    else:
        yield dict(row)


def _parts(row: Mapping[Any, Any], switches: Mapping[str, str]) -> Iterator[dict[Any, Any]]:
    """Each switch of a protection that was turned; what else was changed is told as it is, with none of its fields."""
    before, after = (
        json.loads(row[side]) if isinstance(row[side], str) else {} for side in ("before", "after")
    )
    turned = [name for name in switches if name in after and after[name] != before.get(name)]
    for name in turned:
        detail = json.dumps({name: after[name]})
        yield {
            **row,
            "action": switches[name],
            "detail": detail,
            "document_id": f"{row['document_id']}#{name}",
        }
    if not turned:
        yield {**row, "detail": "{}"}


def _ruleset(detail: Mapping[str, Any]) -> dict[str, Any]:
    """What the log tells of a ruleset: its id, whether it is in force, and which rules were taken out."""
    ruleset, changes = detail.get(_RULESET), detail.get("changes")
    rules = changes.get("rules") if isinstance(changes, dict) else None
    ruleset = ruleset if isinstance(ruleset, dict) else {}
    told = {"ruleset_id": ruleset.get("id"), "ruleset_enforcement": ruleset.get("enforcement")}
    gone = rules.get("deleted") if isinstance(rules, dict) else None
    told["ruleset_rules_deleted"] = (
        [rule for rule in gone if isinstance(rule, dict)] if isinstance(gone, list) else None
    )
    return {name: value for name, value in told.items() if value is not None}
