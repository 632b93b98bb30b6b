"""Lays out one report: `python -m audit.report.layout FOLDER`, run by `audit.report.pdf` in its own process.

FOLDER holds `report.html`, `job.json` and the attachments; `report.pdf` is left there. Nothing is reached but
the templates' own folder.
"""

from __future__ import annotations

import gc
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from weasyprint import CSS, HTML, Attachment
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

_ACCESSIBLE = b"""<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
<pdfuaid:part>1</pdfuaid:part></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of PDF/UA</pdfaProperty:description>
<pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType>
</rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>
"""


class OwnAssets(URLFetcher):  # type: ignore[misc]  # WeasyPrint is untyped
    """Reaches the files of one folder, and nothing else."""

    def __init__(self, folder: Path) -> None:
        super().__init__(allowed_protocols=("file",), allow_redirects=False)
        self._folder = folder.resolve()

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        """The file that `url` names.

        Raises:
            ValueError: it is not a file of the folder.
        """
        parts = urlsplit(url)
        path = Path(unquote(parts.path)).resolve()
        if parts.scheme != "file" or parts.netloc or not path.is_relative_to(self._folder):
            raise ValueError(f"{url}: not one of the report's own files")
        return super().fetch(path.as_uri(), headers)


def main(work: Path) -> None:
    """Lays out what lies in `work`."""
    job = json.loads((work / "job.json").read_text(encoding="utf-8"))
    assets = Path(job["assets"])
    fetcher = OwnAssets(assets)
    fonts = FontConfiguration()
    base = f"{assets.resolve().as_uri()}/"
    moment = datetime.fromisoformat(job["as_of"])
    attachments = [
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
    gc.disable()  # a third faster: the process ends when the page is laid out
    page = HTML(string=(work / "report.html").read_text(encoding="utf-8"), base_url=base, url_fetcher=fetcher)
    style = CSS(filename=assets / "report.css", url_fetcher=fetcher, font_config=fonts)
    page.write_pdf(
        work / "report.pdf",
        stylesheets=[style],
        font_config=fonts,
        attachments=attachments,
        pdf_variant="pdf/a-3a",
        finisher=_finish,
    )


def _finish(_document: Any, pdf: Any) -> None:
    """Adds PDF/UA-1 to the declarations of PDF/A-3a, and what WeasyPrint leaves out of tags and associated files."""
    for item in pdf.objects:
        extra = getattr(item, "extra", {})
        if extra.get("Type") == "/Metadata":
            item.stream = [part.replace(b"</rdf:RDF>", _ACCESSIBLE + b"</rdf:RDF>") for part in item.stream]
    _name_scopes(pdf)
    pdf.catalog["AF"][:] = list(dict.fromkeys(pdf.catalog["AF"]))  # each is there twice


def _name_scopes(pdf: Any) -> None:
    """Says of each header cell whether it heads a column or a row: those of a table's head head columns."""
    by_reference: dict[bytes, Any] = {item.reference: item for item in pdf.objects if hasattr(item, "get")}
    for item in by_reference.values():
        if item.get("S") == "/TH":
            row = by_reference[item["P"]]
            head = by_reference[row["P"]].get("S") == "/THead"
            item["A"]["Scope"] = "/Column" if head else "/Row"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
