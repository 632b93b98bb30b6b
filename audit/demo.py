"""The embedded default: an organisation that acts, its evidence on a real S3 server, and a report on it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import audit
from audit import pipeline
from audit.errors import UsageError
from audit.settings import load
from audit.simulator.organisation import simulate
from audit.sources.loopback import S3Server

QUARTER = "2026Q3"
AS_OF = datetime(2026, 10, 5, 6, tzinfo=UTC)
BUCKET = "audit"


def run(
    output: Path, *, seed: int, changes: int, log_events: int, progress: pipeline.Progress
) -> pipeline.Run:
    """Makes the organisation unless it is there, serves its evidence on loopback and reports on `QUARTER`.

    Everything lies in one folder below `output`: the repository, the evidence as emitted, the settings, `truth/`
    (what really happened: never read), `s3/` (the server's own), and the evidence store with the report.
    """
    output = output.resolve()
    organisation = _organisation(output, seed=seed, changes=changes, log_events=log_events, progress=progress)
    progress("serve", 0, 1)
    with S3Server(organisation / "s3") as server:
        server.fill(organisation / "evidence", BUCKET)
        progress("serve", 1, 1)
        with _environment(server.environment() | {"AUDIT__S3__ENDPOINT_URL": server.endpoint_url}):
            settings = load(organisation / "audit.toml")
            return pipeline.run(settings, settings.quarter(QUARTER), AS_OF, progress)


def _organisation(
    output: Path, *, seed: int, changes: int, log_events: int, progress: pipeline.Progress
) -> Path:
    """Folder of the organisation that these arguments make; acted out once."""
    folder = output / f"organisation-{seed}-{changes}-{log_events}"
    stamp = folder / "made.json"
    wanted = json.dumps(
        {"version": audit.__version__, "seed": seed, "changes": changes, "log_events": log_events}
    )
    progress("simulate", 0, 1)
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        except OSError as error:
            raise UsageError(
                f"{folder}: can't be made: {error.strerror}", remedy="name another folder with --output"
            ) from None
        simulate(folder, seed=seed, changes=changes, log_events=log_events, bucket=BUCKET)
        stamp.write_text(wanted, encoding="utf-8")
    progress("simulate", 1, 1)
    return folder


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """The process's environment with `variables`, restored afterwards."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
