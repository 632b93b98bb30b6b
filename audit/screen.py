"""What commands print on the terminal: text for people, JSON for programs. Knows no policy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec
import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from audit.build import Built
from audit.controls.registry import Page
from audit.evidence.collect import Collected
from audit.model import Severity
from audit.parse import Counts, Found, Refused
from audit.pipeline import Retried, Run
from audit.report.publish import Published
from audit.report.words import printable
from audit.terminal import harmless_json, one_line, tell
from audit.trace import Trace

LONGEST_RAW = 2000
"""Characters of a raw record or commit that are printed for people; JSON has them all."""

_SYMBOLS = {"effective": "✓", "exceptions": "✗", "not tested": "?", "not applicable": "–"}

_UNMATCHED = 10  # of the landings that nothing ties, how many are shown


def show_row(file: str, found: Found) -> None:
    """One row as a JSON line: table, file, number of the record, then the columns."""
    named = {"table": found.table, "file": file, "line": found.row["line"]}
    print(harmless_json(msgspec.json.encode(named | found.row).decode()))


def show_refused(errors: Console, file: str, refused: Refused, *, as_json: bool = False) -> None:
    """One record that could not be read, on a line of its own, without anything that a terminal would obey."""
    if as_json:
        print(json.dumps({"file": file} | refused._asdict(), sort_keys=True), file=errors.file)
        return
    said = f"{file}: record {refused.line}, byte {refused.offset}: {refused.reason}"
    errors.out(printable(said), highlight=False)


def show_counts(errors: Console, counts: Counts, *, as_json: bool = False) -> None:
    """What became of the records of all files, and what they were and came in."""
    if as_json:
        print(json.dumps(vars(counts), sort_keys=True), file=errors.file)
        return
    errors.out(
        f"{counts.records:,} records = {counts.kept:,} kept + {counts.noise:,} noise "
        f"+ {counts.quarantined:,} quarantined",
        highlight=False,
    )
    for title, found in (("read as", counts.formats), ("opened", counts.envelopes)):
        if found:
            each = ", ".join(f"{name} {number:,}" for name, number in sorted(found.items()))
            errors.out(f"{title}: {each}", highlight=False)


def _dump(value: Any) -> None:
    print(json.dumps(value, indent=1, sort_keys=True, default=str))


def top_findings(exceptions: pd.DataFrame, count: int = 3) -> pd.DataFrame:
    """The most important exceptions that no waiver covers, in the order of the report's summary: one of each control, the worst first."""
    exceptions = exceptions[exceptions["waiver"].isna()]
    ranked = exceptions.assign(
        rank=exceptions["severity"].map({severity.value: severity.rank for severity in Severity}),
        nth=exceptions.groupby("control").cumcount(),
        fewer=-exceptions.groupby("control")["subject"].transform("size"),
    )
    ranked = ranked.sort_values(["nth", "rank", "fewer", "control", "subject"], kind="stable")
    return ranked.head(count).drop(columns=["rank", "nth", "fewer"])


def show_run(out: Console, run: Run, *, as_json: bool) -> None:
    """Conclusions, the three most important findings, what was missing, and where everything lies."""
    conclusions, exceptions = run.tables["conclusions"], run.tables["exceptions"]
    files = {
        name: run.folder / name for name in ("report.pdf", "results.json") if (run.folder / name).exists()
    }
    top = top_findings(exceptions)
    if as_json:
        _dump(
            {
                "quarter": run.period.label,
                "as_of": run.as_of.isoformat(),
                "exit_code": int(run.exit_code),
                "conclusions": json.loads(conclusions.to_json(orient="records")),
                "most_important": json.loads(top.to_json(orient="records", date_format="iso")),
                "problems": [str(problem) for problem in run.problems],
                "folder": str(run.folder),
                "report": _published(run.published) if run.published else None,
                "files": {name: str(path) for name, path in files.items()},
            }
        )
        return
    table = Table(title=f"Controls, {run.period.label}", title_justify="left")
    for heading, justify in (
        ("Control", "left"),
        ("Statement", "left"),
        ("Tested", "right"),
        ("Failed", "right"),
        ("Waived", "right"),
        ("Conclusion", "left"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]  # rich's literal
    for row in conclusions.itertuples():
        tested = "–" if row.population is pd.NA else f"{row.population:,}"
        table.add_row(
            str(row.control),
            escape(str(row.title_text)),
            tested,
            f"{row.exceptions:,}",
            str(row.waived or "–"),
            f"{_SYMBOLS[str(row.conclusion)]} {row.conclusion}",
        )
    out.print(table)
    for row in conclusions[conclusions["gaps"] != ""].itertuples():
        tell(out, f"{row.control}: {one_line(row.gaps)}")
    if len(top):
        tell(out, "\nMost important findings:", style="bold")
    for row in top.itertuples():
        tell(out, f"  [{row.severity}] {row.control} {one_line(row.subject)}: {one_line(row.found)}")
    for problem in run.problems:
        tell(out, f"Missing: {problem}", style="red")
    out.print("")
    if run.published:
        _tell_published(out, run.published)
    for path in files.values():
        tell(out, f"{path}")
    tell(out, f"Everything lies in {run.folder}")


def show_published(out: Console, done: Published, *, as_json: bool) -> None:
    """Which edition a report is, and what it restates."""
    if as_json:
        _dump(_published(done))
        return
    _tell_published(out, done)
    tell(out, f"Report: {done.path}")


def _published(done: Published) -> dict[str, Any]:
    return {
        "report": str(done.path),
        "edition": done.edition,
        "as_of": done.as_of.isoformat(),
        "new": done.new,
        "restates": asdict(done.restates) if done.restates else None,
    }


def _tell_published(out: Console, done: Published) -> None:
    as_of = f"{done.as_of:%Y-%m-%d %H:%M} UTC"
    if not done.edition:
        lines = ["A draft: nothing is frozen."]
    elif not done.new:
        lines = [f"Edition {done.edition}, frozen as of {as_of}: nothing that is known now changes it."]
    elif done.restates is None:
        lines = [f"Edition {done.edition}, frozen as of {as_of}: what comes later leads to a restatement."]
    else:
        before = done.restates
        counts = ", ".join(f"{count} in {table}" for table, count in before.counts.items())
        lines = [
            f"Edition {done.edition} restates edition {before.number}, as of {as_of}: "
            f"{len(before.rows)} facts differ ({counts}).",
            *(f"  because of {cause.kind}: {one_line(cause.text)}" for cause in before.causes),
        ]
    for line in lines:
        tell(out, line)


def show_trace(out: Console, found: Trace, *, as_json: bool) -> None:
    """Facts, items, then what their pointers lead to. Control characters of evidence are shown, not obeyed."""
    if as_json:
        _dump(asdict(found))
        return
    tell(out, f"{found.kind} {one_line(found.name)}")
    for name, value in found.facts.items():
        tell(out, f"  {name}: {one_line(value)}")
    tell(out, f"\n{len(found.items):,} {'item' if len(found.items) == 1 else 'items'}")
    for item in found.items:
        parts = (item.role, item.at, item.subject, item.says)
        tell(out, "  " + "  ".join(one_line(part) for part in parts if part))
        for pointer in item.pointers:
            tell(out, f"      ↳ {one_line(pointer)}")
    for raw in found.raw:
        tell(out, f"\n{one_line(raw.pointer)}  {one_line(raw.where)}".rstrip())
        for line in (f"not shown: {raw.problem}" if raw.problem else _begins(raw.text)).split("\n"):
            tell(out, f"  {line}")
    left = found.pointers - len(found.raw)
    if left:
        tell(out, f"\n{left:,} more lines or commits: add --limit 0 for all of them")


def _begins(text: str) -> str:
    """Raw text as far as people read it, and how much there is more."""
    text = text.rstrip("\n")
    more = len(text) - LONGEST_RAW
    return f"{text[:LONGEST_RAW]}\n… {more:,} characters more: --json prints it whole" if more > 0 else text


def show_collected(out: Console, done: Collected, *, as_json: bool) -> None:
    """Objects listed, pulled and already there, by source; then what could not be had."""
    if as_json:
        _dump(
            {
                "sources": [vars(source) for source in done.sources],
                "problems": [str(p) for p in done.problems],
            }
        )
        return
    table = Table("Source", "Listed", "Pulled", "Already there", "Bytes pulled")
    for source in done.sources:
        table.add_row(
            source.name, f"{source.listed:,}", f"{source.pulled:,}", f"{source.kept:,}", f"{source.bytes:,}"
        )
    out.print(table)
    for source in done.sources:
        for remark in source.remarks:
            tell(out, f"Note: {one_line(remark)}")
    for problem in done.problems:
        tell(out, f"Missing: {problem}", style="red")


def show_repositories(out: Console, repositories: pd.DataFrame, *, as_json: bool) -> None:
    """Each repository as it was mined."""
    if as_json:
        _dump(json.loads(repositories.to_json(orient="records")))
        return
    for row in repositories.itertuples():
        tell(
            out,
            f"{one_line(row.repo)}: {row.commits:,} commits, {row.mainline:,} on {one_line(row.branch)}, tip {row.tip}",
        )


def show_built(out: Console, built: Built, *, as_json: bool) -> None:
    """Rows by table, and what was quarantined."""
    counts = built.sizes()
    quarantined = built.tables["quarantine"]
    if as_json:
        _dump({"rows": counts, "quarantined": json.loads(quarantined.to_json(orient="records"))})
        return
    table = Table("Table", "Rows")
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    out.print(table)
    for row in quarantined.head(20).itertuples():
        tell(out, f"Quarantined: {_place(row)}: {one_line(row.reason)}")
    if len(quarantined) > 20:
        out.print(f"… and {len(quarantined) - 20:,} more: audit quarantine lists them all")


def _place(row: Any) -> str:
    """Where a record that could not be read stands."""
    return f"{row.source_name} {one_line(row.key)}, record {row.line}, byte {row.offset}"


def show_quarantine(out: Console, rows: pd.DataFrame, *, as_json: bool) -> None:
    """What is quarantined: by source and reason, how often; then one by one, with the name that `trace` knows."""
    if as_json:
        _dump(json.loads(rows.to_json(orient="records")))
        return
    if rows.empty:
        out.print("Nothing is quarantined.")
        return
    alike = rows.assign(reason=rows["reason"].str.replace(r" \(byte \d+\)$", "", regex=True))
    counts = alike.groupby(["source_name", "reason"]).agg(
        records=("line", "size"), objects=("evidence", "nunique")
    )
    for row in (
        counts.reset_index().sort_values(["source_name", "records"], ascending=[True, False]).itertuples()
    ):
        what = f"{row.records:,} in {row.objects:,} {'object' if row.objects == 1 else 'objects'}"
        tell(out, f"{row.source_name}: {what}: {one_line(row.reason)}")
    tell(out, "")
    for row in rows.itertuples():
        tell(out, f"{_place(row)}: {one_line(row.reason)}  {row.evidence}:{row.line}")


def show_retried(out: Console, done: Retried, *, as_json: bool) -> None:
    """What can be read now, then what is still quarantined."""
    if as_json:
        _dump(
            {
                "read": json.loads(done.read.to_json(orient="records")),
                "quarantined": json.loads(done.left.to_json(orient="records")),
            }
        )
        return
    tell(out, f"{len(done.read):,} of {len(done.before):,} quarantined records can be read now.")
    show_quarantine(out, done.left, as_json=False)


def show_controls(out: Console, catalogue: tuple[Page, ...], wanted: str | None, *, as_json: bool) -> None:
    """The list of controls, or the page of one."""
    chosen = [control for control in catalogue if wanted is None or control.id == wanted.upper()]
    if as_json:
        _dump([asdict(page) for page in chosen])
    elif wanted is None:
        table = Table("Control", "Severity", "Statement", "Clause of the policy")
        for page in chosen:
            table.add_row(page.id, page.severity, escape(page.title), escape(page.clause))
        out.print(table)
    else:
        out.print(_page(chosen[0]), markup=False, highlight=False)


def show_tested(out: Console, tested: Mapping[str, int], wrong: Sequence[str], *, as_json: bool) -> None:
    """How many examples of each control were run, and which of them came to something else."""
    if as_json:
        _dump({"examples": dict(tested), "wrong": list(wrong)})
        return
    for text in wrong:
        tell(out, text, style="red")
    out.print(
        f"{sum(tested.values())} examples of {len(tested)} controls, {len(wrong)} wrong", highlight=False
    )


def _page(page: Page) -> str:
    """A control's page as text."""
    sections = {
        "Why": page.why,
        "Evidence": page.evidence + "\n\nNeeds: " + "; ".join(page.needs),
        "Limits": page.limits,
        "Remediation": page.remediation,
        "Frameworks": "\n".join(
            f"{name}: {', '.join(refs)}" for name, refs in page.frameworks.items() if refs
        ),
    }
    head = f"{page.id} · {page.severity} · {page.clause}\n{page.title}"
    return "\n\n".join([head, *(f"{name}\n{text}" for name, text in sections.items())])


def _show_contents(out: Console, mined: dict[str, Any]) -> None:
    """What the files of the landings say."""
    found = mined["contents"]
    if found is None:
        out.print("Contents were not read: path rules alone say where landings take effect.", highlight=False)
        return
    secrets = ", ".join(f"{count:,} {escape(kind)}" for kind, count in found["secrets"].items()) or "none"
    unread = ", ".join(f"{count:,} for {escape(by)}" for by, count in found["unread"].items()) or "none"
    for line in (
        f"Images set: {found['images']:,}; build graph at the tip: {found['roots']:,} roots",
        f"Secrets in the clear: {secrets} ({found['secret_values']:,} values); by reference at the tip: "
        f"{found['references']:,}",
        f"Files that could not be read: {unread}",
    ):
        out.print(line, highlight=False, soft_wrap=True)


def show_mined(out: Console, mined: dict[str, Any], *, as_json: bool) -> None:
    """Landings of one repository by kind, by link and its confidence, by environment, and how long it took."""
    if as_json:
        _dump(mined)
        return
    quarter = f" in {mined['quarter']}" if mined["quarter"] else ""
    tell(
        out,
        f"{mined['repository']}: {mined['all_commits']:,} commits, {mined['mainline']:,} of them on the mainline of "
        f"{mined['branch']}; {mined['landings']:,} landings{quarter}; {mined['seconds']:.1f} s",
    )
    links = {f"{each['link']}, {each['confidence']}": each["landings"] for each in mined["by_link"]}
    places = mined["by_environment"] | {"(none)": mined["in_no_environment"]}
    for heading, counts in (
        ("By kind", mined["by_kind"]),
        ("By machinery", {name: count for name, count in mined["by_via"].items() if count}),
        ("By link, confidence", links),
        ("By environment", places),
        ("Places said by", mined["by_attribution"]),
    ):
        table = Table(title=heading, title_justify="left", show_header=False)
        for name, count in counts.items():
            table.add_row(escape(name), f"{count:,}")
        out.print(table)
    _show_contents(out, mined)
    named = mined["named_reverts"]
    out.print(
        f"Reverts: {mined['reverts']:,} ({named['linked']:,} of {named['known']:,} that name a full id of this history "
        f"linked; {mined['reinstates']:,} bring a change back); copies: {mined['picks']:,}",
        highlight=False,
        soft_wrap=True,
    )
    if mined["unmatched"]:
        out.print("The latest with neither a pull request nor a reviewed change:", highlight=False)
    for each in mined["unmatched"][:_UNMATCHED]:
        line = f"  {each['at'][:10]} {each['sha'][:12]} {printable(each['subject'])}"
        out.print(line, markup=False, highlight=False, no_wrap=True, overflow="ellipsis")
    for problem in mined["problems"]:
        tell(out, f"Not whole: {problem}", style="red")
