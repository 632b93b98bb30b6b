"""Lays out one report: `python -m audit.report.layout FOLDER`, run by `audit.report.pdf` in its own process.

FOLDER holds `report.html`, `job.json` and the attachments; `report.pdf` is left there. Nothing is reached but
the templates' own folder.

Rows of long tables are laid out apart, by two further processes, piece after piece (`audit.report.lanes`). Then
everything else is, with a blank sheet for each of their pages, so that numbers of pages, contents, bookmarks and links
are those of the whole; at last the sheets are filled (`audit.report.merged`).
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

from weasyprint import Attachment

from audit.report import finishing, lanes, merged, parts
from audit.report.drawing import Drawing

VARIANT = "pdf/a-3a"


def main(work: Path) -> None:
    """Lays out what lies in `work`."""
    job = json.loads((work / "job.json").read_text(encoding="utf-8"))
    page = (work / "report.html").read_text(encoding="utf-8")
    gc.disable()  # a third faster: the process ends when the page is laid out
    drawing = Drawing(Path(job["assets"]))
    cut = parts.cut(page, job["long"])
    laid = _lanes(work, job, cut) if cut.lanes else []
    if not all(laid):  # something in them needs the rest of the page
        cut, laid = parts.Cut([page], []), []
    document = drawing.render(cut.blank([[each["names"] for each in lane] for lane in laid]), VARIANT)
    sheets = _sheets(document)
    whole = work / ("report.pdf" if not laid else "sheets.pdf")
    document.write_pdf(
        whole, attachments=_attachments(work, job), pdf_variant=VARIANT, finisher=finishing.finish
    )
    if laid:
        del document
        pages = [(work / each["file"], each["page"]) for lane in laid for each in lane]
        merged.merge(whole, pages, sheets, work / "report.pdf")


def _attachments(work: Path, job: dict[str, Any]) -> list[Attachment]:
    moment = datetime.fromisoformat(job["as_of"])
    return [
        Attachment(
            string=(work / name).read_bytes(),
            name=name,
            description=description,
            created=moment,
            modified=moment,
            relationship="Data",
        )
        for name, description in sorted(job["attachments"].items())
    ]


def _lanes(work: Path, job: dict[str, Any], cut: parts.Cut) -> list[list[dict[str, Any]]]:
    """What each lane was laid out to: its pages in order; none for one that can't be laid out by itself."""
    names = sorted(cut.names())
    for number, lane in enumerate(cut.lanes):
        told = {
            "assets": job["assets"],
            "before": lane.before,
            "rows": lane.rows,
            "after": lane.after,
            "names": names,
        }
        (work / f"lane-{number}.json").write_text(json.dumps(told), encoding="utf-8")
    with ThreadPoolExecutor(parts.LANES) as pool:
        list(pool.map(lambda numbers: _process(work, numbers), _dealt(cut.lanes)))
    return [
        json.loads((work / f"lane-{number}.pages.json").read_text(encoding="utf-8"))
        for number in range(len(cut.lanes))
    ]


def _dealt(lanes: Sequence[parts.Lane]) -> list[list[int]]:
    """The lanes' numbers, dealt out so that each process has about as many rows; the longest first."""
    shares: list[list[int]] = [[] for _ in range(parts.LANES)]
    for number in sorted(range(len(lanes)), key=lambda number: -len(lanes[number].rows)):
        min(shares, key=lambda share: sum(len(lanes[one].rows) for one in share)).append(number)
    return [share for share in shares if share]


def _process(work: Path, numbers: Sequence[int]) -> None:
    """Lays some lanes out in a process of its own."""
    command = [sys.executable, "-P", "-m", lanes.__name__, str(work), *map(str, numbers)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)


def _sheets(document: Any) -> list[int]:
    """The places of the blank sheets among the pages; their own anchors go."""
    found = []
    for place, page in enumerate(document.pages):
        own = [name for name in page.anchors if name.startswith(parts.PLACE)]
        for name in own:
            del page.anchors[name]
            found.append(place)
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
