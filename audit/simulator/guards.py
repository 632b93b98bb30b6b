"""How main is protected on the forge: parts of it are switched off for a while, and back on; others change innocently."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from audit.simulator import keeping
from audit.simulator.hub import Hub, Setting
from audit.simulator.world import REPOSITORY, World, quarter_of, stamp

CHECKS = ("validate", "policy")
RULESET = 31
_BYPASS = "protected_branch.policy_override"
_REVIEWS = "pull_request_reviews_enforcement_level"
_CHECKS = "required_status_checks_enforcement_level"
_COUNT = "required_approving_review_count"
_ADMINS = "admin_enforced"
_ADDED = "ruleset_bypass_actors_added"

Json = dict[str, Any]


def act(world: World, hub: Hub) -> None:
    """Fills `hub.settings`."""
    rng = random.Random(f"guards {world.landed[-1].head_sha}")
    staff = [one for one in world.people if one.kind == "person" and one.person and one.left is None]
    login = staff[0].login
    spans = list(keeping.quarters(world))
    for start, end in spans:
        at = _moment(rng, start, end)
        _switch(hub, at, login, _REVIEWS, "off")
        mended = at + timedelta(seconds=rng.randint(600, 6 * 3600))
        _switch(hub, mended, login, _REVIEWS, "everyone")
        _lapse(world, _REVIEWS, at, mended)
        _innocents(rng, hub, start, end, login)
        if rng.random() < 0.5:
            at = _moment(rng, start, end)
            mended = at + timedelta(seconds=rng.randint(3600, 30 * 3600))
            for moment, state in ((at, "disabled"), (mended, "enabled")):
                fields = {"ruleset_id": RULESET, "ruleset_name": "main", "ruleset_enforcement": state}
                hub.settings.append(Setting(moment, "repository_ruleset.update", login, fields))
            _lapse(world, f"ruleset {RULESET}", at, mended)
        if end < world.end and rng.random() < 0.5:
            at, mended = end - timedelta(hours=2), end + timedelta(hours=3)
            _switch(hub, at, login, _CHECKS, "off")
            _switch(hub, mended, login, _CHECKS, "everyone")
            _lapse(world, _CHECKS, at, mended)
    if rng.random() < 0.6:
        at = _moment(rng, *spans[-1])
        _switch(hub, at, login, _ADMINS, False)
        _lapse(world, _ADMINS, at, None)
        world.truth.violation(
            "CHG-06", f"{REPOSITORY}:protection:bypass", at, why="administrators are not bound"
        )
    hub.settings.sort(key=lambda one: (one.at, one.action))


def judge(world: World, at: datetime, record: Json) -> None:
    """CHG-06: a record of the forge's log that bypasses the protection, or lets somebody stand above it."""
    kind = "bypass" if record["action"] == _BYPASS else "loosened" if record.get(_ADDED) else ""
    if kind:
        subject = f"{REPOSITORY}:{kind}:{record['_document_id']}"
        world.truth.violation("CHG-06", subject, at, why=f"{record['action']} ({record['actor']})")


def _moment(rng: random.Random, start: datetime, end: datetime) -> datetime:
    """A time well inside a quarter."""
    inside = int((end - start).total_seconds()) - 6 * 86400
    return start + timedelta(seconds=3 * 86400 + rng.randrange(inside))


def _switch(hub: Hub, at: datetime, login: str, field: str, value: object) -> None:
    old = {"off": "everyone", "everyone": "off", False: True}.get(value, 1)
    fields = {"name": "main", field: value, f"old_{field}": old}
    hub.settings.append(Setting(at, f"protected_branch.update_{field}", login, fields))


def _innocents(rng: random.Random, hub: Hub, start: datetime, end: datetime, login: str) -> None:
    """One approval more and back, other branches' protection taken down, and a bypass that is given and taken."""
    at = _moment(rng, start, end)
    _switch(hub, at, login, _COUNT, 2)
    _switch(hub, at + timedelta(days=1), login, _COUNT, 1)
    at = _moment(rng, start, end)
    hub.settings.append(Setting(at, "protected_branch.destroy", login, {"name": "release/*"}))
    hub.settings.append(
        Setting(at + timedelta(hours=2), "protected_branch.create", login, {"name": "release/*"})
    )
    if rng.random() < 0.4:
        at = _moment(rng, start, end)
        common = {"ruleset_id": RULESET, "ruleset_name": "main"}
        team = [{"actor_type": "Team", "actor_id": 5, "bypass_mode": "always"}]
        hub.settings.append(Setting(at, "repository_ruleset.update", login, {**common, _ADDED: team}))
        gone = {**common, "ruleset_bypass_actors_deleted": team}
        hub.settings.append(Setting(at + timedelta(hours=5), "repository_ruleset.update", login, gone))


def _lapse(world: World, rule: str, since: datetime, until: datetime | None) -> None:
    for start, end in keeping.quarters(world):
        if since < end and (until is None or until > start):
            world.truth.violation(
                "CHG-06",
                f"{REPOSITORY}:{rule}@{stamp(since)}",
                since,
                why=f"weak until {stamp(until) if until else 'the end'}",
                quarter=quarter_of(start),
            )


def protection(hub: Hub, at: datetime, api: str) -> Json:
    """The classic protection of main as `GET /repos/…/branches/main/protection` gave it then."""
    url = f"{api}/branches/main/protection"
    bound = True
    for one in hub.settings:
        if one.at <= at and _ADMINS in one.fields:
            bound = bool(one.fields[_ADMINS])
    off = {"enabled": False}
    return {
        "url": url,
        "required_status_checks": {
            "strict": True,
            "contexts": list(CHECKS),
            "url": f"{url}/required_status_checks",
        },
        "required_pull_request_reviews": {
            "url": f"{url}/required_pull_request_reviews",
            "dismiss_stale_reviews": True,
            "require_code_owner_reviews": False,
            "require_last_push_approval": False,
            "required_approving_review_count": 1,
        },
        "enforce_admins": {"url": f"{url}/enforce_admins", "enabled": bound},
        "required_linear_history": off,
        "allow_force_pushes": off,
        "allow_deletions": off,
        "required_signatures": {"url": f"{url}/required_signatures", "enabled": False},
    }


def ruleset(hub: Hub, at: datetime) -> Json:
    """The ruleset of main as `GET /repos/…/rulesets/31` gave it then."""
    state = "active"
    for one in hub.settings:
        if one.at <= at and "ruleset_enforcement" in one.fields:
            state = "active" if one.fields["ruleset_enforcement"] == "enabled" else "disabled"
    return {
        "id": RULESET,
        "name": "main",
        "target": "branch",
        "source_type": "Repository",
        "source": REPOSITORY,
        "enforcement": state,
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "rules": [{"type": "deletion"}, {"type": "non_fast_forward"}],
        "bypass_actors": [],
    }
