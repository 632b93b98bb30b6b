"""How old secrets and known vulnerabilities are, and how often artifacts are scanned."""

from __future__ import annotations

from audit.metrics.interface import Grouped, Median, Metric, Span, Tables, by, days, hours

_ARTIFACT = ["scanner", "artifact"]


def _secrets(tables: Tables, span: Span) -> Grouped:
    rows = tables["secret_references"]
    rows = rows[rows["changed_at"] < span.stop]
    rows = rows.assign(days=days(span.stop - rows["changed_at"]))
    return by(rows, kind=rows.assign(group=rows["kind"]))


def _open(tables: Tables, span: Span) -> Grouped:
    """Vulnerabilities of each artifact's last scan before the span's end, none of them let pass."""
    scans = tables["scans"]
    scans = scans[scans["at"] < span.stop].sort_values(["at", "scan", "run"], kind="stable")
    last = scans.drop_duplicates(_ARTIFACT, keep="last")[[*_ARTIFACT, "scan", "run"]]
    rows = tables["vulnerabilities"].merge(last, on=[*_ARTIFACT, "scan", "run"])
    rows = rows[~rows["suppressed"].astype(bool)]
    known = rows["published_at"].mask(rows["published_at"] >= span.stop)
    rows = rows.assign(days=days(span.stop - known))
    return by(rows, severity=rows.assign(group=rows["severity"]))


def _cadence(tables: Tables, span: Span) -> Grouped:
    rows = tables["scans"].dropna(subset=["at"]).drop_duplicates([*_ARTIFACT, "at"])
    rows = rows.sort_values([*_ARTIFACT, "at"], kind="stable")
    rows = rows.assign(hours=hours(rows["at"] - rows.groupby(_ARTIFACT)["at"].shift()))
    rows = rows[span.holds(rows["at"])]
    return by(rows, scanner=rows.assign(group=rows["scanner"]))


METRICS = (
    Metric(
        "secret_age",
        "Age of declared secrets",
        "days",
        "Median days from the commit that last changed the content of a declared secret to the quarter's end, over secrets "
        "that the default branch declares when it is read and that had been changed by then.",
        "secrets",
        "secret",
        _secrets,
        Median("days"),
    ),
    Metric(
        "vulnerability_age",
        "Age of open vulnerabilities",
        "days",
        "Median days from the publication of a vulnerability to the quarter's end, over those that the last scan of each "
        "artifact before the quarter's end found and nobody let pass. Undetermined: the scanner tells no time of "
        "publication.",
        "scans",
        "vulnerability",
        _open,
        Median("days"),
    ),
    Metric(
        "scan_cadence",
        "Time between scans",
        "hours",
        "Median hours between a scan of an artifact in the quarter and the scan before it by the same scanner. Undetermined: "
        "first scans.",
        "scans",
        "scan",
        _cadence,
        Median("hours"),
    ),
)
