"""Automated sync and self-heal are on for every application.

## Why
Where the operator does not act by itself, Git says what should run, and people decide what does. What was changed by
hand then stays.

## Evidence
Snapshots of Argo CD's Applications and Flux's Kustomizations and HelmReleases, each with how it is set: automated
sync, self-heal (of a HelmRelease: its drift detection), and whether reconciliation is suspended. A snapshot is as old
as the newest thing in its export. Each lapse is an exception of its own: from the first snapshot in the quarter that shows
it off until the next that shows it on. What landed for an application in a lapse, and how often it drifted in the quarter,
shows whether the setting worked.

## Limits
What was switched off and on again between two snapshots is not seen; where people wrote to the operator's object meanwhile
(the API servers' logs), or snapshots of an application are more than `thresholds.snapshot_days` apart, that is named. Settings that the operator keeps elsewhere, such as sync windows, are
not judged here.

## Remediation
Switch automated sync and self-heal on, in Git, and take the right to switch them off away from people.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import OPERATORS
from audit.controls.parts import counted, pointer, when
from audit.controls.spans import APPLICATION, bounded, placed
from audit.controls.switched import written_between
from audit.model import Severity

_PARTS = ("automated sync off", "self-heal off", "suspended")
_WEEKLY = "".join(
    f"        | argocd/web | {day} 23:00 | true | true | {number} |\n"
    for number, day in enumerate(
        (
            "2026-07-01", "2026-07-09", "2026-07-17", "2026-07-25", "2026-08-02", "2026-08-10", "2026-08-18",
            "2026-08-26", "2026-09-03", "2026-09-11", "2026-09-19", "2026-09-27",
        ),
        1,
    )
)  # fmt: skip
_HEADER = """
        app_settings
        | app        | observed_at      | automated | self_heal | evidence |
"""

EXAMPLES = (
    Example(
        title="on in every snapshot of the quarter passes",
        given=_HEADER
        + _WEEKLY
        + """
        | argocd/web | 2026-05-01 00:00 | true | true | 20 |
        | argocd/web | 2026-07-01 00:00 | true | true | 21 |
        """.strip(),
        conclusion="effective",
    ),
    Example(
        title="snapshots exactly as far apart as they may be pass, also the first one from the quarter's start",
        given=_HEADER + _WEEKLY.split("\n", 1)[1].replace("23:00", "00:00"),
        conclusion="effective",
    ),
    Example(
        title="off in one snapshot fails, with what landed meanwhile; so do self-heal off and what is suspended",
        given="""
        app_settings
        | app        | observed_at      | automated | self_heal | suspended | evidence |
        | argocd/web | 2026-07-01 23:00 | true      | true      | false     | 1        |
        | argocd/web | 2026-07-02 23:00 | false     | false     | false     | 2        |
        | argocd/web | 2026-07-03 23:00 | false     | false     | false     | 3        |
        | argocd/web | 2026-07-04 23:00 | true      | true      | false     | 4        |
        | argocd/api | 2026-07-04 23:00 | true      | false     | false     | 4        |
        | flux/shop  | 2026-07-04 23:00 | true      | true      | true      | 4        |

        deployments
        | application | app | started_at       | repo                 |
        | argocd/web  | web | 2026-06-01 10:00 | netbpf/netbpf-gitops |

        landings
        | head_sha | position | landed_at           |
        | a1…      | 1        | 2026-07-02 22:59:59 |
        | a2…      | 2        | 2026-07-02 23:00:00 |
        | a3…      | 3        | 2026-07-04 22:59:59 |
        | a4…      | 4        | 2026-07-04 23:00:00 |

        landing_environments
        | head_sha | app | environment |
        | a1…      | web | prod        |
        | a2…      | web | prod        |
        | a3…      | web | prod        |
        | a4…      | web | prod        |

        app_states
        | application | aspect | state     | start               | end              |
        | argocd/web  | sync   | OutOfSync | 2026-06-30 23:59:59 | 2026-07-01 23:00 |
        | argocd/web  | sync   | Synced    | 2026-07-01 23:00:00 | 2026-07-03 23:00 |
        | argocd/web  | sync   | OutOfSync | 2026-07-03 23:00:00 | 2026-07-03 23:30 |
        | argocd/web  | sync   | Synced    | 2026-07-03 23:30:00 |                  |
        | argocd/web  | health | Healthy   | 2026-07-03 23:00:00 |                  |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject         | found |
        | prod/argocd/web@2026-07-02T23:00:00Z | automated sync off, self-heal off from 2026-07-02T23:00:00Z until 2026-07-04T23:00:00Z (2 snapshots); 2 changes landed in it; 1 drift in the quarter |
        | prod/argocd/api@2026-07-04T23:00:00Z | self-heal off since 2026-07-04T23:00:00Z (1 snapshot); 0 changes landed in it; 0 drifts in the quarter |
        | prod/flux/shop@2026-07-04T23:00:00Z  | suspended since 2026-07-04T23:00:00Z (1 snapshot); 0 changes landed in it; 0 drifts in the quarter |
        """,
    ),
    Example(
        title="each lapse fails by itself, with what landed in it",
        given="""
        app_settings
        | app        | observed_at      | automated | self_heal | evidence |
        | argocd/web | 2026-06-28 23:00 | true      | false     | 0        |
        | argocd/web | 2026-07-01 23:00 | true      | false     | 1        |
        | argocd/web | 2026-07-08 23:00 | true      | true      | 2        |
        | argocd/web | 2026-07-15 23:00 | true      | false     | 3        |
        | argocd/web | 2026-07-22 23:00 | false     | true      | 4        |
        | argocd/web | 2026-07-29 23:00 | true      | true      | 5        |

        deployments
        | application | app | started_at       | repo                 |
        | argocd/web  | web | 2026-06-01 10:00 | netbpf/netbpf-gitops |

        landings
        | head_sha | position | landed_at        |
        | a1…      | 1        | 2026-07-02 10:00 |
        | a2…      | 2        | 2026-07-16 10:00 |
        | a3…      | 3        | 2026-07-23 10:00 |

        landing_environments
        | head_sha | app | environment |
        | a1…      | web | prod        |
        | a2…      | web | prod        |
        | a3…      | web | prod        |

        app_states
        | application | aspect | state     | start            |
        | argocd/web  | sync   | OutOfSync | 2026-07-16 10:00 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                              | found |
        | prod/argocd/web@2026-07-01T23:00:00Z | self-heal off from 2026-07-01T23:00:00Z until 2026-07-08T23:00:00Z (1 snapshot); 1 change landed in it; 1 drift in the quarter |
        | prod/argocd/web@2026-07-15T23:00:00Z | automated sync off, self-heal off from 2026-07-15T23:00:00Z until 2026-07-29T23:00:00Z (2 snapshots); 2 changes landed in it; 1 drift in the quarter |
        """,
    ),
    Example(
        title="an application that people wrote to between snapshots may have been off meanwhile",
        given=_HEADER
        + _WEEKLY
        + """
        cluster_writes
        | audit_id | at               | principal_kind | user | verb  | resource                 | namespace | name | outcome |
        | 1        | 2026-07-10 10:00 | person         | ada  | patch | applications.argoproj.io | argocd    | web  | done    |
        """,
        conclusion="not tested",
    ),
    Example(
        title="who switches it on again, or writes as the quarter is over, hides nothing",
        given=_HEADER
        + _WEEKLY
        + """
        | argocd/web | 2026-06-28 23:00 | true | false | 20 |

        cluster_writes
        | audit_id | at               | principal_kind | user | verb  | resource                 | namespace | name | outcome |
        | 1        | 2026-07-01 10:00 | person         | ada  | patch | applications.argoproj.io | argocd    | web  | done    |
        | 2        | 2026-10-01 00:00 | person         | ada  | patch | applications.argoproj.io | argocd    | web  | done    |
        """.lstrip("\n"),
        conclusion="effective",
    ),
    Example(
        title="a snapshot without a time is no part of a lapse that others date",
        given="""
        app_settings
        | app        | observed_at      | automated | self_heal | evidence |
        | argocd/api | 2026-07-01 23:00 | true      | false     | 1        |
        | argocd/web |                  | true      | false     | 2        |
        | argocd/web | 2026-07-01 23:00 | true      | false     | 3        |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                              |
        | prod/argocd/api@2026-07-01T23:00:00Z |
        | prod/argocd/web                      |
        | prod/argocd/web@2026-07-01T23:00:00Z |
        """,
    ),
    Example(
        title="machines' writes, refused ones, those to other objects and of another quarter switch nothing off",
        given=_HEADER
        + _WEEKLY
        + """
        cluster_writes
        | audit_id | at               | principal_kind | user | verb  | resource                    | namespace | name | outcome |
        | 1        | 2026-07-10 10:00 | machine        | argo | patch | applications.argoproj.io    | argocd    | web  | done    |
        | 2        | 2026-07-10 10:00 | person         | ada  | patch | applications.argoproj.io    | argocd    | web  | denied  |
        | 3        | 2026-07-10 10:00 | person         | ada  | patch | applicationsets.argoproj.io | argocd    | web  | done    |
        | 4        | 2026-06-30 10:00 | person         | ada  | patch | applications.argoproj.io    | argocd    | web  | done    |
        """,
        conclusion="effective",
    ),
    Example(
        title="snapshots too far apart prove nothing of what lies between them",
        given=_HEADER
        + """
        | argocd/web | 2026-07-01 23:00 | true | true | 1 |
        | argocd/web | 2026-09-30 23:00 | true | true | 2 |
        """.strip()
        + "\n",
        conclusion="not tested",
    ),
    Example(
        title="a snapshot missing at the quarter's end proves nothing of it",
        given=_HEADER + _WEEKLY.rsplit("\n", 2)[0] + "\n",
        conclusion="not tested",
    ),
    Example(
        title="what was deleted in the cluster needs no snapshot any more; reading it takes nothing away",
        given=_HEADER
        + _WEEKLY
        + """
        | argocd/api | 2026-07-09 23:00 | true | true | 2 |

        cluster_access
        | audit_id | at               | verb   | namespace | name |
        | 1        | 2026-07-10 10:00 | delete | argocd    | api  |
        """.strip(),
        conclusion="effective",
    ),
    Example(
        title="one that is only read there is still looked for",
        given=_HEADER
        + _WEEKLY
        + """
        | argocd/api | 2026-07-09 23:00 | true | true | 2 |

        cluster_access
        | audit_id | at               | verb | namespace | name |
        | 1        | 2026-07-10 10:00 | get  | argocd    | api  |
        """.strip(),
        conclusion="not tested",
    ),
    Example(
        title="without the operator's records of a cluster nothing was tested there",
        given="",
        without=("argocd or flux",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every application with a snapshot in the quarter; each run of snapshots that show one set off fails."""
    every = _snapshots(tables)
    inside = every[context.holds(every["seen_at"]) | every["seen_at"].isna()]
    population = inside.sort_values("seen_at", kind="stable").drop_duplicates(APPLICATION)
    population = placed(population.assign(at=population["seen_at"]), tables)
    population = population.assign(subject=population["cluster"] + "/" + population["application"])
    rows = _lapses(inside, every).merge(
        population[[*APPLICATION, "subject", "app", "environment", "repo", "path"]], on=APPLICATION
    )
    drifted = "; " + counted(_drifted(rows, tables, context), "drift") + " in the quarter"
    rows = rows.assign(subject=rows["subject"] + ("@" + when(rows["at"])).fillna(""))
    until = (" until " + when(rows["until"])).fillna("")
    begun = pd.Series(" since ", index=rows.index, dtype="str").mask(rows["until"].notna(), " from ")
    began = (begun + when(rows["at"])).fillna(" (no snapshot says when)")
    snapshots = " (" + counted(rows["snapshots"], "snapshot") + ")"
    landed = "; " + counted(_landed(rows, tables), "change") + " landed in it"
    return Result(
        population,
        failures(
            rows,
            expected="automated sync and self-heal on all quarter",
            found=rows["off"] + began + until + snapshots + landed + drifted,
        ),
        (*_apart(every, tables, context), *written_between(every, tables, context)),
    )


def _snapshots(tables: Tables) -> pd.DataFrame:
    """How each application was set in each snapshot: `seen_at`, `off` (str: what is off; empty when all is on)."""
    rows = tables["app_settings"].rename(columns={"app": "application"})
    newest = rows.groupby(["cluster", "evidence"])["observed_at"].transform("max")
    holds = (~rows["automated"].astype(bool), ~rows["self_heal"].astype(bool), rows["suspended"].astype(bool))
    off = _worded(dict(zip(_PARTS, holds, strict=True)), rows.index)
    return rows.assign(seen_at=newest, off=off, evidence=pointer(rows))


def _lapses(inside: pd.DataFrame, every: pd.DataFrame) -> pd.DataFrame:
    """Runs of snapshots that show an application off: `lapse` (its number), `at`, `until` (seen on again), `snapshots`, `off`.

    Args:
        inside: snapshots of the quarter. every: all of them. A run counts from its first snapshot in the quarter.
    """
    order = every.sort_values([*APPLICATION, "seen_at", "evidence"], kind="stable", na_position="first")
    before = order.groupby(APPLICATION)["seen_at"].shift()
    first = order.groupby(APPLICATION).cumcount().eq(0) | (before.isna() & order["seen_at"].notna())
    failed = inside[inside["off"].ne("")].assign(lapse=(first | order["off"].eq("")).cumsum())
    failed = failed.sort_values(["lapse", "seen_at"], kind="stable")
    run = failed.groupby("lapse", sort=True)
    said = {
        words: failed["off"].str.contains(words, regex=False).groupby(failed["lapse"]).any()
        for words in _PARTS
    }
    rows = failed.drop_duplicates("lapse").assign(at=lambda rows: rows["seen_at"]).set_index("lapse")
    rows = rows.assign(off=_worded(said, rows.index), snapshots=run["evidence"].nunique()).reset_index()
    on = every.loc[every["off"].eq("") & every["seen_at"].notna(), [*APPLICATION, "seen_at"]]
    on = on.rename(columns={"seen_at": "until"}).sort_values("until", kind="stable")
    ended = pd.merge_asof(
        rows.loc[rows["at"].notna(), ["lapse", *APPLICATION, "at"]].sort_values("at", kind="stable"),
        on,
        left_on="at",
        right_on="until",
        by=APPLICATION,
        direction="forward",
        allow_exact_matches=False,
    )
    return rows.merge(ended[["lapse", "until"]], on="lapse", how="left")


def _worded(parts: Mapping[str, pd.Series], index: pd.Index) -> pd.Series:
    """The words (str) that hold, separated by commas: `parts` says of each whether it does."""
    off = pd.Series("", index=index, dtype="str")
    for words, holds in parts.items():
        off = off + pd.Series(words + ", ", index=index, dtype="str").where(holds, "")
    return off.str.removesuffix(", ")


def _landed(rows: pd.DataFrame, tables: Tables) -> pd.Series:
    """How many landings that reach the application landed while it was off (int64)."""
    target = ["repo", "app", "environment"]
    places = tables["landing_environments"][[*target, "head_sha"]].drop_duplicates()
    places = places.merge(tables["landings"][["repo", "head_sha", "landed_at"]], on=["repo", "head_sha"])
    both = rows[["subject", *target, "at", "until"]].merge(places, on=target)
    within = (both["landed_at"] >= both["at"]) & ~(both["landed_at"] >= both["until"])
    count = both[within].groupby("subject")["head_sha"].nunique()
    return rows["subject"].map(count).fillna(0).astype("int64")


def _drifted(rows: pd.DataFrame, tables: Tables, context: Context) -> pd.Series:
    """How many spans out of sync of the application began in the quarter (int64)."""
    spans = tables["app_states"]
    spans = spans[spans["aspect"].eq("sync") & spans["state"].eq("OutOfSync") & context.holds(spans["start"])]
    count = spans.groupby(spans["cluster"] + "/" + spans["application"]).size()
    return rows["subject"].map(count).fillna(0).astype("int64")


def _apart(every: pd.DataFrame, tables: Tables, context: Context) -> tuple[Gap, ...]:
    """Gaps for applications between whose snapshots more time went by than may, and for clusters without any."""
    limit = pd.Timedelta(days=context.settings.thresholds.snapshot_days)
    dated = every.dropna(subset=["seen_at"])
    dated = dated.assign(seen_at=bounded(dated["seen_at"], upper=context.stop))
    dated = dated.drop_duplicates([*APPLICATION, "seen_at"]).sort_values([*APPLICATION, "seen_at"])
    following = dated.groupby(APPLICATION)["seen_at"].shift(-1)
    end = pd.Series(context.stop, index=dated.index).astype("datetime64[us, UTC]")
    following = following.fillna(end)
    far = (following - dated["seen_at"] > limit) & (following > context.start)
    removed = tables["cluster_access"]
    removed = removed[removed["verb"].eq("delete")]
    gone = set(removed["cluster"] + "/" + removed["namespace"] + "/" + removed["name"])
    names = dated["cluster"] + "/" + dated["application"]
    far &= ~(names.isin(gone) & following.eq(end))
    texts = names + ": no snapshot shows how it was set between " + when(dated["seen_at"])
    texts = (texts + " and " + when(following))[far]
    first = dated.groupby("cluster", as_index=False)["seen_at"].min()
    first = first[first["seen_at"] > context.start + limit]
    unseen = (
        first["cluster"] + ": no snapshot shows how applications were set before " + when(first["seen_at"])
    )
    return (*(Gap(text) for text in texts), *(Gap(text) for text in unseen))


CONTROL = Control(
    id="CLU-03",
    page=__doc__,
    clause="Principles › Self-Healing",
    severity=Severity.MEDIUM,
    frameworks={
        "SOC 2": ("CC7.1",),
        "ISO 27001": ("8.9",),
        "NIST 800-53": ("CM-2", "CM-6", "SI-7"),
        "PCI DSS": ("11.5.2",),
        "CIS / SLSA": ("S 5.1.6",),
    },
    needs=(OPERATORS,),
    remediation="Switch automated sync and self-heal on in Git, and take the right to switch them off away.",
    examples=EXAMPLES,
    test=test,
)
