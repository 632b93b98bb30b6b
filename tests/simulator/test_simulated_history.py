"""The organisation's history: what it promises to those who test the pipeline against its truth."""

from __future__ import annotations

import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hand_audit import judge
from hand_graph import reached

from audit.simulator import people, plans, seals
from audit.simulator.hub import Hub
from audit.simulator.layout import Layout
from audit.simulator.manifests import edit, merge
from audit.simulator.repository import git
from audit.simulator.world import CHARTS, REPOSITORY, WAIVERS_FROM, World, quarter_of, stamp
from tests.simulator.stage import acted_history

START, END = datetime(2025, 10, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
SEEDS = range(20)


@pytest.fixture(scope="module")
def acted(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[Path, World, Hub]]:
    """Twenty runs of sixty changes."""
    runs = {}
    for seed in SEEDS:
        folder = tmp_path_factory.mktemp(f"seed{seed}")
        runs[seed] = (folder, *acted_history(folder, seed, 60))
    return runs


BY_HAND = {f"CHG-0{number}" for number in (1, 2, 3, 4, 5, 8)}
"""Controls that `judge` looks for."""
Acted = dict[int, tuple[Path, World, Hub]]


def _told(world: World) -> set[tuple[str, str]]:
    return {(v["control"], v["subject"]) for v in world.truth.violations if v["control"] in BY_HAND}


@pytest.mark.parametrize("seed", SEEDS)
def test_truth_is_what_an_auditor_finds_by_hand_in_the_evidence(acted: Acted, seed: int) -> None:
    folder, world, _ = acted[seed]
    assert judge(folder) == _told(world)


def test_truth_is_right_where_branches_are_many_and_old(tmp_path: Path) -> None:
    world, _ = acted_history(tmp_path, 7, 700)
    assert judge(tmp_path) == _told(world)


def test_secrets_in_the_clear_are_what_diffs_of_the_mainline_show(acted: Acted) -> None:
    seen = set[str]()
    for folder, world, _ in acted.values():
        repository = folder / "repositories" / "netbpf-gitops.git"
        said = git(
            repository, "log", "--first-parent", "-m", "--unified=0", "--format=commit %H", "-p", "main"
        )
        found, sha, path = Counter[tuple[str, str]](), "", ""
        for line in said.splitlines():
            if line.startswith("commit "):
                sha = line.removeprefix("commit ")
            elif line.startswith("+++ "):
                path = line.removeprefix("+++ b/")
            elif re.match(r"\+ +TOKEN: ghp_|\+ +banner: open-", line) or (
                path.startswith("encrypted/settings-") and line.startswith("+")
            ):
                found[sha, path] += 1
        told = Counter[tuple[str, str]]()
        for violation in world.truth.violations:
            if violation["control"] == "SEC-01" and not violation["waiver"]:
                sha, path, rule = violation["subject"].removeprefix(f"{REPOSITORY}@").split(":", 2)
                told[sha, path] += 1
                seen.add(re.sub(r"//[^:]*|:[0-9a-f]*$", "", rule))
        assert told == Counter({what: n for what, n in found.items() if "/example-" not in what[1]})
        waived = sum(n for what, n in found.items() if "/example-" in what[1])
        assert waived == world.truth.counts["secrets: waived"]
    assert seen == {"github-pat", "Secret:banner", "sops:banner", "sops:retention"}


def test_signatures_are_what_git_and_ssh_make_of_them(acted: Acted) -> None:
    """Every state comes up; of one the key's end is what fails it, and of the forge's the settings say whose it is."""
    seen, letters = (
        Counter[str](),
        {"good": "G", "forge": "G", "bad": "B", "expired": "U", "unknown key": "U"},
    )
    for folder, world, _ in list(acted.values())[:5]:
        repository = folder / "repositories" / "netbpf-gitops.git"
        known, form = f"gpg.ssh.allowedSignersFile={folder / seals.SIGNERS}", "--format=%H %G? %GF %ce"
        said = [line.split(" ") for line in git(repository, "-c", known, "log", form, "main").splitlines()]
        found = {sha: (letter, key, email) for sha, letter, key, email in said if letter != "N"}
        told = {x["sha"]: (letters[x["state"]], x["key"]) for x in world.truth.signatures}
        assert {sha: letter for sha, (letter, _, _) in found.items()} == {
            sha: letter for sha, (letter, _) in told.items()
        }
        assert all(key == told[sha][1] for sha, (letter, key, _) in found.items() if letter != "B")
        by_forge = {sha for sha, (_, _, email) in found.items() if email == people.FORGE[1]}
        assert by_forge == {x["sha"] for x in world.truth.signatures if x["state"] == "forge"}
        middle = world.start + (world.end - world.start) / 2
        for each in world.truth.signatures:
            seen[each["state"]] += 1
            if each["state"] == "expired":
                dated = git(repository, "show", "-s", "--format=%ct", each["sha"])
                assert int(dated) > middle.timestamp()
    assert set(seen) == set(letters)
    assert all(seen["good"] > 2 * seen[state] for state in ("bad", "expired", "unknown key"))


def test_ages_of_secrets_are_what_versions_of_their_files_show(acted: Acted) -> None:
    """Read by hand: the last commit of the mainline after which what is secret differs from what it was."""
    kinds, spared = set[str](), 0
    for folder, world, _ in list(acted.values())[:8]:
        repository = folder / "repositories" / "netbpf-gitops.git"
        names = git(
            repository, "grep", "-lE", "^kind: (Sealed|External)?Secret$|^sops:", "main", "--", "*.yaml"
        )
        paths = sorted(line.removeprefix("main:") for line in names.splitlines())
        assert [row["path"] for row in world.truth.references] == paths
        for row in world.truth.references:
            path, changed = row["path"], ""
            before: tuple[Any, ...] = ()
            form = ("log", "--first-parent", "--reverse", "--format=%H %ct", "main", "--", path)
            for sha, seconds in (line.split() for line in git(repository, *form).splitlines()):
                listed = git(repository, "ls-tree", sha, path)
                now = _secret(git(repository, "show", f"{sha}:{path}")) if listed else ()
                spared += now == before
                if now != before:
                    changed, before = f"{sha} {stamp(datetime.fromtimestamp(int(seconds), UTC))}", now
            assert (row["kind"], row["namespace"], row["name"] if row["kind"] != "SOPS" else "") == before[:3]
            assert f"{row['changed_sha']} {row['changed_at']}" == changed, row
            kinds.add(row["kind"])
    assert kinds == {"SealedSecret", "ExternalSecret", "SOPS", "Secret"}
    assert spared  # some were looked at and not rotated


def _secret(content: str) -> tuple[Any, ...]:
    """Kind, namespace, name, and all that is secret."""
    document = yaml.safe_load(content)
    if "sops" in document:
        return ("SOPS", "", "", {key: value for key, value in document.items() if key != "sops"})
    about, held = document["metadata"], {"Secret": "stringData"}.get(document["kind"], "spec")
    return (document["kind"], about.get("namespace", ""), about["name"], document[held])


def test_every_way_to_break_a_control_comes_up_over_the_seeds(acted: Acted) -> None:
    whys = {v["why"].rsplit(" (", 1)[0] for _, world, _ in acted.values() for v in world.truth.violations}
    broken = [plan for group in plans.BREAKING.values() for plan in group]
    wanted = {plan.name for plan in (*broken, *plans.SEVERAL)}
    wanted |= {f"check {plan.name}" for plan in plans.CHECKS_BREAKING}
    wanted |= {f"pushed directly: {variant}" for variant in plans.DIRECT}
    assert wanted <= whys


def test_sixty_changes_break_every_control_and_most_break_none(acted: Acted) -> None:
    for _, world, _ in acted.values():
        broken = Counter(control for landed in world.landed for control in landed.broken)
        assert set(broken) == {"CHG-01", "CHG-02", "CHG-03", "CHG-04", "CHG-05"}
        clean = sum(not landed.broken for landed in world.landed)
        assert 0.7 <= clean / len(world.landed) <= 0.9
    assert any(len(landed.broken) > 1 for _, world, _ in acted.values() for landed in world.landed)


def test_landings_are_the_mainline(acted: Acted) -> None:
    for folder, world, _ in acted.values():
        repository = folder / "repositories" / "netbpf-gitops.git"
        log = git(repository, "rev-list", "--first-parent", "--reverse", "main").split()
        assert [log[landed.position] for landed in world.landed] == [x.head_sha for x in world.landed]
        assert world.landed[-1].position == len(log) - 1
        asked = sum(number >= WAIVERS_FROM for landed in world.landed for number in landed.pr_numbers)
        assert sum(max(1, len(landed.pr_numbers)) for landed in world.landed) == 61 + asked
        assert asked <= 2
        moments = [(landed.landed_at, landed.via) for landed in world.landed]
        assert [at for at, _ in moments] == sorted(at for at, _ in moments)
        assert all(via == "merge queue" for (at, via), n in Counter(moments).items() if n > 1)
        assert len({at for at, _ in moments}) == len(set(moments))  # only a queue lands several at once
        assert {landed.kind for landed in world.landed} == {"merge", "squash", "rebase", "direct"}
        rows = [(x["head_sha"], x["position"], x["quarter"]) for x in world.truth.landings]
        assert rows == [(x.head_sha, x.position, quarter_of(x.landed_at)) for x in world.landed]


def test_what_a_landing_reaches_is_what_the_files_say(acted: Acted) -> None:
    """The organisation's own word of who uses what, against a reading of the checkouts themselves."""
    folder, world, _ = acted[0]
    repository = folder / "repositories" / "netbpf-gitops.git"
    log = git(repository, "rev-list", "--first-parent", "--reverse", "main").split()
    checkouts = [_checkout(repository, sha) for sha in log]
    unlike_rules, before = 0, 0
    for landed in world.landed[1:]:
        found = set[tuple[str, str]]()
        for place in range(before + 1, landed.position + 1):
            found |= reached(checkouts[place - 1], checkouts[place])
        assert found == landed.targets
        unlike_rules += any(app in ("databases", "security", *CHARTS) for app, _ in found)
        before = landed.position
    assert unlike_rules
    assert {path for path in checkouts[-1] if "alerts-" in path}  # files were added, and are used


def _checkout(repository: Path, sha: str) -> dict[str, str]:
    listed = [line.split(maxsplit=3) for line in git(repository, "ls-tree", "-r", sha).splitlines()]
    asked = "".join(f"{blob}\n" for _, _, blob, _ in listed)
    text = git(repository, "cat-file", "--batch", stdin=asked).encode()
    found, at = dict[str, str](), 0
    for _, _, _, path in listed:
        end = text.index(b"\n", at)
        size = int(text[at:end].split()[2])
        found[path] = text[end + 1 : end + 1 + size].decode()
        at = end + size + 2
    return found


def test_edges_of_quarters_are_met_to_the_second(acted: Acted) -> None:
    times = {landed.landed_at for landed in acted[0][1].landed}
    second = timedelta(seconds=1)
    for boundary in (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 4, 7)):
        assert {boundary, boundary - second} <= times
    assert {START, END - second} <= times


def test_the_repository_is_whole_and_packed(acted: Acted) -> None:
    folder, _, hub = acted[1]
    repository = folder / "repositories" / "netbpf-gitops.git"
    assert git(repository, "fsck", "--full", "--strict") == ""
    counts = dict(line.split(": ") for line in git(repository, "count-objects", "-v").splitlines())
    assert (counts["count"], counts["packs"], counts["garbage"]) == ("0", "1", "0")
    refs = set(git(repository, "for-each-ref", "--format=%(refname)").split())
    assert {f"refs/pull/{pull.number}/head" for pull in hub.pulls} <= refs
    assert "refs/scratch" not in refs
    assert git(repository, "symbolic-ref", "HEAD").strip() == "refs/heads/main"


def test_unmerged_commits_never_reach_main(acted: Acted) -> None:
    for folder, world, _ in acted.values():
        repository = folder / "repositories" / "netbpf-gitops.git"
        reachable = set(git(repository, "rev-list", "main").split())
        assert world.unmerged
        assert not reachable & set(world.unmerged)


def test_reverts_name_a_whole_commit_that_landed_before(acted: Acted) -> None:
    reverts = 0
    for folder, world, _ in acted.values():
        repository = folder / "repositories" / "netbpf-gitops.git"
        heads = dict[str, int]()
        for landed in world.landed:
            if landed.reverts:
                reverts += 1
                assert heads[landed.reverts] < landed.position
                brought = git(repository, "log", "--format=%B", f"{landed.head_sha}^1..{landed.head_sha}")
                assert f"This reverts commit {landed.reverts}" in brought
            heads[landed.head_sha] = landed.position
    assert reverts > 10


def test_the_first_commit_is_a_direct_push_of_an_earlier_quarter(acted: Acted) -> None:
    _, world, _ = acted[0]
    root = world.landed[0]
    assert (root.position, root.kind, root.broken) == (0, "direct", {"CHG-01"})
    assert root.landed_at < START
    violation = {"control": "CHG-01", "subject": f"{REPOSITORY}@{root.head_sha}", "at": stamp(root.landed_at)}
    assert [v for v in world.truth.violations if violation.items() <= v.items()]


def test_merging_by_hand_and_by_git_agree() -> None:
    base = Layout(("checkout",)).first_tree("")
    rng = random.Random(1)
    one = edit(rng, base, "apps/checkout/overlays/dev/kustomization.yaml", 1)
    two = edit(rng, base, "docs/runbook.md", 2)
    both = merge(base, one, two)
    assert both is not None
    assert {path for path in both if both[path] != base[path]} == {
        "apps/checkout/overlays/dev/kustomization.yaml",
        "docs/runbook.md",
    }
    assert merge(base, two, edit(rng, base, "docs/runbook.md", 3)) is None  # both changed one line
