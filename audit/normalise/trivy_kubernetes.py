"""What `trivy k8s` says of a cluster in JSON, to `scans`, `vulnerabilities` and `scan_findings`.

Each resource of the cluster is a scan: of its image, where the report names exactly one, else of the resource itself. Reports have no time,
and none is made up. The report in full lists `Resources`, the summary `Findings`; the first versions listed `Vulnerabilities` and
`Misconfigurations` of each resource apart.
"""

from __future__ import annotations

import msgspec

from audit.normalise.interface import Context, Outcome, Rows
from audit.normalise.jsonformat import names
from audit.normalise.scan_report import ReportFormat, Subject, digests, joined, scanned
from audit.normalise.trivy_report import Metadata, Result, found_in

_LISTS = ("Resources", "Findings", "Vulnerabilities", "Misconfigurations")
_KINDS = ("Vulnerabilities", "Misconfigurations", "Secrets", "Licenses", "ExperimentalModifiedFindings")


class _Resource(msgspec.Struct):
    Kind: str
    Name: str
    Namespace: str = ""
    Metadata: Metadata | list[Metadata] | None = None
    Results: list[Result] | None = None
    Error: str = ""


class Report(msgspec.Struct):
    """A report on a cluster, which it names as the kubeconfig of who scanned does."""

    ClusterName: str
    Resources: list[_Resource] | None = None
    Findings: list[_Resource] | None = None
    Vulnerabilities: list[_Resource] | None = None
    Misconfigurations: list[_Resource] | None = None


def _rows(report: Report, context: Context) -> Outcome:
    lists = (report.Resources, report.Findings, report.Vulnerabilities, report.Misconfigurations)
    resources = [resource for listed in lists for resource in listed or ()]
    return Outcome([row for place, each in enumerate(resources) for row in _scan(each, place, context)], None)


def _scan(resource: _Resource, place: int, context: Context) -> Rows:
    told = resource.Metadata or []
    images = [each for each in (told if isinstance(told, list) else [told]) if each.ImageID]
    about = images[0] if len(images) == 1 else Metadata()
    named = [name for each in images for name in (*(each.RepoTags or ()), *(each.RepoDigests or ()))]
    image = next(iter((*(about.RepoTags or ()), *(about.RepoDigests or ()))), None)
    name = "/".join(part for part in (resource.Namespace, resource.Name) if part)
    subject = Subject("trivy", image or name, digests(about.RepoDigests), None, place)
    results = resource.Results or []
    return scanned(
        subject,
        [row for result in results for row in found_in(result, subject)],
        cluster=context.cluster,
        namespace=resource.Namespace or None,
        workload_kind=resource.Kind,
        workload=resource.Name,
        artifact_kind="container_image" if image else resource.Kind,
        names=joined(named),
        image_id=about.ImageID,
        targets=len(results),
        end_of_support=about.OS.EOSL or False if about.OS else None,
        succeeded=False if resource.Error else None,
    )


def _looks(record: bytes) -> bool:
    if b'"ClusterName"' not in record:
        return False
    found = names(record)
    return "ClusterName" in found and found <= {"SchemaVersion", "ClusterName", *_LISTS}


FORMAT = ReportFormat(
    "trivy-kubernetes",
    1,
    ("scans", "vulnerabilities", "scan_findings"),
    Report,
    _rows,
    _looks,
    lists=(*_LISTS, *(f"{name}[].Results" for name in _LISTS),
           *(f"{name}[].Results[].{kind}" for name in _LISTS for kind in _KINDS)),
)  # fmt: skip
