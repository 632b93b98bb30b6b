"""Constraints and policies refuse what breaks them, and were not relaxed.

## Why
A rule that only warns, that is deleted for an hour, or that leaves out one namespace more stops nothing there. What
got in meanwhile stays in.

## Evidence
Snapshots of Gatekeeper's constraints and configuration, of Kyverno's policies and exceptions, and of admission policies
with their bindings: whether a request is refused (`deny`, `Enforce`, `Deny`), whom the rule leaves out, and how often
it was changed. The API server's log tells when each was written. A lapse is an exception with its span, in every
quarter that it touches, however short it was: also one between two snapshots that both show the rule enforced, when
the object's generation says that it was changed and put back, or the log that it was deleted.

## Limits
What a rule may leave out is what it left out in its first snapshot on record, and `policies.exempt_namespaces`. A rule
that stops to apply to a kind, or whose code or parameters change, is a change to review, and no lapse here. That a rule
was deleted shows in an export of rules of several kinds, or of its own kind, or in the log: not where each rule is
exported alone. A rule that was tightened and loosened again between two snapshots looks as one that was relaxed. Where
snapshots of a cluster are more than `thresholds.snapshot_days` apart, that is named. `policies.advisory` names rules
that only warn by decision; they must still be there. `policies.retired` names those that were taken away by decision.

## Remediation
Put the rule back in Git and let the operator apply it, look at what was admitted in the span, and take the right to
write rules away from people.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import POLICY_RULES
from audit.controls.parts import when
from audit.controls.spans import bounded, lasted, observed
from audit.joins.enforcement import ITEM, lapses, snapshots
from audit.model import Severity

_HEADER = """
        policy_constraints
        | engine | api_group | kind | name | role | refuses | enforcement | exempts | generation | digest | observed_at | evidence |
"""
_DAYS = (
    "2026-07-09", "2026-07-17", "2026-07-25", "2026-08-02", "2026-08-10", "2026-08-18", "2026-08-26", "2026-09-03",
    "2026-09-11", "2026-09-19", "2026-09-27",
)  # fmt: skip
_OWNER = (
    "gatekeeper | constraints.gatekeeper.sh | K8sRequiredLabels | owner | rule | true  | deny   |  | 1 | d1"
)
_TAGS = (
    "gatekeeper | constraints.gatekeeper.sh | K8sDisallowedTags | tags  | rule | true  | deny   |  | 1 | d2"
)


def _weekly(rule: str, start: str = "2026-07-01", *, but: str = "") -> str:
    """A rule as it is in snapshots that are exactly as far apart as they may be."""
    days = [day for day in (start, *_DAYS) if day not in but]
    return "".join(f"        | {rule} | {day} 00:00 | {day} |\n" for day in days)


EXAMPLES = (
    Example(
        title="a rule that refuses in every snapshot, exactly as far apart as they may be, passes",
        given=_HEADER + _weekly(_OWNER) + _weekly(_TAGS),
        conclusion="effective",
    ),
    Example(
        title="how far apart snapshots were before the quarter is not asked",
        given=_HEADER + f"        | {_OWNER} | 2026-06-01 00:00 | 2026-06-01 |\n" + _weekly(_OWNER),
        conclusion="effective",
    ),
    Example(
        title="the first snapshot may be as late in the quarter as two may be apart",
        given=_HEADER + _weekly(_OWNER, but="2026-07-01"),
        conclusion="effective",
    ),
    Example(
        title="a second more between two snapshots, and nothing is known of what lies between them",
        given=_HEADER + _weekly(_OWNER, "2026-06-30 23:59:59").replace("23:59:59 00:00", "23:59:59"),
        conclusion="not tested",
    ),
    Example(
        title="a rule set to dryrun for an hour between two snapshots: the log tells when, and who did it",
        given=_HEADER
        + _weekly(_OWNER, but="2026-08-10")
        + _weekly(_TAGS)
        + """
        | gatekeeper | constraints.gatekeeper.sh | K8sRequiredLabels | owner | rule | true | deny | | 3 | d1 | 2026-08-10 00:00 | 2026-08-10 |

        cluster_access
        | audit_id | at                  | verb  | api_group                 | resource          | name  | user | code | evidence |
        | 1        | 2026-08-09 10:00:00 | patch | constraints.gatekeeper.sh | k8srequiredlabels | owner | ada  | 200  | log      |
        | 2        | 2026-08-09 10:30:00 | patch | constraints.gatekeeper.sh | k8srequiredlabels | owner | ada  | 403  | log      |
        | 3        | 2026-08-09 11:00:00 | patch | constraints.gatekeeper.sh | k8srequiredlabels | owner | ada  | 200  | log      |
        """.strip("\n"),
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | prod/K8sRequiredLabels/owner@2026-08-09T10:00:00Z | it was changed and put back (generation 1 to 3) for 1 h, from 2026-08-09T10:00:00Z until 2026-08-09T11:00:00Z, first written by ada |
        """,
    ),
    Example(
        title="a rule that only warns from the quarter's last snapshot on fails; one that warns by decision passes",
        given=_HEADER
        + _weekly(_OWNER, but="2026-09-27")
        + _weekly(_TAGS.replace("true ", "false").replace("deny", "warn"))
        + """
        | gatekeeper | constraints.gatekeeper.sh | K8sRequiredLabels | owner | rule | false | warn | | 2 | d3 | 2026-09-27 00:00 | 2026-09-27 |
        """.strip("\n"),
        settings={"policies": {"advisory": ["tags"]}},
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | prod/K8sRequiredLabels/owner@2026-09-27T00:00:00Z | it did not refuse (warn) for 4 days, from 2026-09-27T00:00:00Z and still so at 2026-10-01T00:00:00Z |
        """,
    ),
    Example(
        title="one namespace more that is left out fails, until it is put back; one that any rule may leave out does not",
        given=_HEADER
        + _weekly(_OWNER, but="2026-08-10 2026-08-18")
        + _weekly(_TAGS)
        + """
        | gatekeeper | constraints.gatekeeper.sh | K8sRequiredLabels | owner | rule | true | deny | {"excludedNamespaces":["kube-system"]} | 2 | d3 | 2026-08-10 00:00 | 2026-08-10 |
        | gatekeeper | constraints.gatekeeper.sh | K8sRequiredLabels | owner | rule | true | deny | {"excludedNamespaces":["shop","kube-system"]} | 3 | d4 | 2026-08-18 00:00 | 2026-08-18 |
        """.strip("\n"),
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | prod/K8sRequiredLabels/owner@2026-08-18T00:00:00Z | it left out shop for 8 days, from 2026-08-18T00:00:00Z until 2026-08-26T00:00:00Z |
        """,
    ),
    Example(
        title="a rule that is missing in an export of others was deleted; so was one of which the log says so",
        given=_HEADER
        + _weekly(_OWNER, but="2026-08-10")
        + _weekly(_TAGS)
        + _weekly(
            "gatekeeper | constraints.gatekeeper.sh | K8sAllowedRepos | repos | rule | true | deny | | 1 | d5"
        )
        + """
        cluster_access
        | audit_id | at                  | verb   | api_group                 | resource          | name | user | code | evidence |
        | 1        | 2026-08-09 10:00:00 | delete | constraints.gatekeeper.sh | k8sdisallowedtags | tags | ada  | 200  | log      |
        | 2        | 2026-08-09 10:00:01 | create | constraints.gatekeeper.sh | k8sdisallowedtags | tags | ada  | 201  | log      |
        """.strip("\n"),
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | prod/K8sDisallowedTags/tags@2026-08-09T10:00:00Z  | it was deleted for 0 min, from 2026-08-09T10:00:00Z until 2026-08-09T10:00:01Z, first written by ada |
        | prod/K8sRequiredLabels/owner@2026-08-10T00:00:00Z | it was deleted for 8 days, from 2026-08-10T00:00:00Z until 2026-08-18T00:00:00Z |
        """,
    ),
    Example(
        title="a lapse that ended at the quarter's first instant is another quarter's; one that ended a second later is not",
        given=_HEADER
        + _weekly(_OWNER)
        + _weekly(_TAGS)
        + """
        | gatekeeper | constraints.gatekeeper.sh | K8sRequiredLabels | owner | rule | true  | deny   | | 1 | d1 | 2026-06-01 00:00:00 | 2026-06-01 |
        | gatekeeper | constraints.gatekeeper.sh | K8sRequiredLabels | owner | rule | false | dryrun | | 1 | d3 | 2026-06-30 00:00:00 | 2026-06-30 |
        | gatekeeper | constraints.gatekeeper.sh | K8sDisallowedTags | tags  | rule | false | dryrun | | 1 | d3 | 2026-06-30 00:00:00 | 2026-06-30 |
        """.strip("\n")
        + """
        cluster_access
        | audit_id | at                  | verb   | api_group                 | resource          | name | user | code | evidence |
        | 1        | 2026-07-01 00:00:00 | patch  | constraints.gatekeeper.sh | k8sdisallowedtags | tags | ada  | 200  | log      |
        """,
        conclusion="effective",
    ),
    Example(
        title="a binding that does not deny fails, and so does a Kyverno rule that only audits",
        given=_HEADER
        + _weekly(
            "kubernetes | admissionregistration.k8s.io | ValidatingAdmissionPolicyBinding | tags | binding | false | Warn | | 1 | d1"
        )
        + _weekly("kyverno | kyverno.io | ClusterPolicy | signed | rule | false | Audit | | 1 | d1"),
        conclusion="exceptions",
        exceptions="""
        | subject |
        | prod/ValidatingAdmissionPolicyBinding/tags@2026-07-01T00:00:00Z |
        | prod/ClusterPolicy/signed@2026-07-01T00:00:00Z |
        """,
    ),
    Example(
        title="without snapshots of the rules of a cluster nothing was tested there",
        given="",
        without=("policy rules",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every rule, binding and exemption on record; each span in which one was relaxed fails."""
    seen = snapshots(tables["policy_constraints"], tables["evidence_objects"], context.settings.policies)
    known = seen[(seen["at"] < context.stop).fillna(False).astype(bool)]
    population = known.drop_duplicates(ITEM)
    population = population.assign(
        subject=_named(population), at=pd.Series(pd.NaT, index=population.index, dtype="datetime64[us, UTC]")
    )
    rows = observed(lapses(seen, tables["cluster_access"]), pd.Timedelta(0), context)
    rows = rows[rows["late"]].reset_index(drop=True)
    of_cluster = {name: context.settings.environment_of(name) for name in rows["cluster"].unique()}
    rows = rows.assign(
        subject=_named(rows) + "@" + when(rows["start"]),
        environment=rows["cluster"].map(of_cluster),
        person_raw=rows["user"],
    )
    failed = failures(
        rows,
        expected="it refuses what breaks it, and leaves out no more than it did",
        found=rows["state"] + " " + lasted(rows) + (", first written by " + rows["user"]).fillna(""),
    )
    return Result(population, failed, _apart(seen, context))


def _named(rows: pd.DataFrame) -> pd.Series:
    """`cluster/Kind/namespace/name#part`, without what is empty."""
    place = (rows["namespace"] + "/").where(rows["namespace"].ne(""), "")
    part = ("#" + rows["part"]).where(rows["part"].ne(""), "")
    return rows["cluster"] + "/" + rows["kind"] + "/" + place + rows["name"] + part


def _apart(seen: pd.DataFrame, context: Context) -> tuple[Gap, ...]:
    """Gaps for clusters between whose snapshots more time went by than may, and for snapshots without a time."""
    limit = pd.Timedelta(days=context.settings.thresholds.snapshot_days)
    engine = ["cluster", "engine"]
    rows = seen[seen["role"].ne("exemption")]
    dated = rows.dropna(subset=["at"])
    dated = dated.assign(at=bounded(dated["at"], upper=context.stop))[[*engine, "at"]].drop_duplicates()
    dated = dated.sort_values([*engine, "at"], kind="stable")
    following = dated.groupby(engine)["at"].shift(-1).fillna(context.stop).astype("datetime64[us, UTC]")
    far = (following - dated["at"] > limit) & (following > context.start)
    text = dated["cluster"] + ": no snapshot shows the rules of " + dated["engine"] + " between "
    text = (text + when(dated["at"]) + " and " + when(following))[far]
    first = dated.drop_duplicates(engine)
    first = first[first["at"] > context.start + limit]
    before = (
        first["cluster"]
        + ": no snapshot shows the rules of "
        + first["engine"]
        + " before "
        + when(first["at"])
    )
    undated = rows.loc[rows["at"].isna(), engine].drop_duplicates()
    untimed = undated["cluster"] + ": a snapshot of the rules of " + undated["engine"] + " has no time"
    places = pd.concat([text, before, untimed]).astype("str")
    return tuple(Gap(words, cluster=words.split(":", 1)[0]) for words in sorted(places))


CONTROL = Control(
    id="POL-01",
    page=__doc__,
    clause="Compliance and Auditing › Compliance Checks › OPA/Gatekeeper policy enforcement",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC7.1", "CC6.8"),
        "ISO 27001": ("8.9", "8.32"),
        "NIST 800-53": ("CM-6", "CM-7", "SI-4"),
        "PCI DSS": ("2.2.1",),
        "CIS / SLSA": ("K 5.2",),
    },
    needs=(POLICY_RULES,),
    remediation="Put the rule back in Git, and look at what was admitted while it was relaxed.",
    examples=EXAMPLES,
    test=test,
)
