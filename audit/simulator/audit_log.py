"""GitHub's audit log as its stream writes it: batches under the minute of their writing, some late, some twice."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from audit.simulator import guards
from audit.simulator.hub import MAIN, Hub
from audit.simulator.people import login_id
from audit.simulator.world import REPOSITORY, World

SOURCE = "github-audit-log"
_BATCH = 12 * 3600  # seconds in one batch
_VERDICTS = {"APPROVED": "approved", "CHANGES_REQUESTED": "changes_requested", "COMMENTED": "commented"}

Json = dict[str, Any]


def tell(world: World, hub: Hub) -> None:
    """Writes the source `github-audit-log`: what `hub` saw from the start of the first quarter on."""
    rng = random.Random(f"audit log {world.rng.random()}")
    batches: dict[int, list[Json]] = defaultdict(list)
    events = [e for e in _events(hub, rng) if world.start <= e[0] < world.end]
    for at, action, login, fields in sorted(events, key=lambda event: event[:3]):
        record = _record(rng, at, action, login, fields)
        guards.judge(world, at, record)
        batch = int(at.timestamp()) // _BATCH + 1
        dice = rng.random()
        late = rng.randint(2, 12) if dice < 0.03 else 0
        batches[batch + late].append(record)
        if dice > 0.97:
            batches[batch + 1].append(record)  # delivered at least once
    for number, records in sorted(batches.items()):
        written = datetime.fromtimestamp(number * _BATCH, world.start.tzinfo) + timedelta(
            minutes=rng.randint(0, 9)
        )
        name = uuid.UUID(int=rng.getrandbits(128), version=4)
        world.evidence.lines(SOURCE, f"{written:%Y/%m/%d/%H/%M}/{name}.json.log.gz", records)


def _events(hub: Hub, rng: random.Random) -> Iterator[tuple[datetime, str, str, Json]]:
    """(when, action, login, fields of its own)."""
    for push in hub.pushes:
        if push.operation != "branch_deletion":
            yield push.at, "git.push", push.login, {"transport_protocol_name": "ssh", "transport_protocol": 2}
        if push.ref == MAIN and push.operation == "push":
            yield (
                push.at,
                "protected_branch.policy_override",
                push.login,
                {"branch": "main", "overridden_codes": []},
            )
        if rng.random() < 0.15:
            yield (
                push.at - timedelta(seconds=40),
                "git.fetch",
                push.login,
                {"transport_protocol_name": "https"},
            )
    for setting in hub.settings:
        yield setting.at, setting.action, setting.login, setting.fields
    for pull in hub.pulls:
        about = {"pull_request_id": pull.number, "pull_request_title": pull.title}
        yield pull.created_at, "pull_request.create", pull.opener.login, about
        if pull.merged_at and pull.merged_by:
            yield pull.merged_at, "pull_request.merge", pull.merged_by.login, about
        elif pull.closed_at:
            yield pull.closed_at, "pull_request.close", pull.opener.login, about
        for review in pull.reviews:
            verdict = {**about, "review_id": review.id, "state": _VERDICTS[review.verdict]}
            yield review.at, "pull_request_review.submit", review.login, verdict
            if review.dismissed_at and review.dismissed_by:
                yield review.dismissed_at, "pull_request_review.dismiss", review.dismissed_by, verdict


def _record(rng: random.Random, at: datetime, action: str, login: str, fields: Json) -> Json:
    milliseconds = int(at.timestamp()) * 1000 + rng.randint(0, 999)
    written: Any = milliseconds
    form = rng.random()
    if form < 0.05:
        written = str(milliseconds)
    elif form < 0.1:
        written = float(milliseconds)
    owner = REPOSITORY.split("/")[0]
    verb = action.rsplit(".", 1)[1]
    return {
        "@timestamp": milliseconds,
        "_document_id": f"{rng.getrandbits(128):032x}"[:22],
        "action": action,
        "actor": login,
        "actor_id": login_id(login),
        "actor_is_bot": login.endswith("[bot]"),
        "business": owner,
        "business_id": 4821,
        "created_at": written,
        "operation_type": {"create": "create", "submit": "create", "push": "modify", "fetch": "access"}.get(
            verb, "modify"
        ),
        "org": owner,
        "org_id": login_id(owner),
        "public_repo": False,
        "repo": REPOSITORY,
        "repo_id": 684_120_977,
        "user_agent": "git/2.47.1" if action.startswith("git.") else "Mozilla/5.0",
        **fields,
    }
