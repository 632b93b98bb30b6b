"""What is built rests on the bytes that were stored: whatever was changed since is refused, or kept beside the old."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from audit import pipeline
from audit.errors import ExitCode, IntegrityError
from audit.evidence.store import Store
from audit.settings import Settings, load

AS_OF = datetime(2026, 10, 5, tzinfo=UTC)


def _event(number: int, user: str = "ada@netbpf.com") -> dict[str, Any]:
    return {
        "kind": "Event", "auditID": f"id-{number}", "stage": "ResponseComplete", "verb": "delete",
        "requestURI": "/api/v1/namespaces/shop/pods/web", "user": {"username": user, "groups": []},
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "web"}, "responseStatus": {"code": 200},
        "requestReceivedTimestamp": f"2026-08-15T10:{number:02}:00Z",
    }  # fmt: skip


def _lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """One cluster's log in a folder."""
    (tmp_path / "log").mkdir()
    (tmp_path / "forge").mkdir()
    (tmp_path / "audit.toml").write_text(
        '[organisation]\nname = "NETBPF"\n[[clusters]]\nname = "prod"\nenvironment = "prod"\n'
        '[[repositories]]\nname = "NetBPF/GitOps"\nlocation = "x"\n'
        '[[sources]]\nname = "log"\nlocation = "file:log"\ncluster = "prod"\n'
    )
    (tmp_path / "log" / "a.log").write_text(_lines(_event(1), _event(2)))
    return load(tmp_path / "audit.toml")


def _write(settings: Settings, text: str) -> None:
    (settings.resolve("log") / "a.log").write_text(text)


def _built(settings: Settings) -> dict[str, pd.DataFrame]:
    assert pipeline.collect(settings, AS_OF).problems == []
    return pipeline.build(settings).tables


def test_a_file_that_was_rewritten_is_kept_as_it_was_beside_what_it_is(settings: Settings) -> None:
    """The record that was taken out is still there, and the old bytes name the new ones."""
    _built(settings)
    _write(settings, _lines(_event(2)))
    tables = _built(settings)
    assert tables["cluster_access"]["audit_id"].tolist() == ["id-1", "id-2"]
    objects = tables["evidence_objects"].set_index("records")
    assert objects.loc[2, "replaced_by"] == objects.loc[1, "sha256"]
    assert pd.isna(objects.loc[1, "replaced_by"])


def test_a_file_that_grew_is_what_it_is_now(settings: Settings) -> None:
    """Its beginning says nothing that it does not say: it is read once, and nothing was replaced."""
    _built(settings)
    _write(settings, _lines(_event(1), _event(2), _event(3)))
    tables = _built(settings)
    assert len(tables["cluster_access"]) == 3
    assert tables["evidence_objects"]["replaced_by"].isna().tolist() == [True]


def test_a_file_that_is_what_it_was_again_replaces_what_came_between(settings: Settings) -> None:
    """What it was last stands; what lay between is kept."""
    first = _lines(_event(1), _event(2))
    for text in (first, _lines(_event(3)), first):
        _write(settings, text)
        tables = _built(settings)
    objects = tables["evidence_objects"].set_index("records")
    assert objects["replaced_by"].isna().to_dict() == {1: False, 2: True}
    assert len(tables["cluster_access"]) == 3


def _object(settings: Settings, text: str) -> Path:
    return next(p for p in Store(settings.store_path).objects() if text.encode() in p.read_bytes())


def test_an_object_that_was_changed_is_refused_when_it_is_read(settings: Settings) -> None:
    """Also one that has the size that it had."""
    pipeline.collect(settings, AS_OF)
    path = _object(settings, "ada@netbpf.com")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"ada@netbpf.com", b"system:node:ab"))
    with pytest.raises(IntegrityError, match=r"'a\.log'.*not what was stored") as refused:
        pipeline.build(settings)
    assert refused.value.exit_code == ExitCode.INTEGRITY
    path.unlink()
    with pytest.raises(IntegrityError, match=r"'a\.log'.*it is gone"):
        pipeline.build(settings)


@pytest.mark.parametrize("kept", ["parsed", "tables"])
@pytest.mark.parametrize("change", ["edited", "removed", "added"])
def test_kept_tables_that_were_changed_are_refused(settings: Settings, kept: str, change: str) -> None:
    """Those of each object, and those of all."""
    _built(settings)
    path = next((settings.store_path / kept).rglob("*access*.parquet" if kept == "parsed" else "*.parquet"))
    if change == "edited":
        rows = pd.read_parquet(path)
        path.chmod(0o644)
        rows.iloc[1:].to_parquet(path)
    elif change == "removed":
        path.unlink()
    else:
        shutil.copy(path, path.with_name("more.parquet"))
    with pytest.raises(IntegrityError, match="not what it was when it was made from the evidence"):
        pipeline.build(settings) if kept == "parsed" else pipeline.built(settings)
    shutil.rmtree(settings.store_path / kept)
    assert len(_built(settings)["cluster_access"]) == 2


def test_an_object_of_which_nothing_could_be_read_has_no_format(settings: Settings) -> None:
    """Whatever its source is said to hold."""
    source = settings.sources[0].model_copy(update={"format": "kubernetes-audit"})
    settings.__dict__["sources"] = (source,)
    _write(settings, "garbage\n")
    row = _built(settings)["evidence_objects"].iloc[0]
    assert (row["format"], row["records"], row["quarantined"]) == ("", 1, 1)


def test_repositories_are_spelled_as_the_settings_spell_them(settings: Settings) -> None:
    """A forge takes a name whatever its letters' case; the rows of both spellings are rows of one repository."""
    pull = {
        "number": 7, "title": "t", "state": "closed", "user": None, "created_at": "2026-08-01T00:00:00Z",
        "updated_at": "2026-08-02T00:00:00Z", "merged_at": None, "merge_commit_sha": None, "labels": [],
        "head": {"ref": "f", "sha": "1" * 40}, "base": {"ref": "main", "sha": "2" * 40},
    }  # fmt: skip
    urls = [
        f"https://api.github.com/repos/{name}/pulls/7" for name in ("netbpf/gitops", "NETBPF/GITOPS", "o/x")
    ]
    rule = {
        "url": "https://api.github.com/repos/NETBPF/GITOPS/branches/main/protection",
        "enforce_admins": {},
    }
    _write(settings, _lines(rule, *(pull | {"url": url} for url in urls)))
    tables = _built(settings)
    assert tables["protections"]["scope"].tolist() == ["NetBPF/GitOps"]
    assert tables["pull_requests"]["repo"].tolist() == ["NetBPF/GitOps", "o/x"]
    assert tables["evidence_objects"]["repos"].tolist() == ["NetBPF/GitOps o/x"]


def test_mined_tables_that_were_changed_are_refused(settings: Settings) -> None:
    """A commit that was dated into another quarter in what is kept of its repository."""
    folder = settings.resolve("x")
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@netbpf.com", "-C", str(folder)]
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(folder)], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "start"], check=True)
    assert len(pipeline.mine(settings, AS_OF)["commits"]) == 1
    path = next((settings.store_path / "mined").rglob("commits.parquet"))
    rows = pd.read_parquet(path)
    path.chmod(0o644)
    rows.assign(committer_time=pd.Timestamp("2019-01-01", tz="UTC")).to_parquet(path)
    with pytest.raises(IntegrityError, match=r"commits\.parquet: not what it was when it was made"):
        pipeline.mine(settings, AS_OF)
