"""What settings and tickets say of an emergency is brought together with what was done in it and what brought it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
from joins_rows import EVIDENCE, REPO, T0, resolver, settings, shuffled, table

from audit.joins import access, emergencies

H = timedelta(hours=1)
SAID = {"ticket": "INC-1", "person": "bob", "cluster": "prod", "opened": T0, "closed": T0 + H}
TOLD = {
    "ticket": "INC-1", "person": "bob", "cluster": "prod", "opened_at": T0, "closed_at": T0 + 2 * H, "reviewed_at": T0 + 3 * H,
    "reviewer": "carol@netbpf.com", "returned": f"{REPO}#1", "evidence": EVIDENCE, "line": 3,
}  # fmt: skip


def found(
    *records: dict[str, Any],
    said: tuple[dict[str, Any], ...] = (SAID,),
    done: tuple[dict[str, Any], ...] = (),
    **more: Any,
) -> pd.DataFrame:
    who, how = resolver(), settings(break_glass=list(said))
    spans = emergencies.spans(table("break_glass_records", *records), how, who)
    writes = access.writes(
        table("cluster_access", *done), table("deployments"), who, emergencies.allowing(spans, how)
    )
    tables = {
        name: table(name) for name in ("landings", "landing_pulls", "pull_requests", "evidence_objects")
    } | {"cluster_access": table("cluster_access", *done)}
    return emergencies.emergencies(
        spans, tables | {"cluster_writes": writes} | more, resolver=who, settings=how
    )


def test_a_record_of_what_the_settings_allow_tells_the_steps() -> None:
    done = (
        {"at": T0, "line": 5},
        {"audit_id": "a2", "at": T0 + H, "line": 6},
        {"audit_id": "a3", "at": T0 - H, "line": 7},
    )
    landed = {
        "landings": table("landings", {"head_sha": "a", "pr_number": 1, "landed_at": T0 + H}),
        "pull_requests": table("pull_requests", {"number": 1}),
    }
    (row,) = found(TOLD, done=done, **landed).to_dict("records")
    assert (row["told_by"], row["ends_at"], row["closed_at"]) == ("both", T0 + H, T0 + 2 * H)
    assert (row["actions"], row["first_action_at"], row["last_action_at"]) == (
        1,
        T0,
        T0,
    )  # the settings end it at 10:00
    assert (row["reviewer"], row["reviewed_at"]) == ("carol", T0 + 3 * H)
    assert (row["returned"], row["returned_at"]) == (f"{REPO}@a", T0 + H)
    assert row["evidence"] == f"{EVIDENCE}:3 {EVIDENCE}:5"


def test_who_tells_of_an_emergency_and_when_it_excuses() -> None:
    only = TOLD | {"ticket": "INC-2"}
    open_ = TOLD | {"ticket": "INC-3", "closed_at": None}
    done = tuple({"audit_id": str(n), "at": T0 + n * H / 2} for n in range(5))
    rows = found(only, open_, done=done).set_index("ticket")
    assert rows["told_by"].to_dict() == {"INC-1": "settings", "INC-2": "record", "INC-3": "record"}
    assert rows["actions"].dropna().to_dict() == {
        "INC-1": 2,
        "INC-2": 2,
    }  # the second one excuses what is left
    assert pd.isna(rows.loc["INC-3", "ends_at"])
    assert rows.loc["INC-1", "evidence"].startswith(EVIDENCE)


def test_no_action_is_known_to_be_none_where_the_log_is_in_evidence() -> None:
    log = table("evidence_objects", {"format": "kubernetes-audit", "cluster": "prod"})
    assert found(evidence_objects=log)["actions"].tolist() == [0]
    assert found()["actions"].isna().all()


def test_of_several_exports_the_record_counts_that_says_most() -> None:
    early = TOLD | {"closed_at": None, "reviewed_at": None, "returned": None, "line": 1}
    for records in ((early, TOLD), (TOLD, early)):
        (row,) = found(*records, said=()).to_dict("records")
        assert row["closed_at"] == T0 + 2 * H
        assert row["evidence"] == f"{EVIDENCE}:3"
    whole = found(early, TOLD)
    shuffle = shuffled(table("break_glass_records", early, TOLD), 1)
    assert (
        emergencies.spans(shuffle, settings(), resolver())["closed_at"].tolist()
        == whole["closed_at"].tolist()
    )


def test_a_title_that_names_the_ticket_brings_back_what_landed_after_the_opening() -> None:
    titles = {1: "INC-1: scale web", 2: "INC-10: other", 3: "Undo INC-1", 4: "Tidy"}
    landed = {
        "landings": table("landings", *(
            {"head_sha": str(number), "position": number, "pr_number": number, "landed_at": T0 + (2 - number) * H}
            for number in titles
        )),
        "pull_requests": table("pull_requests", *({"number": n, "title_text": text} for n, text in titles.items())),
    }  # fmt: skip
    (row,) = found(**landed).to_dict("records")
    assert (row["returned"], row["returned_at"]) == (f"{REPO}@1", T0 + H)


def test_a_ticket_that_is_opened_again_is_another_emergency() -> None:
    """Each record goes with the settings' span that it overlaps; the others stand alone."""
    day = timedelta(days=1)
    again = TOLD | {
        "opened_at": T0 + 31 * day,
        "closed_at": T0 + 31 * day + H,
        "reviewed_at": None,
        "line": 4,
    }
    beside = TOLD | {"opened_at": T0 + H / 2, "line": 5}  # within the same span, opened less near to it
    after = TOLD | {"opened_at": T0 + H, "line": 6}  # as the span ends
    rows = found(TOLD, again, beside, after)
    assert rows[["opened_at", "told_by"]].to_records(index=False).tolist() == [
        (pd.Timestamp(T0), "both"),
        (pd.Timestamp(T0 + H / 2), "record"),
        (pd.Timestamp(T0 + H), "record"),
        (pd.Timestamp(T0 + 31 * day), "record"),
    ]
    assert rows["reviewed_at"].isna().tolist() == [False, False, False, True]
    unclosed = TOLD | {"closed_at": None, "opened_at": T0 - day}
    assert found(unclosed)["told_by"].tolist() == ["both"]
    assert found(unclosed, TOLD | {"opened_at": T0 - H})["told_by"].tolist() == ["record", "both"]
    assert found(TOLD | {"opened_at": T0 - 2 * H, "closed_at": T0})["told_by"].tolist() == [
        "record",
        "settings",
    ]


def test_sessions_and_readings_of_secrets_are_actions_and_change_nothing() -> None:
    shell = {"verb": "create", "resource": "pods", "api_group": "", "subresource": "exec", "code": 101}
    secrets = {"verb": "list", "resource": "secrets", "api_group": ""}
    done = (
        shell | {"audit_id": "1", "at": T0},
        secrets | {"audit_id": "2", "at": T0 + H / 2},
        secrets | {"audit_id": "3", "at": T0 + 3 * H / 4, "code": 403},
        secrets | {"audit_id": "4", "at": T0 + 3 * H / 4, "user": "carol@netbpf.com"},
        {"audit_id": "5", "at": T0 + 3 * H / 4, "code": 403},
        {"audit_id": "6", "at": T0 + 3 * H / 4, "verb": "get"},
    )
    (row,) = found(done=done).to_dict("records")
    assert (row["actions"], row["changes"]) == (2, 0)
    assert (row["first_action_at"], row["last_action_at"]) == (T0, T0 + H / 2)
