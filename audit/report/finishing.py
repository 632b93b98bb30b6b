"""What WeasyPrint leaves out of a tagged file: done on its objects, before they are written.

The declaration of PDF/UA-1 beside that of PDF/A-3a; header cells that say what they head; what stands in the margins of
pages as artifacts, which WeasyPrint marks as content that no tag holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pydyf  # type: ignore[import-untyped]

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


def finish(_document: Any, pdf: Any) -> None:
    """Finishes a whole file."""
    for item in pdf.objects:
        extra = getattr(item, "extra", {})
        if extra.get("Type") == "/Metadata":
            item.stream = [part.replace(b"</rdf:RDF>", _ACCESSIBLE + b"</rdf:RDF>") for part in item.stream]
    tag(pdf)
    pdf.catalog["AF"][:] = list(dict.fromkeys(pdf.catalog["AF"]))  # each is there twice


def tag(pdf: Any) -> None:
    """Sets the tags of a file right, whole or part."""
    elements = {item.reference: item for item in pdf.objects if isinstance(item, pydyf.Dictionary)}
    _name_scopes(elements)
    _release_margins(pdf, elements)


def _name_scopes(elements: dict[bytes, Any]) -> None:
    """Says of each header cell whether it heads a column or a row: those of a table's head head columns.

    Cells' own lists of their headers go: they say the same, by names that repeat on every page.
    """
    for item in elements.values():
        if item.get("S") == "/TH":
            row = elements[item["P"]]
            head = elements[row["P"]].get("S") == "/THead"
            item["A"]["Scope"] = "/Column" if head else "/Row"
            item.pop("ID", None)
        elif item.get("S") == "/TD":
            item["A"].pop("Headers", None)
            if len(item["A"]) == 1:  # says nothing but whose attributes these would be
                del item["A"]


def _release_margins(pdf: Any, elements: dict[bytes, Any]) -> None:
    """Makes artifacts of marked content that no element of the document holds."""
    root = elements[pdf.catalog["StructTreeRoot"]]
    (top,) = root["K"]
    held = set(elements[top]["K"])
    loose = [one for one in elements.values() if one.get("P") == top and one.reference not in held]
    nums = elements[root["ParentTree"]]["Nums"]
    tree = dict(zip(nums[::2], nums[1::2], strict=True))
    numbers: dict[bytes, set[int]] = {}
    for element in [each for one in loose for each in _inside(one, elements)]:
        numbers.setdefault(element["Pg"], set()).update(kid for kid in element["K"] if isinstance(kid, int))
        element.clear()
    streams = {item.reference: item for item in pdf.objects if isinstance(item, pydyf.Stream)}
    for reference, marks in numbers.items():
        page = elements[reference]
        _release(streams[page["Contents"]], marks)
        owners = tree[page["StructParents"]]
        for mark in marks:
            owners[mark] = "null"
        while owners and owners[-1] == "null":
            owners.pop()


def _inside(element: Any, elements: dict[bytes, Any]) -> Iterator[Any]:
    """An element and those in it."""
    kids = [elements[kid] for kid in element["K"] if isinstance(kid, bytes)]
    yield element
    for kid in kids:
        yield from _inside(kid, elements)


def _release(stream: Any, marks: set[int]) -> None:
    """Turns marked content of these numbers into artifacts."""
    parts = stream.stream
    for at, part in enumerate(parts):
        if isinstance(part, pydyf.Dictionary) and part.get("MCID") in marks:
            parts[at - 1 : at + 2] = ["/Artifact", b"", b"BMC"]
