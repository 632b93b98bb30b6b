"""What was read is what was stored, and all of it could be read.

## Why
Evidence that somebody could replace, take away or spoil before it was read proves what they left of it. A line that can't be read
may be the one that matters.

## Evidence
Every object with its version, lock and checksum, and what became of each of its records; versions that another took the place of
before they were read, delete markers, objects that a source no longer lists or that could not be read, as each collection found
them; CloudTrail's events about the buckets of the sources (or of which their folders are copies), where there are any.

A log that was replaced by other bytes than more records behind it fails, and so does an export that grows by nature and was replaced
by one with fewer records. Other exports may be made anew under their key.

## Limits
A lock is known only where the reader may see it; without versions, lock or checksum nothing shows what happened before the first
collection: that is a gap, not an exception. Versions of exports that nobody read are a gap too. What such versions hold
is not read later (`docs/explanation/evidence-model.md` says why, and how to bring them). Folders have neither, and AWS does
not record what rules on lifetimes remove.

## Remediation
Keep evidence in a bucket with versions and a compliance lock, write each object once, and collect soon. Bring quarantined lines
back with `audit quarantine --retry` after a fix; find out who replaced or removed what.
"""

from __future__ import annotations

import re

import pandas as pd

from audit.controls.custody import OBJECT, Kept, concerned, places
from audit.controls.fresh import of_formats
from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.parts import counted, pointer, when
from audit.controls.suspect import rewritten
from audit.model import Severity
from audit.normalise.natures import CUMULATIVE, LOG, NATURES

_LOGS = tuple(name for name, nature in NATURES.items() if nature == LOG)
_GROWING = tuple(name for name, nature in NATURES.items() if nature == CUMULATIVE)
_SHOWN = 3  # records named of an object of which several could not be read
_REMOVES = {"DeleteObject": "an object was deleted", "DeleteObjects": "objects were deleted"}
_WEAKENS = {
    "DeleteBucket": "the bucket was deleted",
    "PutBucketVersioning": "whether the bucket keeps versions was set anew",
    "PutBucketLifecycle": "how long objects live was set anew",
    "PutBucketLifecycleConfiguration": "how long objects live was set anew",
    "PutBucketObjectLockConfiguration": "the bucket's lock was set anew",
    "PutObjectRetention": "an object's lock was set anew",
    "PutObjectLegalHold": "an object's legal hold was set anew",
}
_BLINDS = {"StopLogging": "CloudTrail was stopped", "DeleteTrail": "a trail was deleted"}
_KEPT = "| source_name | key | version_id | retention | verified | format | collected_at |"


def _hashed(text: str) -> str:
    """`a1…` as a sha256 that begins so."""
    return re.sub(r"([0-9a-f]{2})…(?=[ |,])", lambda match: match[1].ljust(64, "0"), text)


EXAMPLES = (
    Example(
        title="versions, locks and checksums of every object, and all records read",
        given=f"""
        evidence_objects
        {_KEPT}
        | log | a | v1 | COMPLIANCE until 2030-01-01T00:00:00Z | true | kubernetes-audit | 2026-10-02 |
        """,
        conclusion="effective",
    ),
    Example(
        title="records that can't be read, a log that was replaced, an export that lost records",
        given=_hashed(
            """
        evidence_objects
        | source_name | key | sha256 | replaced_by | format           | records | quarantined | collected_at |
        | log         | a   | a1…    |             | kubernetes-audit | 9       | 4           | 2026-10-02   |
        | log         | b   | b1…    | b2…         | kubernetes-audit | 9       | 0           | 2026-10-02   |
        | log         | b   | b2…    |             | kubernetes-audit | 9       | 0           | 2026-10-03   |
        | forge       | c   | c1…    | c2…         | github-pulls     | 9       | 0           | 2026-10-02   |
        | forge       | c   | c2…    |             | github-pulls     | 8       | 0           | 2026-10-03   |
        | forge       | d   | d1…    | d2…         | github-pulls     | 9       | 0           | 2026-10-02   |
        | forge       | d   | d2…    |             | github-pulls     | 9       | 3           | 2026-10-03   |
        | objects     | e   | e1…    | e2…         | flux-object      | 9       | 0           | 2026-10-02   |
        | objects     | e   | e2…    |             | flux-object      | 1       | 0           | 2026-10-03   |

        coverage
        | source_name | evidence | hour       | first_at   | last_at    |
        | log         | b1…      | 2026-08-01 | 2026-08-01 | 2026-08-01 |
        | forge       | c1…      | 2026-08-01 | 2026-08-01 | 2026-08-01 |
        | forge       | d1…      | 2026-08-01 | 2026-08-01 | 2026-08-01 |
        | objects     | e1…      | 2026-08-01 | 2026-08-01 | 2026-08-01 |

        quarantine
        | source_name | key | evidence | line | reason |
        | log         | a   | a1…      | 2    | cut    |
        | log         | a   | a1…      | 3    | cut    |
        | log         | a   | a1…      | 5    | cut    |
        | log         | a   | a1…      | 7    | cut    |
        | forge       | d   | d2…      | 1    | cut    |
        | forge       | d   | d2…      | 2    | cut    |
        | forge       | d   | d2…      | 3    | cut    |
        """
        ),
        conclusion="exceptions",
        exceptions=_hashed(
            """
        | subject            | found |
        | log:a:quarantined  | 4 records of 'a' could not be read: 2 (cut), 3 (cut), 5 (cut), … |
        | forge:d:quarantined | 3 records of 'd' could not be read: 1 (cut), 2 (cut), 3 (cut) |
        | log:b:changed      | 'b' was b1… and became b2… |
        | forge:c:changed    | 'c' was c1…, with 9 records, and became c2…, with 8 |
        """
        ),
    ),
    Example(
        title="what sources did not give: versions of a log that nobody read, and what was deleted, is gone or can't be read",
        given=f"""
        evidence_objects
        {_KEPT}
        | log   | a | v2 | legal hold | true | kubernetes-audit | 2026-10-02 |
        | log   | d | v1 | legal hold | true | kubernetes-audit | 2026-10-02 |
        | log   | g | v1 | legal hold | true | kubernetes-audit | 2026-10-02 |
        | log   | old | v1 | legal hold | true | kubernetes-audit | 2026-06-30 |
        | forge | f | v2 | legal hold | true | github-pulls     | 2026-10-02 |

        evidence_losses
        | source_name | key | kind       | version_id | at         | seen_at    | reason  |
        | log         | a   | superseded | v1         | 2026-08-01 | 2026-10-02 |         |
        | log         | x   | superseded | v1         | 2026-08-02 | 2026-10-02 |         |
        | log         | x   | deleted    | v2         | 2026-08-02 | 2026-10-02 |         |
        | log         | y   | deleted    | v2         | 2026-07-01 | 2026-10-02 |         |
        | log         | z   | deleted    | v2         | 2026-06-30 | 2026-10-02 |         |
        | log         | d   | deleted    | v2         | 2026-06-30 | 2026-10-02 |         |
        | log         | g   | gone       |            |            | 2026-09-02 |         |
        | log         | old | gone       |            |            | 2026-09-02 |         |
        | log         | u   | unread     |            |            | 2026-07-01 | refused |
        | log         | a   | unread     |            |            | 2026-09-02 | refused |
        | log         | v   | unread     |            |            | 2026-06-30 | refused |
        | forge       | f   | superseded | v1         | 2026-08-01 | 2026-10-02 |         |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject          | found |
        | log:a:superseded | another version took the place of version v1 of 'a' 2026-08-01T00:00:00Z, before it was read |
        | log:x:superseded | another version took the place of version v1 of 'x' 2026-08-02T00:00:00Z, before it was read |
        | log:x:deleted    | 'x' was deleted 2026-08-02T00:00:00Z |
        | log:y:deleted    | 'y' was deleted 2026-07-01T00:00:00Z |
        | log:d:deleted    | 'd' was deleted 2026-06-30T00:00:00Z |
        | log:g:gone       | 'g' was no longer listed 2026-09-02T00:00:00Z |
        | log:u:unread     | 'u' could not be read: refused |
        """,
    ),
    Example(
        title="somebody deletes evidence and loosens what keeps it, as CloudTrail tells",
        given=f"""
        evidence_objects
        {_KEPT}
        | log | a | v1 | legal hold | true | cloudtrail | 2026-10-02 |

        cloud_events
        | event_id | at         | event_source             | event_name          | bucket | key      | arn | failed |
        | 1        | 2026-08-01 | s3.amazonaws.com         | DeleteObject        | logs   | k8s/a.gz | ada | false  |
        | 2        | 2026-08-01 | s3.amazonaws.com         | DeleteObject        | logs   | other/a  | ada | false  |
        | 3        | 2026-08-01 | s3.amazonaws.com         | DeleteObject        | web    | k8s/a.gz | ada | false  |
        | 4        | 2026-08-01 | s3.amazonaws.com         | DeleteObject        | logs   | k8s/b.gz | ada | true   |
        | 5        | 2026-08-01 | s3.amazonaws.com         | DeleteObjects       | logs   |          | ada | false  |
        | 6        | 2026-08-01 | s3.amazonaws.com         | PutBucketVersioning | logs   |          | ada | false  |
        | 7        | 2026-08-01 | s3.amazonaws.com         | GetObject           | logs   | k8s/a.gz | ada | false  |
        | 8        | 2026-08-01 | cloudtrail.amazonaws.com | StopLogging         |        |          | ada | false  |
        | 9        | 2026-06-30 | cloudtrail.amazonaws.com | StopLogging         |        |          | ada | false  |
        | 10       | 2026-08-01 | cloudtrail.amazonaws.com | LookupEvents        |        |          | ada | false  |
        """,
        settings={"sources": [{"name": "log", "location": "file:log", "copy_of": "s3://logs/k8s"}]},
        conclusion="exceptions",
        exceptions="""
        | subject | found | person_raw |
        | cloud:1 | DeleteObject: an object was deleted (s3://logs/k8s/a.gz) | ada |
        | cloud:5 | DeleteObjects: objects were deleted (s3://logs/) | ada |
        | cloud:6 | PutBucketVersioning: whether the bucket keeps versions was set anew (s3://logs/) | ada |
        | cloud:8 | StopLogging: CloudTrail was stopped | ada |
        """,
    ),
    Example(
        title="nothing shows what happened to an object before it was read, nor what a version said that nobody read",
        given=f"""
        evidence_objects
        {_KEPT}
        | log   | a |    |            | false | kubernetes-audit | 2026-10-02 |
        | forge | f | v2 | legal hold | true  | github-pulls     | 2026-10-02 |

        evidence_losses
        | source_name | key | kind       | version_id | at         | seen_at    |
        | forge       | f   | superseded | v1         | 2026-08-01 | 2026-10-02 |
        """,
        conclusion="not tested",
    ),
    Example(
        title="without evidence there is nothing to test",
        given="",
        without=("evidence",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every object of the quarter's evidence, what its sources did not give, and what was done to where it lies."""
    rows = concerned(tables, context)
    name = rows["source_name"] + ":" + rows["key"]
    lost, gaps = _lost(tables, context, rows)
    events = _events(tables, context)
    population = pd.DataFrame(
        {
            "subject": pd.concat([name, lost["subject"], events["subject"]], ignore_index=True),
            "at": pd.concat([rows["at"], lost["at"], events["at"]], ignore_index=True),
        }
    )
    found = [_quarantined(rows, tables), _changed(tables, context), _shrunk(tables, context), lost, events]
    both = pd.concat(found, ignore_index=True)
    clusters = {cluster.name: cluster.environment for cluster in context.settings.clusters}
    return Result(population, both.assign(environment=both["cluster"].map(clusters).astype("str")), gaps)


def _quarantined(rows: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """One exception for each key of which records could not be read."""
    by = ["source_name", "key"]
    lines = tables["quarantine"].rename(columns={"evidence": "sha256"})
    lines = lines.merge(rows[[*OBJECT, "key", "cluster", "at"]].drop_duplicates(), on=[*OBJECT, "key"])
    lines = lines.sort_values([*by, "sha256", "line", "reason"]).rename(columns={"sha256": "evidence"})
    lines = lines.assign(
        said=lines["line"].astype("str") + " (" + lines["reason"] + ")", pointer=pointer(lines)
    )
    first = lines.groupby(by).head(_SHOWN).groupby(by, sort=True)
    every = lines.groupby(by, sort=True)
    whole = every.agg(cluster=("cluster", "first"), at=("at", "min"), count=("line", "size")).reset_index()
    said = first["said"].agg(", ".join).reset_index(drop=True).astype("str")
    more = pd.Series(", …", index=whole.index).where(whole["count"].gt(_SHOWN), "")
    return failures(
        whole,
        subject=whole["source_name"] + ":" + whole["key"] + ":quarantined",
        expected="records that can all be read",
        found=counted(whole["count"], "record")
        + " of '"
        + whole["key"]
        + "' could not be read: "
        + said
        + more,
        evidence=first["pointer"].agg(" ".join).reset_index(drop=True).astype("str"),
    )


def _changed(tables: Tables, context: Context) -> pd.DataFrame:
    """Exceptions for logs whose bytes were replaced, other than by more records behind them."""
    rows = rewritten(of_formats(tables["evidence_objects"], _LOGS), tables, context)
    return failures(
        rows,
        subject=rows["source_name"] + ":" + rows["key"] + ":changed",
        expected="a log to which records are added, and from which none is taken",
        found="'" + rows["key"] + "' was " + rows["sha256"] + " and became " + rows["replaced_by"],
        evidence=rows["sha256"] + " " + rows["replaced_by"],
    )


def _shrunk(tables: Tables, context: Context) -> pd.DataFrame:
    """Exceptions for exports that only grow and were replaced by one with fewer records."""
    every = tables["evidence_objects"]
    later = every.drop_duplicates(OBJECT)[[*OBJECT, "records"]]
    later = later.rename(columns={"sha256": "replaced_by", "records": "later"})
    rows = rewritten(of_formats(every, _GROWING), tables, context).merge(
        later, on=["source_name", "replaced_by"]
    )
    rows = rows[rows["later"].lt(rows["records"])].reset_index(drop=True)
    was = "'" + rows["key"] + "' was " + rows["sha256"] + ", with " + counted(rows["records"], "record")
    return failures(
        rows,
        subject=rows["source_name"] + ":" + rows["key"] + ":changed",
        expected="an export that has all that the one before had",
        found=was + ", and became " + rows["replaced_by"] + ", with " + rows["later"].astype("str"),
        evidence=rows["sha256"] + " " + rows["replaced_by"],
    )


def _lost(tables: Tables, context: Context, rows: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Gap, ...]]:
    """Exceptions for what sources did not give, and a gap for each source with exports of which versions were never read.

    What the store holds is of the quarter when its records are; of the rest, what was replaced, deleted or found unreadable since the
    quarter began may be.
    """
    by = ["source_name", "key"]
    known = rows[[*by, "cluster", "format", "at"]].rename(columns={"at": "first"}).drop_duplicates(by)
    losses = tables["evidence_losses"].merge(known.assign(known=True), on=by, how="left")
    held = losses["known"].notna()
    every = tables["evidence_objects"][by].drop_duplicates().assign(stored=True)
    stored = losses.merge(every, on=by, how="left")["stored"].notna()
    since = losses["at"].fillna(losses["seen_at"]).ge(context.start)
    kind = losses["kind"]
    concerns = held.where(stored, since) & ~(kind.eq("unread") & stored) & (kind.ne("superseded") | since)
    losses = losses[concerns].reset_index(drop=True)
    names = losses["format"].fillna("").str.split(",").explode()
    log = (names.isin(_LOGS) | names.eq("")).groupby(level=0).any().reindex(losses.index, fill_value=True)
    unseen = losses["kind"].eq("superseded") & ~log.astype(bool)
    gaps = tuple(
        Gap(f"{name}: {len(own)} versions of its exports were replaced before they were read")
        for name, own in losses[unseen].groupby("source_name", sort=True)
    )
    losses = losses[~unseen].sort_values([*by, "kind", "at", "version_id"]).drop_duplicates([*by, "kind"])
    return _told(losses.reset_index(drop=True)), gaps


def _told(losses: pd.DataFrame) -> pd.DataFrame:
    name, at = "'" + losses["key"] + "'", when(losses["at"])
    version = losses["version_id"].where(losses["version_id"].ne(""), "without an id")
    words = {
        "superseded": "another version took the place of version "
        + version
        + " of "
        + name
        + " "
        + at
        + ", before it was read",
        "deleted": name + " was deleted " + at,
        "gone": name + " was no longer listed " + when(losses["seen_at"]),
        "unread": name + " could not be read: " + losses["reason"],
    }
    found = pd.Series("", index=losses.index, dtype="str")
    for kind, text in words.items():
        found = found.mask(losses["kind"].eq(kind), text.astype("str"))
    return failures(
        losses,
        subject=losses["source_name"] + ":" + losses["key"] + ":" + losses["kind"],
        at=losses["first"],
        expected="evidence that stays where it is, and as it is",
        found=found,
        evidence="manifest:" + losses["manifest"],
    )


def _events(tables: Tables, context: Context) -> pd.DataFrame:
    """Exceptions for calls that removed evidence, loosened what keeps it, or stopped CloudTrail itself."""
    rows = tables["cloud_events"]
    rows = rows[context.holds(rows["at"]) & ~rows["failed"].astype(bool)].reset_index(drop=True)
    name, bucket, key = rows["event_name"], rows["bucket"], rows["key"].fillna("")
    inside = pd.Series(False, index=rows.index)
    for _, where, prefix in places(context):
        below = key.eq("") | pd.Series(
            [each.startswith(prefix) for each in key], index=rows.index, dtype="bool"
        )
        inside |= bucket.eq(where).fillna(False).astype(bool) & below
    touched = rows["event_source"].eq("s3.amazonaws.com") & name.isin([*_REMOVES, *_WEAKENS]) & inside
    blinded = rows["event_source"].eq("cloudtrail.amazonaws.com") & name.isin(list(_BLINDS))
    said = name + ": " + name.map(_REMOVES | _WEAKENS | _BLINDS)
    place = (" (s3://" + bucket + "/" + key + ")").fillna("")
    rows = rows.assign(said=said + place)[touched | blinded].reset_index(drop=True)
    return failures(
        rows,
        subject="cloud:" + rows["event_id"],
        person_raw=rows["arn"].fillna(rows["principal"]).fillna(rows["user_name"]),
        expected="evidence that nobody removes, under locks that nobody loosens",
        found=rows["said"],
        evidence=pointer(rows),
    )


CONTROL = Control(
    id="EVD-04",
    page=__doc__,
    clause="Compliance and Auditing › Audit Logs",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC7.2",),
        "ISO 27001": ("8.15", "8.17", "5.33", "5.28"),
        "NIST 800-53": ("AU-2", "AU-8", "AU-9(3)", "AU-11", "AU-12"),
        "PCI DSS": ("10.2.2", "10.5.1", "10.7.2"),
        "CIS / SLSA": ("K 3.2.1", "K 1.2.16–1.2.19", "SLSA L2"),
    },
    needs=(Kept(),),
    remediation="Keep evidence under versions and a lock, bring back what can't be read, and find out who replaced or removed it.",
    examples=EXAMPLES,
    test=test,
)
