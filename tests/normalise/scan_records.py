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

GRYPE: dict[str, Any] = {
    "matches": [{
        "vulnerability": {"id": "GHSA-aaaa-bbbb-cccc", "namespace": "github:language:python", "severity": "Negligible",
                          "fix": {"versions": ["1.2", "2.0"], "state": "fixed"}},
        "relatedVulnerabilities": [{"id": "CVE-2026-0003"}, {"id": "GHSA-aaaa-bbbb-cccc"}], "matchDetails": [],
        "artifact": {"name": "requests", "version": "1.1", "type": "python", "purl": "pkg:pypi/requests@1.1",
                     "locations": [{"path": "/usr/lib/requests", "layerID": "sha256:1"}]},
    }],
    "ignoredMatches": [{
        "vulnerability": {"id": "CVE-2026-0004", "severity": "Critical", "fix": {"versions": [], "state": "wont-fix"}},
        "artifact": {"name": "zlib", "version": "1.0", "type": "apk", "purl": ""},
        "appliedIgnoreRules": [{"vulnerability": "CVE-2026-0004", "reason": "not reachable"}],
    }],
    "source": {"type": "image", "target": {
        "userInput": f"{IMAGE}:1.2", "imageID": f"sha256:{'b2' * 32}", "manifestDigest": f"sha256:{'c3' * 32}",
        "tags": [f"{IMAGE}:1.2"], "repoDigests": [f"{IMAGE}@{MANIFEST}"],
    }},
    "distro": {"name": "alpine", "version": "3.20.1"},
    "descriptor": {"name": "grype", "version": "0.104.0", "timestamp": "2026-07-01T09:00:00Z"},
}  # fmt: skip
SARIF: dict[str, Any] = {
    "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
    "runs": [{
        "tool": {"driver": {"name": "CodeQL", "semanticVersion": "2.20.0", "rules": [
            {"id": "py/sql-injection", "name": "py/sql-injection", "shortDescription": {"text": "SQL query"},
             "defaultConfiguration": {"level": "error"}, "properties": {"tags": ["security"], "security-severity": "8.8"}},
            {"id": "py/unused", "name": "Unused"},
        ]}},
        "results": [
            {"ruleId": "py/sql-injection", "ruleIndex": 0, "message": {"text": "pretend-message"},
             "locations": [{"physicalLocation": {"artifactLocation": {"uri": "app.py"},
                                                 "region": {"startLine": 7, "snippet": {"text": "pretend-snippet"}}}}],
             "partialFingerprints": {"primaryLocationLineHash": "39fa2ee980eb94b0:1"}},
            {"ruleId": "py/unused", "level": "note", "message": {"text": "unused"},
             "suppressions": [{"kind": "inSource", "justification": "kept for later"}]},
            {"ruleId": "CVE-2026-0001-libssl", "kind": "fail", "message": {"text": "A high vulnerability"}},
        ],
        "invocations": [{"executionSuccessful": True, "endTimeUtc": "2026-07-01T09:00:00Z"}],
        "versionControlProvenance": [{"repositoryUri": "https://git.example/netbpf", "revisionId": "4f2a" * 10}],
        "automationDetails": {"id": "ci/main/"},
    }],
}  # fmt: skip
_LABELS = {
    "trivy-operator.resource.kind": "ReplicaSet", "trivy-operator.resource.name": "web-6b59", "trivy-operator.container.name": "web",
    "trivy-operator.resource.namespace": "shop",
}  # fmt: skip
_OPERATOR = "aquasecurity.github.io/v1alpha1"
_SCANNER = {"name": "Trivy", "vendor": "Aqua Security", "version": "0.66.0"}
_UPDATED = "2026-07-01T09:00:00Z"
VULNERABILITY_REPORT: dict[str, Any] = {
    "apiVersion": _OPERATOR, "kind": "VulnerabilityReport",
    "metadata": {"name": "replicaset-web-6b59-web", "namespace": "shop", "uid": "u-1", "labels": _LABELS},
    "report": {
        "artifact": {"repository": "shop/web", "tag": "1.2", "digest": MANIFEST}, "registry": {"server": "registry.example"},
        "scanner": _SCANNER, "updateTimestamp": _UPDATED, "os": {"family": "alpine", "name": "3.10.2", "eosl": True},
        "summary": {"criticalCount": 0, "highCount": 1, "mediumCount": 0, "lowCount": 0, "noneCount": 0, "unknownCount": 1},
        "vulnerabilities": [
            {"vulnerabilityID": "CVE-2026-0001", "resource": "libssl", "installedVersion": "1.1", "fixedVersion": "1.2",
             "severity": "HIGH", "title": "openssl: overflow", "target": "web (alpine)", "class": "os-pkgs",
             "packageType": "alpine", "packagePURL": "pkg:apk/alpine/libssl@1.1", "publishedDate": "2026-06-01T00:00:00Z"},
        ],
    },
}  # fmt: skip
CONFIG_AUDIT: dict[str, Any] = {
    "apiVersion": _OPERATOR, "kind": "ConfigAuditReport",
    "metadata": {"name": "replicaset-web-6b59", "namespace": "shop", "labels": _LABELS},
    "report": {"scanner": _SCANNER, "updateTimestamp": _UPDATED, "summary": {"criticalCount": 0, "highCount": 1},
               "checks": [{"checkID": "KSV-0014", "title": "Root file system", "severity": "HIGH", "success": False,
                           "messages": ["set it", "read-only"]},
                          {"checkID": "KSV-0001", "severity": "MEDIUM", "success": True}]},
}  # fmt: skip
EXPOSED_SECRETS: dict[str, Any] = {
    "apiVersion": _OPERATOR, "kind": "ExposedSecretReport", "metadata": {"name": "s", "namespace": "shop", "labels": _LABELS},
    "report": {"artifact": {"repository": "shop/web", "tag": "1.2"}, "registry": {"server": "registry.example"},
               "scanner": _SCANNER, "updateTimestamp": _UPDATED, "summary": {"criticalCount": 1},
               "secrets": [{"target": "/app/.env", "ruleID": "stripe", "title": "Stripe", "category": "Stripe",
                            "severity": "CRITICAL", "match": "pretend-match"}]},
}  # fmt: skip
RBAC_ASSESSMENT: dict[str, Any] = {
    "apiVersion": _OPERATOR, "kind": "ClusterRbacAssessmentReport",
    "metadata": {"name": "clusterrole-admin", "labels": {"trivy-operator.resource.kind": "ClusterRole"},
                 "annotations": {"trivy-operator.resource.name": "system:admin"}},
    "report": {"scanner": _SCANNER, "updateTimestamp": _UPDATED,
               "checks": [{"checkID": "KSV-0041", "severity": "CRITICAL", "success": False}]},
}  # fmt: skip
COMPLIANCE: dict[str, Any] = {
    "apiVersion": _OPERATOR, "kind": "ClusterComplianceReport", "metadata": {"name": "k8s-cis-1.23", "uid": "u-2"},
    "status": {
        "updateTimestamp": _UPDATED, "summary": {"passCount": 1, "failCount": 1},
        "summaryReport": {"id": "cis", "controlCheck": [
            {"id": "1.1.1", "name": "Modes of files", "severity": "HIGH", "totalFail": 0},
            {"id": "1.2.1", "name": "No anonymous", "severity": "MEDIUM", "totalFail": 2},
            {"id": "3.1.1", "name": "By hand", "severity": "LOW"},
        ]},
    },
}  # fmt: skip

_ALERTS = "https://api.github.com/repos/netbpf/netbpf-gitops"
CODE_ALERT: dict[str, Any] = {
    "number": 4, "created_at": "2026-07-01T09:00:00Z", "updated_at": "2026-07-03T09:00:00Z", "fixed_at": None,
    "url": f"{_ALERTS}/code-scanning/alerts/4", "state": "dismissed", "dismissed_by": {"login": "ada"},
    "dismissed_at": "2026-07-02T09:00:00Z", "dismissed_reason": "false positive", "dismissed_comment": "checked by grace",
    "rule": {"id": "py/sql-injection", "severity": "error", "security_severity_level": "critical", "description": "SQL query"},
    "tool": {"name": "CodeQL", "version": "2.20.0"},
    "most_recent_instance": {"ref": "refs/heads/main", "commit_sha": "4f2a" * 10, "message": {"text": "pretend-message"},
                             "location": {"path": "app.py", "start_line": 7}},
}  # fmt: skip
SECRET_ALERT: dict[str, Any] = {
    "number": 5, "created_at": "2026-07-01T09:00:00Z", "url": f"{_ALERTS}/secret-scanning/alerts/5", "state": "resolved",
    "secret_type": "aws_access_key_id", "secret_type_display_name": "AWS key", "secret": "pretend-secret",
    "resolution": "revoked", "resolved_at": "2026-07-01T11:00:00Z", "resolved_by": {"login": "grace"},
    "resolution_comment": "rotated", "validity": "inactive", "publicly_leaked": False, "push_protection_bypassed": True,
    "push_protection_bypassed_by": {"login": "ada"}, "push_protection_bypassed_at": "2026-07-01T08:59:00Z",
    "first_location_detected": {"path": "deploy.sh", "start_line": 3, "commit_sha": "4f2a" * 10},
}  # fmt: skip
DEPENDENCY_ALERT: dict[str, Any] = {
    "number": 6, "created_at": "2026-07-01T09:00:00Z", "updated_at": "2026-07-05T09:00:00Z", "state": "fixed",
    "url": f"{_ALERTS}/dependabot/alerts/6", "fixed_at": "2026-07-05T08:00:00Z", "dismissed_at": None, "dismissed_by": None,
    "dismissed_reason": None, "dismissed_comment": None, "auto_dismissed_at": None,
    "dependency": {"package": {"ecosystem": "pip", "name": "requests"}, "manifest_path": "requirements.txt", "scope": "runtime"},
    "security_advisory": {"ghsa_id": "GHSA-aaaa-bbbb-cccc", "cve_id": "CVE-2026-0003", "summary": "leaks", "severity": "medium"},
    "security_vulnerability": {"severity": "moderate", "vulnerable_version_range": "< 1.2",
                               "first_patched_version": {"identifier": "1.2"}},
}  # fmt: skip

TRIVY_CLUSTER: dict[str, Any] = {
    "ClusterName": "prod",
    "Resources": [
        {"Namespace": "shop", "Kind": "Deployment", "Name": "web", "Metadata": [TRIVY["Metadata"]], "Results": TRIVY["Results"][:1]},
        {"Namespace": "shop", "Kind": "Service", "Name": "web", "Metadata": [{"ImageConfig": {"os": ""}}], "Results": [
            {"Target": "Service/web", "Class": "config", "Type": "kubernetes", "Misconfigurations": [
                {"ID": "KSV117", "Title": "Ports below 1024", "Severity": "MEDIUM", "Status": "FAIL"}]}]},
        {"Kind": "NodeComponents", "Name": "node-1", "Error": "timed out"},
    ],
}  # fmt: skip

SCANS: dict[str, list[dict[str, Any]]] = {
    "trivy-json": [TRIVY, TRIVY_FIRST],
    "trivy-kubernetes": [TRIVY_CLUSTER],
    "trivy-operator": [VULNERABILITY_REPORT, CONFIG_AUDIT, EXPOSED_SECRETS, RBAC_ASSESSMENT, COMPLIANCE],
    "grype-json": [GRYPE],
    "sarif": [SARIF],
    "github-code-scanning-alerts": [CODE_ALERT],
    "github-secret-scanning-alerts": [SECRET_ALERT],
    "github-dependabot-alerts": [DEPENDENCY_ALERT],
}
