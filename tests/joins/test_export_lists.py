"""Lists of which an export holds a part only are gaps."""

from __future__ import annotations

import pytest
from test_continuity import configured, found, objects, spans

DIGIT = "a"
REPO = "netbpf/netbpf-gitops"


def gaps(*rows: tuple[str, ...], format_: str = "github-graphql") -> list[str]:
    """Details of the gaps that lists lead to: list, held, total, later, earlier, line."""
    text = "export_lists\n| repo | list | held | total | later | earlier | line | format | evidence |\n"
    for row in rows:
        text += f"| {REPO} | {' | '.join(row)} | {format_} | {DIGIT * 64} |\n"
    given = objects(("forge", DIGIT, format_, "2026-10-01")) + "\n" + text
    return found(given, configured(), "cap")["detail"].tolist()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("pulls", "5", "5", "false", "false", "1")], []),
        ([("pulls", "5", "", "false", "", "1")], []),
        ([("pulls", "5", "", "true", "false", "1"), ("pulls", "2", "", "false", "true", "2")], []),
        ([("pulls", "5", "7", "true", "", "1"), ("pulls", "2", "7", "false", "", "2")], []),
        ([("pulls", "5", "7", "true", "", "1")], ["pulls holds 5 of 7 in the export, and there are more"]),
        ([("pulls", "5", "", "true", "", "1")], ["pulls holds 5 in the export, and there are more"]),
        ([("pulls", "5", "", "false", "true", "1")], ["pulls holds 5 in the export, and there are more"]),
        ([("pulls", "5", "9", "true", "", "1"), ("pulls", "2", "9", "false", "", "2")],
         ["pulls holds 7 of 9 in the export, and there are more"]),
        ([("pulls", "5", "", "", "", "1")], ["pulls does not say whether the 5 in the export are all"]),
        ([("pulls", "0", "", "", "", "1")], []),
        ([("pulls", "5", "5", "", "", "1"), ("#7.reviews", "1", "3", "", "", "1")],
         ["#7.reviews holds 1 of 3 in the export, and there are more"]),
    ],
)  # fmt: skip
def test_a_list_is_whole_when_its_pages_show_it(rows: list[tuple[str, ...]], told: list[str]) -> None:
    assert gaps(*rows) == [f"{REPO}: {text}" for text in told]


def test_pages_in_another_object_do_not_make_a_list_whole() -> None:
    text = objects(
        ("forge", "a", "github-graphql", "2026-10-01"), ("forge", "b", "github-graphql", "2026-10-01")
    )
    text += "\nexport_lists\n| repo | list | held | later | line | format | evidence |\n"
    text += f"| {REPO} | pulls | 5 | true | 1 | github-graphql | {'a' * 64} |\n"
    text += f"| {REPO} | pulls | 2 | false | 1 | github-graphql | {'b' * 64} |\n"
    (gap,) = found(text, configured(), "cap").to_dict("records")
    assert (gap["source_name"], gap["format"], gap["repo"], gap["evidence"]) == (
        "forge", "github-graphql", REPO, "a" * 64
    )  # fmt: skip
    assert gap["missing"]


def test_what_a_pull_request_lacks_lies_between_its_times() -> None:
    """Of one that was done with before the quarter nothing is missing in it."""
    text = objects(("forge", "a", "github-graphql", "2026-10-01"))
    text += "\nexport_lists\n| repo | list | held | total | start | end | line | format | evidence |\n"
    text += f"| {REPO} | #7.reviews | 1 | 3 | 2026-06-20 | 2026-07-05 | 1 | github-graphql | {'a' * 64} |\n"
    text += f"| {REPO} | #3.reviews | 1 | 3 | 2026-05-01 | 2026-05-02 | 1 | github-graphql | {'a' * 64} |\n"
    assert spans(found(text, configured(), "cap")) == [("07-01 00:00", "07-05 00:00")]


@pytest.mark.parametrize(
    ("format_", "records", "told"),
    [
        ("github-cli-pulls", 30, True),
        ("github-cli-pulls", 31, False),
        ("github-cli-runs", 20, True),
        ("github-cli-runs", 30, False),
        ("github-pulls", 30, False),
    ],
)
def test_as_many_as_the_command_line_lists_unasked_may_not_be_all(
    format_: str, records: int, told: bool
) -> None:
    text = "evidence_objects\n| source_name | key | format | cluster | records | kept | collected_at |\n"
    text += f"| forge | pulls.json | {format_} | | {records} | {records} | 2026-10-02 |\n"
    rows = found(text, configured(), "cap")
    expected = f"pulls.json: holds {records} records, as many as are listed unless a limit is given: there may be more"
    assert rows["detail"].tolist() == ([expected] if told else [])


def test_a_list_of_several_repositories_names_none() -> None:
    text = objects(("forge", "a", "github-graphql", "2026-10-01"))
    text += "\nexport_lists\n| list | held | total | line | format | evidence |\n"
    text += f"| search | 5 | 9 | 1 | github-graphql | {'a' * 64} |\n"
    (gap,) = found(text, configured(), "cap").to_dict("records")
    assert gap["detail"] == "several repositories: search holds 5 of 9 in the export, and there are more"
    assert spans(found(text, configured(), "cap")) == [("07-01 00:00", "10-01 00:00")]
