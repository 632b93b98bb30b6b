"""A quarter of cluster logs of a given size, collected and built: time, memory of the largest process and of all together.

`python -m bench.quarter FOLDER [--gigabytes N] [--engine …]` makes it (once) and measures. Sizes are uncompressed. The
events are those that the simulated API servers write, each with an id and times of its own: 5 % are writes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from isal import igzip

from audit.simulator.organisation import simulate

CLUSTERS = ("dev", "staging", "prod")
START, DAYS = datetime(2026, 7, 1, tzinfo=UTC), 92
_READS = (b'"verb":"get"', b'"verb":"list"', b'"verb":"watch"')
_WRITES = 0.05
_TIME = re.compile(rb'("(?:requestReceivedTimestamp|stageTimestamp)":")[^"]+"')
_ID = re.compile(rb'("auditID":")[^"]+"')
_SETTINGS = """\
[organisation]
name = "bench"
[[clusters]]
name = "dev"
environment = "dev"
[[clusters]]
name = "staging"
environment = "staging"
[[clusters]]
name = "prod"
environment = "prod"
"""
LIMIT = 1000
"""Megabytes a core."""


def make(folder: Path, gigabytes: float) -> Path:
    """The quarter's objects, an hour and cluster each, and settings that name them; made once."""
    made = folder / "made.json"
    if made.exists() and json.loads(made.read_text(encoding="utf-8"))["gigabytes"] == gigabytes:
        return folder
    simulate(folder / "templates", seed=1, changes=40, log_events=20_000)
    reads, writes = _templates(folder / "templates")
    dice, sources = random.Random(1), []  # noqa: S311  # the dice are seeded, not secret
    hours = DAYS * 24 * len(CLUSTERS)
    average = (
        sum(map(len, reads)) / len(reads) * (1 - _WRITES) + sum(map(len, writes)) / len(writes) * _WRITES
    )
    each = max(1, int(gigabytes * 1e9 / hours / average))
    for cluster in CLUSTERS:
        place = folder / "evidence" / cluster
        place.mkdir(parents=True, exist_ok=True)
        sources.append(
            f'[[sources]]\nname = "{cluster}"\nlocation = "file:evidence/{cluster}"\ncluster = "{cluster}"\n'
        )
        for hour in range(DAYS * 24):
            begin = START + timedelta(hours=hour)
            lines = list(_hour(begin, each, reads=reads, writes=writes, dice=dice))
            (place / f"audit-{begin:%Y-%m-%dT%H}.log.gz").write_bytes(igzip.compress(b"".join(lines), 1))
    (folder / "audit.toml").write_text(_SETTINGS + "".join(sources), encoding="utf-8")
    made.write_text(json.dumps({"gigabytes": gigabytes, "events": each * hours}), encoding="utf-8")
    return folder


def _templates(folder: Path) -> tuple[list[bytes], list[bytes]]:
    """Reads and writes, with places for an id and a time."""
    reads, writes = [], []
    for path in sorted((folder / "evidence" / "dev-audit").glob("*.gz")):
        for line in igzip.decompress(path.read_bytes()).splitlines(keepends=True):
            if line.endswith(b"}\n") and b'"stage":"ResponseComplete"' in line:
                form = _TIME.sub(rb'\1%(at)b"', _ID.sub(rb'\1%(id)b"', line.replace(b"%", b"%%")))
                (reads if any(verb in line for verb in _READS) else writes).append(form)
    return reads, writes


def _hour(
    begin: datetime, count: int, *, reads: list[bytes], writes: list[bytes], dice: random.Random
) -> Iterator[bytes]:
    for number in range(count):
        at = begin + timedelta(microseconds=int(3_600_000_000 * number / count))
        line = dice.choice(writes if dice.random() < _WRITES else reads)
        name = b"%032x" % dice.getrandbits(128)
        yield line % {
            b"at": b"%bZ" % at.isoformat(timespec="microseconds").removesuffix("+00:00").encode(),
            b"id": b"-".join((name[:8], name[8:12], name[12:16], name[16:20], name[20:])),
        }


class _Watch(threading.Thread):
    """Looks at a process and all below it 20 times a second (Linux)."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.process, self.largest, self.together = process, 0.0, 0.0

    def run(self) -> None:
        while True:
            sizes = [_own(each) for each in _family(self.process)]
            self.largest, self.together = max([self.largest, *sizes]), max(self.together, sum(sizes))
            time.sleep(0.05)


def _family(process: int) -> list[int]:
    found = [process]
    for each in found:
        for children in Path(f"/proc/{each}/task").glob("*/children"):
            try:
                found += [int(child) for child in children.read_text(encoding="ascii").split()]
            except OSError:  # it has ended
                continue
    return found


def _own(process: int) -> float:
    """Megabytes that a process does not share: those of libraries count for none."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return sum(int(amount) for amount in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.MULTILINE)) / 1e3


def measure(folder: Path) -> dict[str, dict[str, float]]:
    """Seconds and megabytes of collecting and of building, each in a process of its own."""
    found = {}
    for stage in ("collect", "build", "build again"):
        command = [
            sys.executable,
            "-m",
            "audit.cli",
            stage.split()[0],
            "--settings",
            str(folder / "audit.toml"),
        ]
        if stage == "collect":
            command += ["--as-of", "2026-10-05"]
        start = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ) as process:
            watch = _Watch(process.pid)
            watch.start()
            status = process.wait()
        if status:
            raise subprocess.CalledProcessError(status, command)
        found[stage] = {
            "seconds": time.perf_counter() - start, "largest": watch.largest, "together": watch.together,
        }  # fmt: skip
    return found


def main() -> None:
    """Makes the quarter, then measures it."""
    parser = argparse.ArgumentParser(prog="python -m bench.quarter", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--gigabytes", type=float, default=5.0)
    chosen = parser.parse_args()
    folder = make(chosen.folder, chosen.gigabytes)
    events = json.loads((folder / "made.json").read_text(encoding="utf-8"))["events"]
    print(
        f"\n{chosen.gigabytes:g} GB of audit events, {events:,} of them, {len(os.sched_getaffinity(0))} processors"
    )
    for stage, took in measure(folder).items():
        rate = chosen.gigabytes * 1e3 / took["seconds"]
        print(
            f"  {stage:<12} {took['seconds']:7.1f} s {rate:6.0f} MB/s   largest process {took['largest']:6,.0f} MB, "
            f"{took['largest'] / LIMIT:.2f} of the limit; together {took['together']:6,.0f} MB"
        )
    print(f"  this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:,.0f} MB")


if __name__ == "__main__":
    main()
