"""Prints ratios measured in one run: mining, its memory, parsing, pulling, joining and judging, laying out, and the whole job.

`python -m bench [mine|memory|parse|pull|join|lay-out|run ...] [--repository PATH]`. Quote ratios, not seconds: machines are noisy.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench import joining, laying_out, memory, mining, parsing, pulling, whole

BENCHES = {
    "mine": mining.run,
    "memory": memory.run,
    "parse": parsing.run,
    "pull": pulling.run,
    "join": joining.run,
    "lay-out": laying_out.run,
    "run": whole.run,
}


def main() -> None:
    """Runs the chosen benches, all of them by default."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("benches", nargs="*", choices=[*BENCHES, []], help="which; all when none is named")
    parser.add_argument("--repository", type=Path, help="mine this repository instead of those made for it")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen.benches or BENCHES:
            BENCHES[name](Path(folder) / name, chosen.repository)


if __name__ == "__main__":
    main()
