"""One run of the demonstration organisation: acts everything out, and writes evidence, settings and truth.

The same arguments give the same bytes, Git's objects included.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

from audit.simulator import (
    alerting,
    binding,
    breaking,
    certifying,
    clusters,
    desk,
    enforcing,
    entitling,
    force,
    forge,
    gatekeeper,
    guards,
    history,
    keeping,
    leaks,
    learning,
    operators,
    people,
    scanning,
    seals,
    tampering,
    vaults,
)
from audit.simulator.trail import Trail
from audit.simulator.world import ENVIRONMENTS, REPOSITORY, Evidence, Truth, World, stamp

APPS = ("catalog", "checkout", "gateway", "ledger", "search", "shipping")
SILENCE_MINUTES = 180
_HEAD = f"""# Settings of the demonstration organisation.
store = "audit-store"

[organisation]
name = "NETBPF"

[people]
roster = "roster.yaml"

[thresholds]
required_checks = [{", ".join(f'"{name}"' for name in desk.REQUIRED_CHECKS)}]
silence_minutes = {SILENCE_MINUTES}

[structure]
required = [{", ".join(f'"{path}"' for path in keeping.LAYOUT)}]
{alerting.SETTINGS}
{enforcing.SETTINGS}
{entitling.SETTINGS}
[documents]
review_days = {keeping.REVIEW_DAYS}

[secrets]
fingerprint_key_file = "{leaks.KEY_FILE}"

[[repositories]]
name = "{REPOSITORY}"
location = "repositories/netbpf-gitops.git"
believe_mailmap = true
branch = "main"
"""
_OWNERS: tuple[tuple[str, dict[str, tuple[str, ...]]], ...] = (
    ("security team", {"controls": ("ACC-*", "SEC-*", "SCN-*", "TRN-*")}),
    ("checkout team", {"apps": ("checkout", "ledger")}),
    ("platform team", {}),
)
"""Who must act on what failed."""
_PATH_RULES = (
    ("apps/{app}/overlays/{environment}/**", None, ()),
    ("apps/{app}/**", None, ENVIRONMENTS),
    ("charts/{app}/**", None, ENVIRONMENTS),
    ("infrastructure/{app}/**", None, ENVIRONMENTS),
    ("clusters/{environment}/**", "*", ()),
)


def simulate(
    folder: Path,
    *,
    seed: int = 1,
    changes: int = 120,
    log_events: int = 20_000,
    quarters: int = 4,
    last_quarter: str = "2026Q3",
    bucket: str | None = None,
) -> Path:
    """Acts the organisation out into `folder`, and gives it back.

    It then holds `repositories/`, `evidence/<source>/`, `roster.yaml`, `audit.toml`, the public keys that these name, and, apart, `truth/truth.json`.

    Args:
        folder: made if it is not there; must not hold a run already.
        seed: which run.
        changes: landings over all quarters; the repository's first commit comes on top.
        log_events: events in the clusters' logs over all quarters, about.
        quarters: how many, the last one included. last_quarter: as in 2026Q3.
        bucket: the settings name this S3 bucket as the place of the evidence, and not the folder.

    Raises:
        FileExistsError: `folder` already holds a run.
        ValueError: `last_quarter` names no quarter, or a number is below 1.
    """
    if min(changes, log_events, quarters) < 1:
        raise ValueError("changes, log_events and quarters are at least 1")
    start, end = span(last_quarter, quarters)
    if (folder / "audit.toml").exists():
        raise FileExistsError(f"{folder} already holds a run")
    folder.mkdir(parents=True, exist_ok=True)
    label = f"{seed} {changes} {log_events} {quarters} {last_quarter}"
    rng = random.Random(label)
    staff = people.hire(rng, start, end)
    world = World(
        rng, start, end, changes, log_events, APPS, staff, Truth(), Evidence(folder / "evidence"), label=label
    )  # fmt: skip
    hub = history.act(world, folder / "repositories" / "netbpf-gitops.git")
    force.act(world, hub)
    guards.act(world, hub)
    learning.act(world, hub)
    lists = entitling.grant(world)
    entitling.vouch(world, hub, lists, certifying.GRANTOR)
    forge.tell(world, hub)
    operators.deploy(world)
    clusters.log_access(world)
    breaking.record(world)
    gatekeeper.audit_policies(world)
    vaults.log(world)
    scanning.scan(world)
    alerting.tell(world)
    certifying.act(world, Trail(world, hub), lists)
    tampering.act(world, bucket or tampering.BUCKET)
    (folder / "roster.yaml").write_text(people.roster(staff), encoding="utf-8")
    (folder / seals.SIGNERS).write_text(seals.Ring.of(world).signers(), encoding="utf-8")
    (folder / "audit.toml").write_text(settings_toml(world, bucket=bucket), encoding="utf-8")
    key = folder / leaks.KEY_FILE
    key.touch(mode=0o600)
    key.write_bytes(leaks.KEY)
    (folder / "truth").mkdir()
    world.truth.write(folder / "truth" / "truth.json")
    return folder


def span(last_quarter: str, quarters: int) -> tuple[datetime, datetime]:
    """Start and end (half-open, UTC) of so many calendar quarters, of which `last_quarter` is the last.

    Raises:
        ValueError: `last_quarter` is not of the form 2026Q3.
    """
    year, mark, number = last_quarter[:-2], last_quarter[-2:-1], last_quarter[-1:]
    if mark != "Q" or number not in set("1234") or not year.isdecimal() or len(year) != 4:
        raise ValueError(f"'{last_quarter}' does not name a quarter: write it as in 2026Q3")
    after = int(year) * 12 + int(number) * 3
    start, end = (
        datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in (after - 3 * quarters, after)
    )
    return start, end


def settings_toml(world: World, *, bucket: str | None = None) -> str:
    """The settings that fit the run, with its sources in the folder, or in a bucket."""

    def location(source: str) -> str:
        return f"s3://{bucket}/{source}/" if bucket else f"file:evidence/{source}"

    ring = seals.Ring.of(world)
    parts = [
        _HEAD,
        f'[signatures]\nssh_signers = "{seals.SIGNERS}"\nforge_keys = ["{ring.forge_fingerprint}"]\n',
    ]
    if bucket:
        parts.append(_table("[s3]", region="us-east-1"))
    for name in (forge.EXPORTS, "github-audit-log"):
        made = stamp(forge.exported_at(world)) if name == forge.EXPORTS else None
        parts.append(
            _table("[[sources]]", name=name, location=location(name), repository=REPOSITORY, exported_at=made)
        )
    made = stamp(forge.exported_at(world))
    name = learning.SOURCE
    parts.append(_table("[[sources]]", name=name, location=location(name), exported_at=made))
    parts.append(
        _table("[[sources]]", name=vaults.SOURCE, location=location(vaults.SOURCE), exported_at=made)
    )
    for name in (scanning.SOURCE, alerting.SOURCE, tampering.SOURCE):
        parts.append(_table("[[sources]]", name=name, location=location(name), exported_at=made))
    for name, at in entitling.lists(world):
        parts.append(
            _table(
                "[[sources]]",
                name=name,
                location=location(name),
                repository=REPOSITORY,
                exported_at=stamp(at),
            )
        )
    for name, cluster, at in binding.sources(world):
        parts.append(
            _table("[[sources]]", name=name, location=location(name), cluster=cluster, exported_at=stamp(at))
        )
    for environment in world.environments:
        for kind in ("audit", "operators", "gatekeeper", "constraints", alerting.METRICS):
            name = f"{environment}-{kind}"
            dated = None if kind in ("audit", "operators") else made
            copy = tampering.copied(name) if kind == "audit" and not bucket else None
            parts.append(
                _table(
                    "[[sources]]",
                    name=name,
                    location=location(name),
                    cluster=environment,
                    exported_at=dated,
                    copy_of=copy,
                )
            )
    parts += [_table("[[clusters]]", name=name, environment=name) for name in world.environments]
    for pattern, app, environments in _PATH_RULES:
        parts.append(_table("[[path_rules]]", pattern=pattern, app=app, environments=environments or None))
    parts += [_table("[[break_glass]]", **glass) for glass in world.break_glass]
    parts += [_table("[[owners]]", owner=owner, **fits) for owner, fits in _OWNERS]
    return "\n".join(parts)


def _table(header: str, **values: str | tuple[str, ...] | None) -> str:
    lines = [header]
    for name, value in values.items():
        if isinstance(value, str):
            lines.append(f'{name} = "{value}"')
        elif value is not None:
            lines.append(f"{name} = [{', '.join(f'{chr(34)}{item}{chr(34)}' for item in value)}]")
    return "\n".join(lines) + "\n"
