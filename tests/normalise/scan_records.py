"""Valid reports of scanners, as small as they can be. Every secret in them is a pretence."""

from __future__ import annotations

from typing import Any

IMAGE = "registry.example/shop/web"
MANIFEST = f"sha256:{'a1' * 32}"

TRIVY: dict[str, Any] = {
    "SchemaVersion": 2, "ReportID": "t-1", "Trivy": {"Version": "0.66.0"}, "CreatedAt": "2026-07-01T09:00:00.123456789+02:00",
    "ArtifactName": f"{IMAGE}:1.2", "ArtifactType": "container_image",
    "Metadata": {
        "OS": {"Family": "alpine", "Name": "3.10.2", "EOSL": True}, "ImageID": f"sha256:{'b2' * 32}",
        "RepoTags": [f"{IMAGE}:1.2", f"{IMAGE}:latest"], "RepoDigests": [f"{IMAGE}@{MANIFEST}"],
    },
    "Results": [
        {"Target": "web (alpine 3.10.2)", "Class": "os-pkgs", "Type": "alpine", "Vulnerabilities": [
            {"VulnerabilityID": "CVE-2026-0001", "VendorIDs": ["DSA-2", "DSA-1"], "PkgName": name,
             "PkgIdentifier": {"PURL": f"pkg:apk/alpine/{name}@1.1"}, "InstalledVersion": "1.1", "FixedVersion": "1.2",
             "Status": "fixed", "SeveritySource": "nvd", "Severity": "CRITICAL", "Title": "openssl: overflow",
             "PublishedDate": "2026-06-01T00:00:00Z", "Fingerprint": f"sha256:{name}"}
            for name in ("libcrypto", "libssl")
        ]},
        {"Target": "package-lock.json", "Class": "lang-pkgs", "Type": "npm", "ExperimentalModifiedFindings": [
            {"Type": "vulnerability", "Status": "not_affected", "Statement": "never called", "Source": "vex.json",
             "Finding": {"VulnerabilityID": "CVE-2026-0002", "PkgName": "debug", "InstalledVersion": "3.0.1", "Severity": "LOW"}},
        ]},
        {"Target": "Dockerfile", "Class": "config", "Type": "dockerfile", "MisconfSummary": {"Successes": 1, "Failures": 1},
         "Misconfigurations": [
            {"ID": "DS-0002", "Title": "Image user should not be root", "Message": "Specify a user", "Severity": "HIGH",
             "Status": "FAIL", "CauseMetadata": {"Resource": "web", "StartLine": 3, "EndLine": 4}},
            {"ID": "DS-0001", "Severity": "MEDIUM", "Status": "PASS"},
        ]},
        {"Target": "deploy.sh", "Class": "secret", "Secrets": [
            {"RuleID": "aws-access-key-id", "Category": "AWS", "Severity": "CRITICAL", "Title": "AWS Access Key ID",
             "StartLine": 3, "EndLine": 3, "Match": "pretend-match", "Code": {"Lines": [{"Content": "pretend-line"}]}},
        ]},
        {"Target": "Java", "Class": "license", "Licenses": [
            {"Severity": "MEDIUM", "Category": "reciprocal", "PkgName": "sisu", "FilePath": "", "Name": "EPL-1.0"},
        ]},
    ],
}  # fmt: skip
TRIVY_FIRST: dict[str, Any] = {
    "Target": f"{IMAGE}:1.0 (alpine 3.9)", "Type": "alpine", "Vulnerabilities": [
        {"VulnerabilityID": "CVE-2026-0001", "PkgName": "libssl", "InstalledVersion": "1.0", "Severity": "UNKNOWN"},
    ],
}  # fmt: skip

SCANS: dict[str, list[dict[str, Any]]] = {
    "trivy-json": [TRIVY, TRIVY_FIRST],
}
