"""The report as OSCAL assessment results (NIST, version 1.1.3): an observation a test and an exception, a finding a control."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from audit.report.forms.markdown import escape

VERSION = "1.1.3"
_STATES = {
    "effective": ("satisfied", "pass"),
    "exceptions": ("not-satisfied", "fail"),
    "not tested": ("not-satisfied", "other"),
}
"""State and reason of a finding; a control that is not applicable has none."""


def make(results: Mapping[str, Any]) -> bytes:
    """The JSON document: the same for the same results, with an id of its own for each content.

    A control that was not tested is not satisfied, for the reason `other`, and its remarks say what is missing.
    """
    own = uuid5(NAMESPACE_URL, json.dumps(results, sort_keys=True))
    plan = _id(own, "plan")
    controls = results["controls"]
    result: dict[str, Any] = {
        "uuid": _id(own, "result"),
        "title": _text(f"{results['organisation']}, {results['quarter']}"),
        "description": _text(" ".join(results["summary"]["sentences"])),
        "start": results["starts"],
        "end": results["ends"],
        "reviewed-controls": {
            "control-selections": [{"include-controls": [{"control-id": c["id"]} for c in controls]}]
            if controls
            else [{"description": "No control."}]
        },
    }
    lists = {
        "observations": [each for control in controls for each in _observations(own, control, results)],
        "findings": [_finding(own, c) for c in controls if c["conclusion"] in _STATES],
    }
    result |= {name: rows for name, rows in lists.items() if rows}
    document = {
        "uuid": str(own),
        "metadata": {
            "title": _text(f"{results['organisation']}: GitOps audit {results['quarter']}"),
            "last-modified": results["as_of"],
            "version": f"{results['status']}-{results['edition']}",
            "oscal-version": VERSION,
        },
        "import-ap": {"href": f"#{plan}"},
        "results": [result],
        "back-matter": {
            "resources": [{"uuid": plan, "description": "The catalogue of controls and the settings."}]
        },
    }
    return (json.dumps({"assessment-results": document}, indent=1) + "\n").encode()


def _observations(
    own: UUID, control: Mapping[str, Any], results: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """The test of the whole population, then each item that failed, with the evidence that shows it."""
    tested = "an unknown number of" if control["population"] is None else str(control["population"])
    yield {
        "uuid": _id(own, "test", control["id"]),
        "title": _text(f"{control['id']}: {control['title']}"),
        "description": _text(
            f"Of {tested} items {control['exception_count']} failed: {control['conclusion']}."
        ),
        "methods": ["TEST"],
        "types": ["control-objective"],
        "collected": results["as_of"],
    }
    for row in control["exceptions"]:
        observed = {
            "uuid": _id(own, "exception", row["exception_id"]),
            "title": _text(f"{control['id']}: {row['subject']}"),
            "description": _text(f"Expected: {row['expected']}. Found: {row['found']}."),
            "props": [{"name": "exception-id", "value": _text(row["exception_id"])}],
            "methods": ["TEST"],
            "types": ["finding"],
            "collected": results["as_of"],
        }
        evidence = [{"description": _text(pointer)} for pointer in row["evidence"]]
        yield observed | ({"relevant-evidence": evidence} if evidence else {})


def _finding(own: UUID, control: Mapping[str, Any]) -> dict[str, Any]:
    state, reason = _STATES[control["conclusion"]]
    status = {"state": state, "reason": reason}
    if control["gaps"]:
        status["remarks"] = _text("Missing: " + "; ".join(control["gaps"]))
    observed = [
        ("test", control["id"]),
        *(("exception", row["exception_id"]) for row in control["exceptions"]),
    ]
    return {
        "uuid": _id(own, "finding", control["id"]),
        "title": _text(f"{control['id']}: {control['title']}"),
        "description": _text(f"{control['conclusion']}. {control['remedy']}"),
        "target": {"type": "objective-id", "target-id": control["id"], "status": status},
        "related-observations": [{"observation-uuid": _id(own, *names)} for names in observed],
    }


def _id(own: UUID, *names: str) -> str:
    return str(uuid5(own, json.dumps(names)))


def _text(text: str) -> str:
    """One whole line of OSCAL's markup that is plain text; a dash for nothing, which OSCAL has no text for."""
    return escape(text, longest=None) or "–"
