"""What Vault's audit device writes: workloads and people read secrets; now and then somebody unknown, or a root token."""

from __future__ import annotations

import hashlib
import random
from datetime import datetime, timedelta
from typing import Any

from audit.simulator.keeping import quarters
from audit.simulator.world import World, stamp

SOURCE = "vault-audit"
_READS = 40  # reads in a quarter that are as they should be

Json = dict[str, Any]


def log(world: World) -> None:
    """Writes the source `vault-audit`, an object a quarter; SEC-04: each read by somebody unknown, each root token."""
    rng = random.Random(f"vault {world.landed[-1].head_sha}")
    staff = [
        one for one in world.people if one.kind == "person" and one.person and one.joined and not one.left
    ]
    known = [f"oidc-{one.emails[0]}" for one in staff if one.joined and one.joined < world.start]
    for start, end in quarters(world):
        lines: list[tuple[datetime, list[Json]]] = []
        for number in range(_READS):
            name = f"kubernetes-{rng.choice(world.environments)}-{rng.choice(world.apps)}"
            lines.append(_pair(rng, start, end, rng.choice(known) if number % 5 == 0 else name))
        lines.append(_pair(rng, start, end, "approle-legacy", denied=True))
        lines.append(_pair(rng, start, end, "approle-legacy", path="sys/health"))
        for who, root in (
            ("approle-legacy", False),
            ("oidc-nobody@elsewhere.example", False),
            ("root", True),
        ):
            if rng.random() < 0.7:
                at, pair = _pair(
                    rng, start, end, who, path="sys/policies/acl/apps" if root else None, root=root
                )
                lines.append((at, pair))
                why = "a root token" if root else f"read by {who}"
                world.truth.violation("SEC-04", f"vault:{pair[0]['request']['id']}", at, why=why)
        lines.sort(key=lambda each: each[0])
        records = [line for _, pair in lines for line in pair]
        world.evidence.lines(SOURCE, f"{start:%Y-%m}/audit.log.gz", records)


def _pair(
    rng: random.Random,
    start: datetime,
    end: datetime,
    who: str,
    *,
    path: str | None = None,
    root: bool = False,
    denied: bool = False,
) -> tuple[datetime, list[Json]]:
    """A request and its response."""
    at = start + timedelta(seconds=rng.randrange(int((end - start).total_seconds()) - 5))
    token = "hmac-sha256:" + hashlib.sha256(who.encode()).hexdigest()
    policies = ["root"] if root else ["apps", "default"]
    auth = {
        "client_token": token,
        "accessor": token,
        "display_name": who,
        "policies": policies,
        "token_policies": policies,
        "entity_id": "" if root else hashlib.sha256(f"entity {who}".encode()).hexdigest()[:32],
        "token_type": "service",
    }
    request = {
        "id": f"{rng.getrandbits(128):032x}",
        "operation": "update" if root else "read",
        "mount_type": "system" if (path or "").startswith("sys/") else "kv",
        "path": path or f"kv/data/apps/{rng.choice(('a', 'b', 'c'))}",
        "client_token": token,
        "namespace": {"id": "root"},
        "remote_address": "203.0.113.20",
    }
    asked = {"time": stamp(at), "type": "request", "auth": auth, "request": request}
    answered = {**asked, "type": "response", "response": {}}
    if denied:
        answered["error"] = "1 error occurred:\n\t* permission denied\n\n"
    return at, [asked, answered]
