"""Main was protected all quarter, and the protection was not bypassed.

## Why
Reviews and checks bind only as long as the forge enforces them. Whoever may switch the protection off for an hour, or
stand above it, may land what nobody saw.

## Evidence
Design: how the forge exported the protection (classic and rulesets) at the quarter's end, which must require approvals
(`protection.approvals`) and checks (`thresholds.required_checks`), forbid forced pushes and deletions, and bind everyone but those of
`protection.bypass`. Operation: the forge's audit log, in which a part of the
protection that was weakened opens a lapse that lasts until it is mended, and each bypass stands by itself. What landed during
a lapse is named with it.

## Limits
The export speaks of the quarter's end only where the log shows no change between both. Changes of a ruleset's conditions are
not weighed. A lapse that began before the log begins is seen when it is mended, and not before.

## Remediation
Mend the protection and bind administrators too; look at everything that landed in the lapse as if nobody had reviewed it.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import FORGE_LOG, GIT, PROTECTION
from audit.controls.parts import joined, lasting, plus, pointer, when
from audit.joins import protections
from audit.joins.identity import Resolver
from audit.model import Severity

_SHOWN = 5  # landings named with a lapse
_WHAT = {
    "on": "a rule in force that binds main",
    "approvals": "approving reviews are required",
    "checks": "the required checks must succeed",
    "force pushes": "forced pushes are forbidden",
    "deletion": "deletion is forbidden",
    "bypass": "nobody stands above the rules",
}

_STRONG = """
        protections
        | scope                | kind    | rule | target          | enforcement | approvals | force_pushes | deletions | bypass |
        | netbpf/netbpf-gitops | classic | main | refs/heads/main | active      | 1         | false        | false     |        |
"""
_SEEN = """
        evidence_objects
        | source_name | key | format                             | collected_at     |
        | forge       | 1   | github-protection,github-audit-log | 2026-10-01 12:00 |
        coverage
        | source_name | format           | hour             | first_at         | last_at          |
        | forge       | github-audit-log | 2026-07-01 00:00 | 2026-07-01 00:00 | 2026-09-30 23:00 |
"""

_EXPORTED = _SEEN.replace("| collected_at     |", "| last_modified    | collected_at     |").replace(
    "| 2026-10-01 12:00 |", "| 2026-10-01 12:00 | 2026-10-01 12:00 |"
)
_ONE, _OTHER = "a" * 64, "b" * 64
_TWO_EXPORTS = f"""
        protections
        | scope                | kind    | rule | target          | enforcement | approvals | force_pushes | deletions | evidence |
        | netbpf/netbpf-gitops | classic | main | refs/heads/main | active      | 1         | false        | false     | {_ONE} |
        | netbpf/netbpf-gitops | classic | main | refs/heads/main | active      | 0         | false        | false     | {_OTHER} |
        evidence_objects
        | source_name | key | format                             | last_modified    | collected_at     | sha256 |
        | forge       | 1   | github-protection,github-audit-log | 2026-10-01 00:00 | 2026-10-03 00:00 | {_ONE} |
        | forge       | 2   | github-protection,github-audit-log | {{later}} | 2026-10-03 00:00 | {_OTHER} |
        coverage
        | source_name | format           | hour             | first_at         | last_at          |
        | forge       | github-audit-log | 2026-07-01 00:00 | 2026-07-01 00:00 | 2026-09-30 23:00 |
"""

EXAMPLES = (
    Example(
        title="a protection that stood all quarter passes, and so does what concerns other branches",
        given=_STRONG
        + _SEEN
        + """
        forge_events
        | document_id | told_by | at               | action                   | category   | actor | repo                 | branch    | detail |
        | d1          | log     | 2026-07-03 10:00 | protected_branch.destroy | protection | ada   | netbpf/netbpf-gitops | release/* | {}     |
        | d2          | log     | 2026-07-03 11:00 | protected_branch.update_required_approving_review_count | protection | ada | netbpf/netbpf-gitops | main | {"required_approving_review_count": 1} |
        """,
        conclusion="effective",
    ),
    Example(
        title="an hour without required reviews is a lapse, with what landed in it; its last second is not part of it",
        given=_STRONG
        + _SEEN
        + """
        landings
        | head_sha | position | landed_at           |
        | a1…      | 1        | 2026-07-03 10:00:00 |
        | a2…      | 2        | 2026-07-03 10:59:59 |
        | a3…      | 3        | 2026-07-03 11:00:00 |
        forge_events
        | document_id | told_by | at               | action | category | actor | repo | branch | detail |
        | d1 | log | 2026-07-03 10:00 | protected_branch.update_pull_request_reviews_enforcement_level | protection | ada | netbpf/netbpf-gitops | main | {"pull_request_reviews_enforcement_level": "off"} |
        | d2 | log | 2026-07-03 11:00 | protected_branch.update_pull_request_reviews_enforcement_level | protection | ada | netbpf/netbpf-gitops | main | {"pull_request_reviews_enforcement_level": "everyone"} |
        | d3 | log | 2026-08-03 11:00 | protected_branch.policy_override | protection | grace | netbpf/netbpf-gitops | main | {} |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | netbpf/netbpf-gitops:pull_request_reviews_enforcement_level@2026-07-03T10:00:00Z | pull_request_reviews_enforcement_level was off for 1 h, from 2026-07-03T10:00:00Z to 2026-07-03T11:00:00Z; 2 changes landed meanwhile: a1…, a2… |
        | netbpf/netbpf-gitops:bypass:d3 | protected_branch.policy_override |
        """,
    ),
    Example(
        title="fewer approvals than are owed, a ruleset switched off and never on again, and one that lost rules",
        given=_STRONG.replace("| 1         |", "| 2         |")
        + """
        evidence_objects
        | source_name | key | format                             | collected_at     |
        | forge       | 1   | github-protection,github-audit-log | 2026-10-01 12:00 |
        coverage
        | source_name | format           | hour             | first_at         | last_at          |
        | forge       | github-audit-log | 2026-07-01 00:00 | 2026-07-01 00:00 | 2026-09-30 23:00 |
        landings
        | head_sha | position | landed_at        |
        | a1…      | 1        | 2026-10-01 00:00 |
        forge_events
        | document_id | told_by | at               | action | category | actor | repo | branch | detail |
        | d1 | log | 2026-06-03 10:00 | protected_branch.update_required_approving_review_count | protection | ada | netbpf/netbpf-gitops | main | {"required_approving_review_count": 1} |
        | d2 | log | 2026-07-01 00:00 | protected_branch.update_required_approving_review_count | protection | ada | netbpf/netbpf-gitops | main | {"required_approving_review_count": 2} |
        | d3 | log | 2026-07-03 10:00 | protected_branch.update_required_approving_review_count | protection | ada | netbpf/netbpf-gitops | main | {"required_approving_review_count": 1} |
        | d4 | log | 2026-07-03 10:01 | protected_branch.update_required_approving_review_count | protection | ada | netbpf/netbpf-gitops | main | {"required_approving_review_count": 2} |
        | d5 | log | 2026-09-30 23:59 | repository_ruleset.update | ruleset | ada | netbpf/netbpf-gitops | | {"ruleset_enforcement": "disabled", "ruleset_id": 31} |
        | d6 | log | 2026-09-29 23:59 | repository_ruleset.update | ruleset | ada | netbpf/netbpf-gitops | | {"ruleset_enforcement": "enabled", "ruleset_id": 32, "ruleset_rules_deleted": [{"type": "deletion"}]} |
        """,
        settings={"protection": {"approvals": 2}},
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | netbpf/netbpf-gitops:required_approving_review_count@2026-07-03T10:00:00Z | required_approving_review_count was 1 for 1 min, from 2026-07-03T10:00:00Z to 2026-07-03T10:01:00Z; nothing landed meanwhile |
        | netbpf/netbpf-gitops:ruleset 31@2026-09-30T23:59:00Z | ruleset 31 was disabled from 2026-09-30T23:59:00Z on; nothing landed meanwhile |
        | netbpf/netbpf-gitops:loosened:d6 | repository_ruleset.update took rules out of ruleset 32, or let somebody stand above it |
        """,
    ),
    Example(
        title="a design with holes: no approvals, forced pushes, and administrators who are not bound",
        given="""
        protections
        | scope                | kind    | rule | target          | enforcement | approvals | force_pushes | deletions | bypass |
        | netbpf/netbpf-gitops | classic | main | refs/heads/main | active      | 0         | true         | false     | admins |
        """
        + _SEEN,
        settings={"thresholds": {"required_checks": ["validate"]}},
        conclusion="exceptions",
        exceptions="""
        | subject                                      | found                                          |
        | netbpf/netbpf-gitops:protection:approvals    | 0 approvals are required                       |
        | netbpf/netbpf-gitops:protection:checks       | not required: validate                         |
        | netbpf/netbpf-gitops:protection:force pushes | no rule forbids them                           |
        | netbpf/netbpf-gitops:protection:bypass       | not bound: admins                              |
        """,
    ),
    Example(
        title="rules of other branches, or that are switched off, protect nothing",
        given="""
        protections
        | scope                | kind    | rule | target                   | enforcement | approvals | force_pushes | deletions |
        | netbpf/netbpf-gitops | classic | dev  | refs/heads/dev           | active      | 1         | false        | false     |
        | netbpf/netbpf-gitops | ruleset | 31   | ~DEFAULT_BRANCH          | evaluate    | 1         | false        | false     |
        | netbpf/netbpf-gitops | ruleset | 32   | ~ALL,!refs/heads/ma*     | active      | 1         | false        | false     |
        """
        + _SEEN,
        settings={"thresholds": {"required_checks": ["validate"]}},
        conclusion="exceptions",
        exceptions="""
        | subject                            | found                               |
        | netbpf/netbpf-gitops:protection:on | no rule in force binds main         |
        """,
    ),
    Example(
        title="without the forge's log a lapse may have gone unseen",
        given=_STRONG,
        without=("github-audit-log",),
        conclusion="not tested",
    ),
    Example(
        title="a log that is silent for longer than the limit may have missed a lapse",
        given=_STRONG
        + """
        coverage
        | source_name      | format           | hour             | first_at         | last_at          |
        | github-audit-log | github-audit-log | 2026-07-01 00:00 | 2026-07-01 00:00 | 2026-09-23 23:59:59 |
        """,
        conclusion="not tested",
    ),
    Example(
        title="without an export nothing tells how main is protected",
        given="",
        without=("github-protection or github-rulesets",),
        conclusion="not tested",
    ),
    Example(
        title="an export made after the protection changed again says nothing of the quarter's end",
        given="""
        protections
        | scope                | kind    | rule | target          | enforcement | approvals |
        | netbpf/netbpf-gitops | classic | main | refs/heads/main | active      | 0         |
        """
        + _SEEN
        + """
        forge_events
        | document_id | told_by | at               | action | category | actor | repo | branch | detail |
        | d1 | log | 2026-10-01 00:00 | protected_branch.update_required_approving_review_count | protection | ada | netbpf/netbpf-gitops | main | {"required_approving_review_count": 0} |
        """,
        conclusion="not tested",
    ),
    Example(
        title="an export made as the protection changed may show either side of the change",
        given="""
        protections
        | scope                | kind    | rule | target          | enforcement | approvals |
        | netbpf/netbpf-gitops | classic | main | refs/heads/main | active      | 0         |
        """
        + _EXPORTED
        + """
        forge_events
        | document_id | told_by | at               | action | category | actor | repo | branch | detail |
        | d1 | log | 2026-10-01 12:00 | protected_branch.update_required_approving_review_count | protection | ada | netbpf/netbpf-gitops | main | {"required_approving_review_count": 0} |
        """,
        conclusion="not tested",
    ),
    Example(
        title="five changes in a lapse are named one by one",
        given=_STRONG
        + _SEEN
        + """
        landings
        | head_sha | position | landed_at        |
        | a1…      | 1        | 2026-07-03 10:01 |
        | a2…      | 2        | 2026-07-03 10:02 |
        | a3…      | 3        | 2026-07-03 10:03 |
        | a4…      | 4        | 2026-07-03 10:04 |
        | a5…      | 5        | 2026-07-03 10:05 |
        forge_events
        | document_id | told_by | at               | action | category | actor | repo | branch | detail |
        | d1 | log | 2026-07-03 10:00 | protected_branch.update_pull_request_reviews_enforcement_level | protection | ada | netbpf/netbpf-gitops | main | {"pull_request_reviews_enforcement_level": "off"} |
        | d2 | log | 2026-07-03 11:00 | protected_branch.update_pull_request_reviews_enforcement_level | protection | ada | netbpf/netbpf-gitops | main | {"pull_request_reviews_enforcement_level": "everyone"} |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | netbpf/netbpf-gitops:pull_request_reviews_enforcement_level@2026-07-03T10:00:00Z | pull_request_reviews_enforcement_level was off for 1 h, from 2026-07-03T10:00:00Z to 2026-07-03T11:00:00Z; 5 changes landed meanwhile: a1…, a2…, a3…, a4…, a5… |
        """,
    ),
    Example(
        title="of two exports the first after the quarter tells, with what was exported within a day of it",
        given=_TWO_EXPORTS.format(later="2026-10-02 00:00:00"),
        conclusion="exceptions",
        exceptions="""
        | subject                                   | found                   |
        | netbpf/netbpf-gitops:protection:approvals | 0 approvals are required |
        """,
    ),
    Example(
        title="what was exported before the quarter's end tells nothing where there is an export after it",
        given=_TWO_EXPORTS.format(later="2026-09-29 12:00"),
        conclusion="effective",
    ),
    Example(
        title="where all were made before it the last one tells",
        given=_TWO_EXPORTS.replace("2026-10-01 00:00", "2026-09-20 00:00").format(later="2026-09-29 12:00"),
        conclusion="exceptions",
        exceptions="""
        | subject                                   | found                    |
        | netbpf/netbpf-gitops:protection:approvals | 0 approvals are required |
        """,
    ),
    Example(
        title="what was exported a second later is not the quarter's",
        given=_TWO_EXPORTS.format(later="2026-10-02 00:00:01"),
        conclusion="effective",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """The protection of each default branch as it was exported, and every event that concerns it, of the log or of webhooks."""
    approvals = context.settings.protection.approvals
    changed = protections.events(tables["forge_events"], tables["repositories"], approvals)
    resolver = Resolver.of(tables, context.settings)
    who = resolver.resolve(changed["actor"], "github", changed["at"])
    changed = changed.assign(person=who["person"], person_raw=changed["actor"])
    designed, gaps = _design(tables, changed, context)
    parts = (designed, _lapses(changed, tables, context), _events(changed))
    columns = ["subject", "repo", "at"]
    population = pd.concat([part[columns] for part in parts], ignore_index=True)
    failed = [failures(part[part["failed"]].reset_index(drop=True)) for part in parts]
    return Result(population, pd.concat(failed, ignore_index=True), gaps)


def _events(changed: pd.DataFrame) -> pd.DataFrame:
    """Events, each for itself; those that bypass or loosen the protection fail."""
    failed = changed["kind"].isin(["bypass", "loosened"])
    story = changed["action"] + " took rules out of " + changed["rule"] + ", or let somebody stand above it"
    return changed.assign(
        subject=changed["repo"] + ":" + changed["kind"] + ":" + changed["document_id"],
        failed=failed,
        expected="no bypass, and no rule that is loosened",
        found=changed["action"].mask(changed["kind"].eq("loosened"), story),
        evidence=pointer(changed),
    )


def _lapses(changed: pd.DataFrame, tables: Tables, context: Context) -> pd.DataFrame:
    """Lapses that reach into the quarter, with what landed in them."""
    rows = protections.lapses(changed)
    inside = rows["at"].lt(context.stop) & ~rows["end"].le(context.start).fillna(False).astype(bool)
    rows = rows[inside].reset_index(drop=True)
    subject = rows["repo"] + ":" + rows["rule"] + "@" + when(rows["at"])
    rows = rows.assign(subject=subject, began=rows["at"])
    landed = tables["landings"][["repo", "head_sha", "landed_at"]].merge(rows, on="repo")
    meanwhile = landed["landed_at"].ge(landed["began"]) & ~landed["landed_at"].ge(landed["end"]).fillna(False)
    landed = landed[meanwhile & landed["landed_at"].lt(context.stop)]
    counts = rows["subject"].map(landed["subject"].value_counts()).fillna(0).astype("int64")
    some = landed.sort_values(["subject", "landed_at", "head_sha"]).groupby("subject").head(_SHOWN)
    names = rows["subject"].map(joined(some, ["subject"], "head_sha", ", ")).astype("str")
    changes = counts.astype("str") + " changes landed meanwhile: " + names
    changes = changes.mask(counts.eq(1), "1 change landed meanwhile: " + names)
    changes = changes.mask(counts.gt(_SHOWN), changes + ", …").mask(counts.eq(0), "nothing landed meanwhile")
    span = (
        " for "
        + lasting(rows["end"] - rows["at"])
        + ", from "
        + when(rows["at"])
        + " to "
        + when(rows["end"])
    )
    span = span.mask(rows["end"].isna(), " from " + when(rows["at"]) + " on")
    state = (" was " + rows["value"]).fillna(" was taken down")
    return rows.assign(
        at=rows["at"].mask(rows["at"].lt(context.start), context.start),
        resolved_at=rows["end"],
        failed=True,
        expected="protection that is on all the time",
        found=rows["rule"] + state + span + "; " + changes,
        evidence=plus(pointer(rows), rows["mended"].astype("str")),
    )


def _design(tables: Tables, changed: pd.DataFrame, context: Context) -> tuple[pd.DataFrame, tuple[Gap, ...]]:
    """What the protection of each repository must hold, as exported nearest after the quarter's end."""
    rows = _nearest(
        protections.exported(tables["protections"], _made(tables, context), tables["repositories"]), context
    )
    seen = rows.groupby("repo")["seen"].max()
    later = changed[changed["kind"].ne("bypass") & changed["at"].ge(context.stop)]
    later = later.merge(seen.reset_index(), on="repo")
    later = later[later["at"].le(later["seen"])]
    stale = sorted(set(later["repo"]))
    gaps = tuple(
        Gap(f"{repo}: its protection was changed between the quarter's end and its export", repo=None)
        for repo in stale
    )
    rows = rows[~rows["repo"].isin(stale)]
    held = _held(rows, context)
    held = held.assign(
        subject=held["repo"] + ":protection:" + held["what"],
        at=pd.Series(pd.NaT, index=held.index, dtype="datetime64[us, UTC]"),
        expected=held["what"].map(_WHAT),
    )
    return held, gaps


def _made(tables: Tables, context: Context) -> pd.DataFrame:
    """When each object of the evidence was made, as far as it is known; else when it was collected."""
    objects = tables["evidence_objects"]
    declared = {
        s.name: pd.Timestamp(s.exported_at) for s in context.settings.sources if s.exported_at is not None
    }
    stated = pd.to_datetime(objects["source_name"].map(declared), utc=True).astype(
        objects["collected_at"].dtype
    )
    seen = objects["last_modified"].fillna(stated).fillna(objects["collected_at"])
    made = pd.DataFrame({"evidence": objects["sha256"], "seen": seen})
    return made.sort_values(["evidence", "seen"]).drop_duplicates("evidence")


def _nearest(rows: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Each rule as it was exported first after the quarter's end, with all that was exported within a day of it."""
    after = rows["seen"].ge(context.stop) & (not context.running)
    first = rows["seen"].where(after).groupby(rows["repo"]).transform("min")
    last = rows["seen"].where(~after).groupby(rows["repo"]).transform("max")
    moment = first.fillna(last)
    near = (rows["seen"] - moment).abs() <= pd.Timedelta(days=1)
    ordered = rows[near].sort_values(["repo", "kind", "rule", "seen", "line"])
    return ordered.drop_duplicates(["repo", "kind", "rule"], keep="last")


def _held(rows: pd.DataFrame, context: Context) -> pd.DataFrame:
    """`repo`, `what`, `failed`, `found` and `evidence` of each repository whose protection was exported."""
    pointers = joined(rows.assign(pointers=pointer(rows)), ["repo"], "pointers", " ")
    binding = rows[rows["binding"]]
    groups = binding.groupby("repo")
    facts = pd.DataFrame(
        {
            "approvals": groups["approvals"].max(),
            "forced": groups["force_pushes"].min(),
            "deleted": groups["deletions"].min(),
            "checks": groups["required_checks"].agg(",".join),
            "bypass": groups["bypass"].agg(",".join),
        }
    ).reindex(pointers.index)
    bare = facts["approvals"].isna()
    wanted = {name.partition("@")[0] for name in context.settings.thresholds.required_checks}
    lacking = facts["checks"].map(lambda text: ", ".join(sorted(wanted - set(str(text).split(",")))))
    allowed = set(context.settings.protection.bypass)
    above = facts["bypass"].map(lambda text: ", ".join(sorted({*str(text).split(",")} - allowed - {""})))
    judged = {
        "on": (bare, pd.Series("no rule in force binds main", index=facts.index)),
        "approvals": (
            facts["approvals"].lt(context.settings.protection.approvals),
            facts["approvals"].astype("str") + " approvals are required",
        ),
        "checks": (lacking.ne("") & ~bare, "not required: " + lacking),
        "force pushes": (facts["forced"], pd.Series("no rule forbids them", index=facts.index)),
        "deletion": (facts["deleted"], pd.Series("no rule forbids it", index=facts.index)),
        "bypass": (above.ne("") & ~bare, "not bound: " + above),
    }
    parts = [
        pd.DataFrame(
            {
                "repo": facts.index.astype("str"),
                "what": what,
                "failed": failed.fillna(False).astype(bool).to_numpy(),
                "found": found.astype("str").to_numpy(),
                "evidence": pointers.to_numpy(),
            }
        )
        for what, (failed, found) in judged.items()
    ]
    return pd.concat(parts, ignore_index=True)


CONTROL = Control(
    id="CHG-06",
    page=__doc__,
    clause="Security Controls › Access Control › Branch protection rules for main branches",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC8.1", "CC7.2"),
        "ISO 27001": ("8.4", "8.32", "8.15"),
        "NIST 800-53": ("CM-5(1)", "AC-3(10)", "AU-12"),
        "PCI DSS": ("6.5.1", "10.2.1"),
        "CIS / SLSA": ("S 1.1.14", "S 1.1.16", "S 1.1.19", "SLSA L3 continuity"),
    },
    needs=(GIT, PROTECTION, FORGE_LOG),
    remediation="Mend the protection, bind administrators too, and review what landed in the lapse.",
    examples=EXAMPLES,
    test=test,
)
