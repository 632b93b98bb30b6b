"""The product from Python: a quarter's tables, judgements, traces and exports."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest

import audit
from audit import tables as t
from audit.api import Quarter
from audit.cli import main
from audit.controls import dep_02
from audit.errors import UsageError
from audit.export.named import MARKED, ONE, OURS, SEVERAL
from audit.export.pseudonyms import Pseudonyms
from audit.settings import Machines
from tests.integration.conftest import Acted
from tests.test_documents_agree import documents, read

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def quarter(acted: Acted) -> Quarter:
    acted.quarter("2026Q3")
    return audit.open(acted.folder).quarter("2026Q3")


def test_importing_the_package_and_asking_for_help_import_nothing_heavy() -> None:
    """So that a shell's completion comes at once."""
    code = "import sys; from audit.cli import main; main(['--help']); print({'pandas', 'pyarrow', 'boto3', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_what_few_runs_need_is_imported_by_those_runs_alone() -> None:
    """Dask's data frames, which pandera would import, scipy, PyGithub and what signs: more than all the rest."""
    code = "import sys; import audit.pipeline; print({'dask.dataframe', 'scipy', 'github', 'pyhanko.sign'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_settings_folder_and_store_open_the_same_audit(acted: Acted, quarter: Quarter) -> None:
    for place in (acted.folder, acted.folder / "audit.toml", acted.settings.store_path):
        opened = audit.open(place)
        assert "2026Q3" in opened.quarters
        assert opened.settings.store_path == acted.settings.store_path


def test_a_store_without_settings_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name the settings file"):
        audit.open(tmp_path)


def test_a_store_beside_settings_of_another_is_refused(acted: Acted, tmp_path: Path) -> None:
    (tmp_path / "audit.toml").write_text('[organisation]\nname = "NETBPF"\n', encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(UsageError, match="names another store"):
        audit.open(tmp_path / "elsewhere")


def test_a_quarter_that_was_not_checked_is_refused_with_the_remedy(acted: Acted) -> None:
    with pytest.raises(UsageError, match="audit check"):
        audit.open(acted.folder).quarter("2031Q1")


def test_every_table_is_read_when_asked_for_with_the_declared_dtypes(quarter: Quarter, acted: Acted) -> None:
    assert list(quarter.tables) == list(t.TABLES)
    for name, table in t.TABLES.items():
        assert quarter.table(name).dtypes.to_dict() == t.empty(table).dtypes.to_dict()
    fresh = audit.open(acted.folder).quarter("2026Q3")
    assert fresh.tables._read == {}
    assert len(fresh.controls) == len(quarter.controls) > 0
    assert set(fresh.tables._read) == {"conclusions"}


def test_a_quarter_that_another_version_checked_is_to_be_checked_again(
    acted: Acted, quarter: Quarter, tmp_path: Path
) -> None:
    shutil.copytree(acted.folder, tmp_path / "organisation")
    older = audit.open(tmp_path / "organisation").quarter("2026Q3")
    older.parquet("deployments").unlink()
    with pytest.raises(UsageError, match="audit check --quarter 2026Q3"):
        older.table("deployments")
    with pytest.raises(KeyError):
        older.tables["no_such_table"]


def test_what_a_reader_changes_others_do_not_see(quarter: Quarter) -> None:
    mine = quarter.exceptions
    mine["severity"] = "none"
    assert "none" not in set(quarter.exceptions["severity"])


def test_the_rows_of_the_quarter_are_those_of_its_time(quarter: Quarter) -> None:
    rows = quarter.within("landings")
    assert 0 < len(rows) < len(quarter.table("landings"))
    assert quarter.period.holds(rows["landed_at"]).all()
    with pytest.raises(UsageError, match="no time column"):
        quarter.within("people")


def test_a_table_that_does_not_exist_is_named_with_those_that_do(quarter: Quarter) -> None:
    with pytest.raises(UsageError, match="landings"):
        quarter.parquet("landing")
    assert list(quarter.describe("metrics")["column"])[:3] == ["metric", "title_text", "unit"]


def test_duckdb_reads_the_same_rows(quarter: Quarter) -> None:
    counted = duckdb.sql(f"select count(*) from '{quarter.parquet('commits')}'").fetchall()
    assert counted == [(len(quarter.table("commits")),)]


@pytest.mark.parametrize("name", [name for name in documents() if "```python" in read(name)])
def test_python_that_a_document_shows_runs_on_a_quarter(
    name: str, quarter: Quarter, acted: Acted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(acted.folder)
    known: dict[str, object] = {}
    for block in re.findall(r"```python\n(.+?)```", read(name), re.DOTALL):
        exec(compile(block, name, "exec"), known)
    assert isinstance(known["quarter"], Quarter)


def test_gaps_figures_and_traces_are_those_of_the_tables(quarter: Quarter) -> None:
    assert len(quarter.gaps) == len(quarter.table("evidence_gaps"))
    assert "lead_time" in set(quarter.metrics["metric"])
    found = quarter.trace(quarter.exceptions["exception_id"].iloc[0])
    assert found.kind == "exception"
    assert found.raw


def test_a_control_of_ones_own_is_judged_as_the_product_judges(quarter: Quarter) -> None:
    judged = quarter.judge(dep_02.CONTROL)
    row = quarter.controls.set_index("control").loc["DEP-02"]
    assert (judged.conclusion, judged.population) == (row["conclusion"], row["population"])
    own = quarter.exceptions[quarter.exceptions["control"].eq("DEP-02")].reset_index(drop=True)
    pd.testing.assert_frame_equal(judged.exceptions, own)


def test_an_export_holds_every_table_as_it_is(quarter: Quarter, tmp_path: Path) -> None:
    done = quarter.export(tmp_path / "out")
    assert done.rows == {name: len(quarter.table(name)) for name in t.TABLES}
    said = json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf-8"))
    assert (said["quarter"], said["pseudonymised"]) == ("2026Q3", False)
    for name, table in t.TABLES.items():
        read = t.read(table, [tmp_path / "out" / f"{name}.parquet"])
        pd.testing.assert_frame_equal(read, quarter.table(name))


@pytest.fixture(scope="module")
def exported(quarter: Quarter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    (folder / "key").write_bytes(KEY)
    quarter.export(folder / "out", key_file=folder / "key")
    return folder / "out"


def _texts(folder: Path) -> str:
    """Everything that an export says in words."""
    parts = []
    for path in sorted(folder.glob("*.parquet")):
        rows = t.read_as_written(path)
        for column in rows.select_dtypes("str"):
            parts += [f"{path.stem}.{column}: {value}" for value in rows[column].dropna().unique()]
    return "\n".join(parts).lower()


def test_a_pseudonymised_export_names_nobody_of_the_roster(quarter: Quarter, exported: Path) -> None:
    people = quarter.table("people")
    staff = people[people["kind"].eq("person")]
    identities = quarter.table("identities")
    own = identities[identities["person"].isin(staff["person"])]
    names = {*staff["person"], *staff["name"], *own["identifier"]}
    texts = _texts(exported)
    assert len(names) > 40
    found = [
        line
        for name in sorted(names)
        for line in re.findall(rf"^.*(?<![a-z0-9]){re.escape(name.lower())}(?![a-z0-9]).*$", texts, re.M)
    ]
    assert found == []
    assert "mika-vance" not in texts
    assert "mika vance" not in texts


def test_a_pseudonymised_export_keeps_its_rows_their_declarations_and_their_joins(
    quarter: Quarter, exported: Path
) -> None:
    for name, table in t.TABLES.items():
        rows = t.read(table, [exported / f"{name}.parquet"])
        assert len(rows) == len(quarter.table(name))
        pd.testing.assert_frame_equal(t.conform(table, rows), rows)

    def reviewed(rows: pd.DataFrame, who: pd.DataFrame) -> int:
        logins = who[who["system"].eq("github")]
        return len(
            rows.assign(login=rows["reviewer"].str.lower()).merge(
                logins, left_on="login", right_on="identifier"
            )
        )

    own, theirs = (
        reviewed(read("reviews"), read("identities"))
        for read in (quarter.table, lambda name: t.read(t.TABLES[name], [exported / f"{name}.parquet"]))
    )
    assert own == theirs > 0


def test_the_same_key_gives_the_same_pseudonyms_and_another_key_others() -> None:
    def made(key: bytes) -> Pseudonyms:
        return Pseudonyms(key, names=["grace", "Grace Hopper", "grace@example.org"])

    text = "Grace Hopper (grace@example.org) merged what Grace wrote; ungraceful, grace_2 and disgrace stay"
    once, again, other = made(KEY).text(text), made(KEY).text(text), made(KEY[::-1]).text(text)
    assert once == again != other
    assert "ungraceful" in once
    assert "disgrace stay" in once
    assert once.count("@pseudonym.invalid") == 1
    assert made(KEY).name("grace") in once
    assert "Hopper" not in once


def test_numbers_and_network_addresses_of_people_in_json_are_replaced_and_it_stays_json() -> None:
    text = '{"actor_id": 4711, "actor_ip":"192.0.2.7", "org_id": 12, "target_user_id": 4711, "size": 4711}'
    made = json.loads(Pseudonyms(KEY, names=[]).text(text))
    assert made["actor_id"] == made["target_user_id"] != 4711
    assert made["actor_ip"] != "192.0.2.7"
    assert (made["org_id"], made["size"]) == (12, 4711)


def test_machines_keep_their_names_and_words_of_the_product_stay() -> None:
    one = Pseudonyms(
        KEY, names=["ada"], seen=["github", "root", "renovate[bot]", "eve-x"], machines=Machines()
    )
    assert one.name("renovate[bot]") == "renovate[bot]"
    assert one.name("system:serviceaccount:argocd:server") == "system:serviceaccount:argocd:server"
    assert one.name("root") != "root"
    assert one.text("github-reviews by root") == "github-reviews by root"
    assert one.text("by eve-x") != "by eve-x"
    assert one.names("ada, renovate[bot]") == f"{one.name('ada')}, renovate[bot]"


def test_whoever_may_pass_a_protection_by_has_a_pseudonym_there_and_teams_keep_their_names() -> None:
    one = Pseudonyms(KEY, names=["ada"])
    rows = pd.DataFrame(
        {"bypass": pd.Series(["admins,user zo,user Ada,team core", "User 4711 (always)"], dtype="str")}
    )
    table = t.TABLES["protections"]
    whole = t.empty(table).reindex(range(2)).assign(bypass=rows["bypass"])
    first, second = one.over("protections", whole)["bypass"]
    assert first == f"admins,user {one.name('zo')},user {one.name('ada')},team core"
    assert second == f"User {one.name('4711')} (always)"


@pytest.mark.parametrize(
    "text", ["", "İ" * 50 + " ada", "a" * 5_000, "%40" * 500, "@" * 5_000, "x\x00ada\ud800"]
)
def test_any_text_is_gone_over_to_its_end(text: str) -> None:
    made = Pseudonyms(KEY, names=["ada"]).text(text)
    assert len(made) >= len(text)
    assert not re.search(r"\bada\b", made)


NAMED = re.compile(
    r"(^|_)(author|actor|user|username|login|reviewer|person|owner|opener|pusher|creator|signer|principal|identifier|holder|requester|approver)s?$"
    r"|_email$|_ip$|_by$|(^|_)address$|^co_authors$"
)
NOBODY = {
    "verified_by",  # a Secret's name
    "invoked_by",  # a service
    "replaced_by",  # a digest
    "set_by",  # what sets an image
}


def test_columns_that_sound_like_people_are_said_to_name_them() -> None:
    """Whoever adds a column that names people adds it to `audit.export.named` as well."""
    forgotten = [
        f"{name}.{column}"
        for name, table in t.TABLES.items()
        for column, declared in t.columns(table).items()
        if NAMED.search(column)
        and column not in NOBODY
        and str(declared.dtype).startswith("str")
        and not any(check.name == "isin" for check in declared.checks)
        and column not in ONE.get(name, frozenset()) | SEVERAL.get(name, frozenset())
    ]
    assert forgotten == []


OF_PEOPLE = re.compile(
    r"^(?:who|whom|whose|whoever)\b|\b(?:logins?|e-mail|persons?|people|author|reviewer|approver|user|IP)\b",
    re.I,
)
OF_NOBODY = {
    "memberships.kind",  # User, Bot or Organization
    "operator_requests.issuer",  # a service
    "cluster_access.user_agent",  # a program
    "cloud_events.user_agent",  # a program
    "cloud_events.target",  # JSON; who is named in it is looked for as in any text
    "vulnerabilities.severity_source",  # a database
}
"""Columns whose meaning speaks of people, but whose values name none."""


def test_columns_whose_meaning_speaks_of_people_are_said_to_name_them() -> None:
    """Whatever they are called: a column can't be declared without its meaning."""
    speaks = {
        f"{name}.{row.column}"
        for name, table in t.TABLES.items()
        for row in t.describe(table).itertuples()
        if str(row.dtype) == "str"
        and OF_PEOPLE.search(str(row.meaning))
        and not any(check.name == "isin" for check in t.columns(table)[str(row.column)].checks)
    }
    named = {
        f"{name}.{column}"
        for each in (ONE, SEVERAL, MARKED, OURS)
        for name, columns in each.items()
        for column in columns
    }
    assert speaks - named == OF_NOBODY


def test_columns_that_are_said_to_name_people_exist() -> None:
    for columns in (ONE, SEVERAL, MARKED, OURS):
        for table, named in columns.items():
            assert named <= set(t.columns(t.TABLES[table])), table


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pseudonymise"], "go together"),
        (["--pseudonymise", "--key-file", "short"], "needs 32 at least"),
        (["--pseudonymise", "--key-file", "absent"], "can't be read"),
    ],
)
def test_a_key_that_is_missing_or_short_leaves_no_export(
    quarter: Quarter,
    acted: Acted,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("short").write_bytes(b"short")
    settings = ["--settings", str(acted.folder / "audit.toml")]
    assert main(["export", "--quarter", "2026Q3", "--output", "out", *arguments, *settings]) == 2
    assert said in capfd.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["short"]


def test_the_command_exports_and_never_over_what_is_there(
    quarter: Quarter, acted: Acted, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key").write_bytes(KEY)
    command = ["export", "--quarter", "2026Q3", "--output", str(tmp_path / "out"), "--json"]
    command += ["--settings", str(acted.folder / "audit.toml")]
    assert main([*command, "--pseudonymise", "--key-file", str(tmp_path / "key")]) == 0
    printed = json.loads(capfd.readouterr().out)
    assert printed["pseudonymised"] is True
    assert printed["rows"]["commits"] == len(quarter.table("commits"))
    assert main(command) == 2
    assert "is there already" in capfd.readouterr().err
