"""The parts of SARIF 2.1.0 that are read. What is not declared here is not decoded: messages but Trivy's, snippets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Text(msgspec.Struct):
    """A message."""

    text: str | None = None


class Default(msgspec.Struct):
    """How a rule is configured where a result says nothing else."""

    level: str | None = None


class RuleProperties(msgspec.Struct):
    """What scanners add to a rule: GitHub's and Grype's conventions."""

    tags: list[str] | None = None
    security_severity: str | float | None = msgspec.field(name="security-severity", default=None)
    purls: list[str] | None = None


class Rule(msgspec.Struct):
    """A rule that results name: by its id, or by its place where it has none."""

    id: str = ""
    name: str | None = None
    shortDescription: Text | None = None
    defaultConfiguration: Default | None = None
    properties: RuleProperties | None = None


class Component(msgspec.Struct):
    """A scanner, or an extension of it that brings rules."""

    name: str
    guid: str | None = None
    version: str | None = None
    semanticVersion: str | None = None
    rules: list[Rule] | None = None


class Tool(msgspec.Struct):
    """What ran."""

    driver: Component
    extensions: list[Component] | None = None


class ComponentReference(msgspec.Struct):
    """The scanner or an extension: by its place among the extensions, its GUID or its name."""

    index: int | None = None
    guid: str | None = None
    name: str | None = None


class RuleReference(msgspec.Struct):
    """A rule, by its id or its place in a component."""

    id: str | None = None
    index: int | None = None
    toolComponent: ComponentReference | None = None


class Region(msgspec.Struct):
    """Lines of a file, counted from 1; tools write others where they know none."""

    startLine: int | None = None
    endLine: int | None = None


class Artifact(msgspec.Struct):
    """A file: by its address, or by its place among those that the run lists."""

    uri: str | None = None
    index: int | None = None


class Listed(msgspec.Struct):
    """A file that a run lists."""

    location: Artifact | None = None


class Physical(msgspec.Struct):
    """A place in a file."""

    artifactLocation: Artifact | None = None
    region: Region | None = None


class Logical(msgspec.Struct):
    """A place in what is declared: a function, a resource."""

    fullyQualifiedName: str | None = None


class Location(msgspec.Struct):
    """A place."""

    physicalLocation: Physical | None = None
    logicalLocations: list[Logical] | None = None


class Suppression(msgspec.Struct):
    """Why a result was let pass, or is asked to be."""

    kind: str = ""
    status: str | None = None
    justification: str | None = None


class Result(msgspec.Struct):
    """One result."""

    ruleId: str | None = None
    ruleIndex: int | None = None
    rule: RuleReference | None = None
    kind: str = "fail"
    level: str | None = None
    message: Text | None = None
    locations: list[Location] | None = None
    fingerprints: dict[str, Any] | None = None
    partialFingerprints: dict[str, Any] | None = None
    suppressions: list[Suppression] | None = None
    baselineState: str | None = None


class Invocation(msgspec.Struct):
    """One call of the scanner; by the standard it says whether it was successful, of which not all think."""

    executionSuccessful: bool | None = None
    startTimeUtc: datetime | None = None
    endTimeUtc: datetime | None = None


class Code(msgspec.Struct):
    """The commit that was scanned."""

    repositoryUri: str | None = None
    revisionId: str | None = None


class Automation(msgspec.Struct):
    """The id of a run."""

    id: str | None = None
    guid: str | None = None


class RunProperties(msgspec.Struct):
    """What Trivy adds of the image that it scanned."""

    imageName: str | None = None
    imageID: str | None = None
    repoDigests: list[str] | None = None
    repoTags: list[str] | None = None


class Elsewhere(msgspec.Struct):
    """What of a run is in other files."""

    results: list[Any] | None = None


class Run(msgspec.Struct):
    """One run of a scanner; `results` is absent when it did not come to its end, or when they are in other files."""

    tool: Tool
    results: list[Result] | None = None
    externalPropertyFileReferences: Elsewhere | None = None
    artifacts: list[Listed] | None = None
    invocations: list[Invocation] | None = None
    versionControlProvenance: list[Code] | None = None
    automationDetails: Automation | None = None
    properties: RunProperties | None = None


class Log(msgspec.Struct):
    """A file."""

    version: str
    runs: list[Run]
