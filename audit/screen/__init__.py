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
from audit.evidence.proof import Proof
from audit.parse import Counts, Found, Refused
from audit.pipeline import Retried
from audit.report.words import printable
from audit.screen.ran import show_published, show_run, top_findings
from audit.terminal import harmless_json, one_line, tell
from audit.trace import Trace, said

__all__ = [
    "LONGEST_RAW",
    "show_built",
    "show_collected",
    "show_controls",
    "show_counts",
    "show_mined",
    "show_published",
    "show_quarantine",
    "show_refused",
    "show_repositories",
    "show_retried",
    "show_row",
    "show_run",
    "show_tested",
    "show_trace",
    "show_verified",
    "top_findings",
]

LONGEST_RAW = 2000
"""Characters of a raw record or commit that are printed for people; JSON has them all."""

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


def show_trace(out: Console, found: Trace, *, as_json: bool) -> None:
    """Facts, items, then what their pointers lead to. Control characters of evidence are shown, not obeyed."""
    if as_json:
        _dump(asdict(found))
        return
    tell(out, f"{found.kind} {one_line(found.name)}")
    for name, value in found.facts.items():
        words, text = said(name, value)
        tell(out, f"  {words}: {one_line(text)}")
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
        tell(out, f"{_place(row)}: {one_line(row.reason)}{_since(row)}  {row.evidence}:{row.line}")


def _since(row: Any) -> str:
    """That a source has given other bytes since, which are read beside those that can't be; empty where it has not."""
    later = getattr(row, "replaced_by", None)
    return (
        "" if later is None or pd.isna(later) else f" (the source has given other bytes since: {later[:16]})"
    )


def show_verified(
    out: Console, store: str, proved: Proof | None, problems: Sequence[str], *, as_json: bool
) -> None:
    """What was proved of the store; as JSON also what is wrong with it, a sentence each."""
    if as_json:
        said = {"store": store, "whole": proved is not None, "problems": problems}
        _dump(said | (asdict(proved) if proved is not None else {}))
    elif proved is not None:
        tell(out, f"{store}: every object and manifest is what it was")
        tell(out, f"manifest {proved.manifests:06} is the last one: its sha256, the head, is {proved.head}")
        unsigned = "bears signatures that were not looked at: the settings name no key (signing.public_keys)"
        tell(
            out,
            f"it is signed by {', '.join(one[:16] for one in proved.signed_by)}"
            if proved.signed_by
            else f"it {unsigned if proved.signatures else 'is not signed'}",
        )
        if proved.stamped_at is not None:
            tell(out, f"last stamped {proved.stamped_at:%Y-%m-%dT%H:%M:%SZ}")


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
