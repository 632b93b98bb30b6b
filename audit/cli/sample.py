"""The command that draws samples for an auditor, and evaluates what was found in them."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from audit import narrate, pipeline, sampling
from audit.cli.options import DEFAULT_SETTINGS, AsJson, SettingsPath, out
from audit.errors import ExitCode, UsageError
from audit.settings import Draw, load
from audit.terminal import tell
from audit.trace.finding import Finder
from audit.trace.shapes import Item


def sample(
    quarter: Annotated[str, typer.Option("--quarter", "-q", help="Fiscal quarter, as in 2026Q3.")] = "",
    population: Annotated[str, typer.Option(help=f"One of: {', '.join(sampling.POPULATIONS)}.")] = "changes",
    method: Annotated[str, typer.Option(help=f"One of: {', '.join(sampling.METHODS)}.")] = "random",
    *,
    confidence: Annotated[str, typer.Option(help="How sure the sample must make.")] = "0.95",
    tolerable: Annotated[str, typer.Option(help="Deviation rate that is tolerated.")] = "0.05",
    expected: Annotated[str, typer.Option(help="Deviation rate that the size leaves room for.")] = "0",
    seed: Annotated[int, typer.Option(help="The same seed draws the same sample.", min=0)] = 0,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to make.")] = Path("sample"),
    evaluate: Annotated[Path | None, typer.Option(help="A filled sample.csv to evaluate.")] = None,
    settings: SettingsPath = DEFAULT_SETTINGS,
    as_json: AsJson = False,
) -> None:
    """Draw an attribute sample of a checked quarter; or evaluate one that was filled.

    The size is exact (hypergeometric). The folder gets plan.json, sample.csv, whose column result takes pass, deviation or
    not determined, and a packet for each item with all that the evidence says of it. By --method environment each
    environment gets its share; by --method targets what reaches more applications of production is likelier.
    With --evaluate, what was found gives the upper limit of the deviation rate; ends with 1 when more may deviate than is
    tolerated. Example: audit sample --quarter 2026Q3 --population changes --tolerable 0.05 --seed 7
    """
    if evaluate is not None:
        _evaluate(evaluate, as_json=as_json)
        return
    if not quarter:
        raise UsageError(
            "--quarter is missing", remedy="name the quarter to draw of, or --evaluate a filled sheet"
        )
    for name, given, known in (
        ("population", population, sampling.POPULATIONS),
        ("method", method, sampling.METHODS),
    ):
        if given not in known:
            raise UsageError(f"--{name}: there is no '{given}'", remedy=f"name one of: {', '.join(known)}")
    chosen = load(settings)
    period = chosen.quarter(quarter)
    asked = Draw.model_validate(
        {
            "population": population, "method": method, "seed": seed,
            "confidence": confidence, "tolerable": tolerable, "expected": expected,
        }
    )  # fmt: skip
    with narrate.Narrator() as progress:
        done = pipeline.checked(chosen, period, progress)
        plan, drawn = sampling.plan(asked, done.tables, chosen, done.period, done.as_of)
        finder = Finder(done.tables, chosen, done.period, done.as_of)
        sampling.write(output, plan, drawn, lambda name: _items(finder, name), partial(progress, "packets"))
    if as_json:
        print(json.dumps({"folder": str(output), **asdict(plan)}, indent=1, sort_keys=True))
        return
    tell(out, f"{output}: {len(drawn)} of {plan.items:,} {population}; up to {plan.allowed} may deviate")


def _items(finder: Finder, name: str) -> list[Item]:
    """What the evidence says of an item; nothing where no table has more than the population itself."""
    try:
        return finder.find(name)[2]
    except UsageError:
        return []


def _evaluate(path: Path, *, as_json: bool) -> None:
    found = sampling.evaluate(path)
    if as_json:
        print(json.dumps(asdict(found), indent=1, sort_keys=True))
    else:
        tell(
            out,
            f"{found.deviations} of {found.examined} deviate, {found.undetermined} of them not determined; at "
            f"{found.plan.confidence} confidence no more than {found.limit:,} of {found.plan.whole:,} do ({found.rate:.2%}; "
            f"of any number {found.clopper_pearson:.2%}): "
            + ("less than is tolerated" if found.met else "more than is tolerated may deviate"),
        )
    if not found.met:
        raise typer.Exit(ExitCode.FINDINGS)
