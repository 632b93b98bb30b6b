"""Parsing a Kubernetes audit log against the limit in Python, the json module, pandas and jq, on the same file."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import subprocess
from pathlib import Path

import pandas as pd
from isal import igzip

from audit.normalise.interface import Context
from audit.normalise.reader import parse
from audit.simulator.organisation import simulate
from bench.timing import show, timed

_EVENTS = 150_000


def run(folder: Path, _repository: Path | None) -> None:
    """Parses one file of audit events, decompression included; sizes are uncompressed."""
    simulate(folder, seed=1, changes=60, log_events=_EVENTS)
    path = folder / "events.log.gz"
    content = b"".join(
        gzip.decompress(each.read_bytes())
        for each in sorted((folder / "evidence" / "dev-audit").rglob("*.gz"))
    )
    path.write_bytes(gzip.compress(content, 6))
    size = len(content) / 1e6
    others = [
        timed("only splitting lines (isal): the limit", lambda: _lines(path), work=size, unit="MB"),
        timed("gzip and json modules, keeping writes", lambda: _json(path), work=size, unit="MB"),
        timed("pandas.read_json(lines=True)", lambda: _pandas(content), work=size, unit="MB", runs=1),
    ]
    if shutil.which("jq"):
        others.append(timed("zcat | jq -c select(verb)", lambda: _jq(path), work=size, unit="MB"))
    context = Context("bench", "events.log.gz", cluster="dev")
    ours = timed(
        "audit: to rows, every record accounted for", lambda: parse(path, context), work=size, unit="MB"
    )
    show(f"Parsing {size:,.0f} MB of audit events", ours, *others)


def _lines(path: Path) -> int:
    with igzip.open(path) as lines:
        return sum(1 for _ in lines)


def _json(path: Path) -> int:
    kept = 0
    with gzip.open(path) as lines:
        for line in lines:
            try:
                kept += json.loads(line)["verb"] not in ("get", "list", "watch")
            except ValueError:
                continue
    return kept


def _pandas(content: bytes) -> int:
    whole = [line for line in content.splitlines() if line.endswith(b"}")]
    return len(pd.read_json(io.BytesIO(b"\n".join(whole)), lines=True, dtype=False))


def _jq(path: Path) -> None:
    command = (
        'zcat "$1" | jq -c -R \'fromjson? | select(.verb | IN("get","list","watch") | not)\' > /dev/null'
    )
    subprocess.run(["sh", "-c", command, "sh", str(path)], check=True)
