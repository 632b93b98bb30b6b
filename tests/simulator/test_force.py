"""Main is moved by force: the forge remembers each step, the repository none of what went."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from audit.simulator import force, operators
from audit.simulator.hub import MAIN, Hub
from audit.simulator.repository import git
from audit.simulator.world import REPOSITORY, World, stamp
from tests.simulator.stage import acted_history, violations


@pytest.fixture(scope="module")
def forced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World, Hub]:
    folder = tmp_path_factory.mktemp("forced")
    world, hub = acted_history(folder, 7, 120)
    force.act(world, hub)
    operators.deploy(world)
    return folder, world, hub


def test_every_push_to_main_begins_where_the_last_one_ended(forced: tuple[Path, World, Hub]) -> None:
    main = [push for push in forced[2].pushes if push.ref == MAIN]
    assert all(new.before == old.after for old, new in pairwise(main))
    assert main[-1].after == forced[1].landed[-1].head_sha


def test_both_ways_come_up_and_truth_has_each(forced: tuple[Path, World, Hub]) -> None:
    _, world, hub = forced
    main = [push for push in hub.pushes if push.ref == MAIN]
    pushes = [push for push in main if push.operation == "force_push"]
    heads = {landed.head_sha for landed in world.landed}
    earlier = {push.after for push in main if push.operation != "force_push"}
    assert {push.after in earlier for push in pushes} == {True, False}  # taken back, pushed over
    assert {push.after for push in pushes} <= heads
    wanted = {f"{REPOSITORY}:force_push@{stamp(push.at)}" for push in pushes}
    assert {s for s in violations(world, "CHG-07") if ":force_push@" in s} == wanted
    assert violations(world, "EVD-01") == {f"{REPOSITORY}:missing:{push.before}" for push in pushes}


def test_what_was_deployed_from_main_and_is_gone_is_in_the_truth(forced: tuple[Path, World, Hub]) -> None:
    folder, world, _ = forced
    gone = {spell.head_sha for spell in world.spells}
    deployed = {d["revision"] for d in world.truth.deployments if d["status"] == "succeeded"} & gone
    assert deployed
    assert {s for s in violations(world, "CHG-07") if ":deployed:" in s} == {
        f"{REPOSITORY}:deployed:{sha}" for sha in deployed
    }
    known = git(folder / "repositories" / "netbpf-gitops.git", "rev-list", "--all").split()
    assert not gone & set(known)
    for deployment in world.truth.deployments:
        if deployment["revision"] in gone:
            assert (deployment["position"], deployment["carried"]) == (None, [])
