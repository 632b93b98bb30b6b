"""What mainline commits of real repositories set: rows for what differs, and never a guess."""

from __future__ import annotations

import pytest
from git_repo import Repo
from image_steps import brief, observed, step

from audit.git.contents import Change, Contents, Step
from audit.git.images import Images
from audit.sources.git_view import view
from audit.tables import ImageSettings, conform, frame

DEV, PROD = ("web", "dev"), ("web", "prod")
BASE = "apps/web/base/deployment.yaml"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: web, image: "ghcr.io/web:%s"}]}}}
"""
CONTAINER = "Deployment:web/spec/template/spec/containers/web/image"


def test_one_row_for_each_difference_and_place(repo: Repo) -> None:
    """A base reaches two environments: its one change is a row in each, with before and after as written."""
    repo.commit("Add", {BASE: DEPLOYMENT % "1.10"})
    changed = repo.commit("Bump", {BASE: DEPLOYMENT % "1.20"})
    rows, unread = observed(repo, changed, reached={BASE: (DEV, PROD)})
    assert brief(rows) == [
        f"{BASE} {CONTAINER} web/dev ghcr.io/web 1.10 -> 1.20",
        f"{BASE} {CONTAINER} web/prod ghcr.io/web 1.10 -> 1.20",
    ]
    assert unread == []
    conform(ImageSettings, frame(ImageSettings, ({"repo": "a/b", **row} for row in rows)))


def test_a_container_without_a_tag_is_told_and_what_a_template_fills_is_not(repo: Repo) -> None:
    bare = DEPLOYMENT.replace(":%s", "")
    added = repo.commit("Add", {BASE: bare, "values.yaml": "image: ghcr.io/api\n"})
    tagged = repo.commit("Tag", {BASE: DEPLOYMENT % "1.10"})
    filled = repo.commit("Fill", {BASE: bare.replace("ghcr.io/web", "$(IMAGE)")})
    assert brief(observed(repo, added, tagged, filled, reached={BASE: (PROD,)})[0]) == [
        f"{BASE} {CONTAINER} web/prod ghcr.io/web (no tag) -> 1.10",
        f"{BASE} {CONTAINER} web/prod ghcr.io/web 1.10 -> None",
        f"{BASE} {CONTAINER} web/prod ghcr.io/web None -> (no tag)",
    ]


def test_what_is_added_and_taken_out(repo: Repo) -> None:
    """What reaches nothing has its rows too, with no application and environment."""
    added = repo.commit("Add", {"image-tags/prod/web": "v1.2.3\n", "notes": "v1.2.3\n", "a.md": "image: a:1"})
    removed = repo.commit("Remove", {"image-tags/prod/web": None})
    assert brief(observed(repo, added, removed)[0]) == [
        "image-tags/prod/web 0 / web None -> v1.2.3",
        "image-tags/prod/web 0 / web v1.2.3 -> None",
    ]


def test_another_image_at_the_same_place_is_one_taken_out_and_one_set(repo: Repo) -> None:
    repo.commit("Add", {"values.yaml": "image: docker.io/web:v1\n"})
    changed = repo.commit("Move registry", {"values.yaml": "image: ghcr.io/web:v1\n"})
    assert brief(observed(repo, changed)[0]) == [
        "values.yaml 0/image / docker.io/web v1 -> None",
        "values.yaml 0/image / ghcr.io/web None -> v1",
    ]


def test_changes_that_set_no_image_have_no_rows(repo: Repo) -> None:
    """Other lines, reordered entries, comments, quotes and file modes change no image."""
    file = "kustomization.yaml"
    repo.commit("Add", {file: "images:\n- {name: a, newTag: v1}\n- {name: b, newTag: v2}\n"})
    shas = [
        repo.commit("Reorder", {file: "images:\n- {name: b, newTag: v2}\n- {name: a, newTag: v1}\n"}),
        repo.commit("Quote", {file: "# why\nimages:\n- {name: b, newTag: 'v2'}\n- {newTag: v1, name: a}\n"}),
    ]
    repo.git("update-index", "--chmod=+x", file)
    repo.git("commit", "--quiet", "-m", "Mode")
    assert observed(repo, *shas, repo.sha()) == ([], [])


def test_a_rename_alone_has_no_rows_and_one_with_a_new_tag_has(repo: Repo) -> None:
    repo.commit("Add", {BASE: DEPLOYMENT % "v1" + "# x\n" * 20})
    moved = repo.commit("Rename", {BASE: None, "apps/web/base/web.yaml": DEPLOYMENT % "v1" + "# x\n" * 20})
    bumped = repo.commit("Both", {"apps/web/base/web.yaml": None, BASE: DEPLOYMENT % "v2" + "# x\n" * 20})
    assert [change.status for sha in (moved, bumped) for change in step(repo, sha).changes] == ["R", "R"]
    reached = {BASE: (PROD,), "apps/web/base/web.yaml": (PROD,)}
    assert brief(observed(repo, moved, bumped, reached=reached)[0]) == [
        f"{BASE} {CONTAINER} web/prod ghcr.io/web v1 -> v2"
    ]


def test_a_move_between_environments_takes_out_and_sets(repo: Repo) -> None:
    """Where the file took effect before and still does, nothing changed."""
    old, new = "a/dev.yaml", "a/prod.yaml"
    repo.commit("Add", {old: DEPLOYMENT % "v1"})
    moved = repo.commit("Move", {old: None, new: DEPLOYMENT % "v1"})
    both = ("web", "staging")
    assert brief(observed(repo, moved, reached={old: (DEV, both), new: (both, PROD)})[0]) == [
        f"{old} {CONTAINER} web/dev ghcr.io/web v1 -> None",
        f"{new} {CONTAINER} web/prod ghcr.io/web None -> v1",
    ]


def test_a_tag_file_renamed_is_of_another_image(repo: Repo) -> None:
    repo.commit("Add", {"tags/web": "tag: v1\n"})
    moved = repo.commit("Rename", {"tags/web": None, "tags/api": "tag: v1\n"})
    assert brief(observed(repo, moved)[0]) == [
        "tags/api 0/tag / api None -> v1",
        "tags/api 0/tag / web v1 -> None",
    ]


def test_content_that_cannot_be_read_is_named_and_nothing_is_said_of_it(repo: Repo) -> None:
    """Neither the commit that broke the file nor the one that mended it has rows: what was between is unknown."""
    repo.commit("Add", {"values.yaml": "image: {tag: v1}\n"})
    broken = repo.commit("Break", {"values.yaml": "image: {tag: v2\nb: [\n"})
    mended = repo.commit("Mend", {"values.yaml": "image: {tag: v3}\n"})
    rows, unread = observed(repo, broken, mended)
    assert rows == []
    assert [(sha, path) for sha, path, _ in unread] == [(broken, "values.yaml"), (mended, "values.yaml")]
    assert unread[0][2].startswith("not YAML: line ")
    assert unread[1][2].startswith("before this commit: not YAML: line ")


def test_text_within_an_object_that_cannot_be_read_hides_only_itself(repo: Repo) -> None:
    application = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web}\n"
        "spec: {sources: [{name: a, helm: {values: '%s'}}, {name: b, kustomize: {images: ['b=b:%s']}}]}\n"
    )
    repo.commit("Add", {"a.yaml": application % ("image: {tag: v1}", "v1")})
    broken = repo.commit("Break", {"a.yaml": application % ("image: {tag: [", "v2")})
    rows, unread = observed(repo, broken)
    at = "Application:web/spec/sources"
    assert brief(rows) == [f"a.yaml {at}/b/kustomize/images/b / b v1 -> v2"]
    assert [(path, reason.split(": ")[0]) for _, path, reason in unread] == [
        ("a.yaml", f"{at}/a/helm/values".split(": ")[0])
    ]


def test_a_missing_blob_is_named(repo: Repo) -> None:
    with view(repo.path) as seen, Contents(seen) as contents:
        images = Images(contents)
        lost = Change("values.yaml", None, "A", None, "1" * 40)
        assert images.step(Step("2" * 40, 0, (lost,)), {}) == []
        assert images.unread == [("2" * 40, "values.yaml", f"missing object {'1' * 40}")]


@pytest.mark.parametrize("path", ["image.png", "images/logo", "image-tags/web.bin"])
def test_bytes_that_are_no_text_set_nothing(repo: Repo, path: str) -> None:
    sha = repo.commit("Add", {path: b"\x89PNG\0image: {tag: v1}\xff"})
    assert observed(repo, sha) == ([], [])


def test_letters_hidden_in_escapes_are_seen(repo: Repo) -> None:
    r"""`"\x69mage"` is `image` to every reader of YAML."""
    sha = repo.commit("Hide", {"values.yaml": '"\\x69m\\u0061ge": web:v1\n'})
    assert brief(observed(repo, sha)[0]) == ["values.yaml 0/image / web None -> v1"]


def test_bombs_are_named_and_odd_paths_kept(repo: Repo) -> None:
    bomb = "image: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    sha = repo.commit(
        "Odd", {"bomb.yaml": bomb, "deep.yaml": "image: " + "[" * 5000, "a\n\"b'.yaml": "image: web:v1\n"}
    )
    rows, unread = observed(repo, sha)
    assert [row["path"] for row in rows] == ["a\n\"b'.yaml"]
    assert sorted((path, reason.split(" ")[0]) for _, path, reason in unread) == [
        ("bomb.yaml", "it"), ("deep.yaml", "nested"),
    ]  # fmt: skip


def test_what_was_read_once_is_not_read_again(repo: Repo) -> None:
    """A robot's tag file goes back and forth: each content is read once, whatever the number of commits."""
    shas = [repo.commit("Bump", {"tags/web": f"tag: v{n % 2}\n"}) for n in range(12)]
    with view(repo.path) as seen, Contents(seen) as contents:
        reads: list[str] = []
        read = contents.raw
        contents.raw = lambda blob: (reads.append(blob), read(blob))[1]  # type: ignore[method-assign]
        images = Images(contents)
        rows = [row for sha in shas for row in images.step(step(repo, sha), {})]
    assert len(rows) == 12
    assert len(set(reads)) == 2
    assert len(reads) == 2
