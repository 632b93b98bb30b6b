"""Emergencies in clusters as the ticket system exports them: with every step, or with one left out."""

from __future__ import annotations

from datetime import datetime, timedelta

from audit.simulator.learning import SOURCE
from audit.simulator.world import REPOSITORY, World, stamp

_LIMIT = timedelta(days=3)
_FLAWS = ("unrecorded", "open", "unreviewed", "late", "own")
_HEADER = "ticket,person,cluster,opened,closed,reviewed,reviewer,pull_request"


def record(world: World) -> None:
    """Writes the records into `people-records`. CHG-09: emergencies of which a step was left out, or came too late."""
    lines = [_HEADER]
    for glass in world.break_glass:
        rng = world.dice(f"ticket {glass['ticket']}")
        flaw = rng.choice(_FLAWS) if rng.random() < 0.5 else ""
        opened, closed = (datetime.fromisoformat(glass[name]) for name in ("opened", "closed"))
        returned = next(
            (
                one.pr_number
                for one in world.landed
                if one.pr_number and opened <= one.landed_at <= closed + _LIMIT
            ),
            None,
        )
        others = sorted(
            str(p.person)
            for p in world.people
            if p.kind == "person" and p.person and p.person != glass["person"]
        )
        lag = _LIMIT + timedelta(seconds=1) if flaw == "late" else rng.choice((timedelta(hours=2), _LIMIT))
        row = {
            "ticket": glass["ticket"],
            "person": glass["person"],
            "cluster": glass["cluster"],
            "opened": glass["opened"],
            "closed": "" if flaw == "open" else glass["closed"],
            "reviewed": "" if flaw == "unreviewed" else stamp(closed + lag),
            "reviewer": glass["person"] if flaw == "own" else rng.choice(others),
            "pull_request": f"{REPOSITORY}#{returned}" if returned else "",
        }
        if flaw != "unrecorded":
            lines.append(",".join(row.values()))
        left = world.acted[glass["ticket"]] > 0 and (returned is None or flaw == "unrecorded")
        if flaw or left:
            subject = (
                f"break-glass {glass['ticket']}: {glass['person']} in {glass['cluster']}@{glass['opened']}"
            )
            why = "; ".join(filter(None, (flaw, "nothing came back to Git" if left else "")))
            world.truth.violation("CHG-09", subject, opened, why=why)
    text = "\n".join(lines) + "\n"
    world.evidence.write(SOURCE, f"{world.end:%Y-%m-%d}/break-glass.csv", text.encode())
