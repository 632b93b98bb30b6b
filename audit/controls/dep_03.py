"""A change reaches production only after the same content ran in the earlier environments.

## Why
Earlier environments are where a change may fail. What production gets first, or at the same moment, was tried nowhere.

## Evidence
Landings that production deployments carried, with the environments that each reaches; successful deployments of the same
application in the earlier environments (`promotion` names them in order); image versions that landings set, by
application and environment. Two things are asked of each change that a production deployment carried. Where it takes
effect in an earlier environment of the application too, it must have been deployed there. Where it sets an image
version in production, that version must have run in each earlier environment in which the application is deployed.

## Limits
It must have run there for `thresholds.soak_minutes` (or that of its environment) when the deployment to production began; exactly as long is enough.
What is set in production alone, and is no image version, has no counterpart in other environments and is left out; so is an
application that runs in none of them. Which version of an image runs in an environment where no landing ever changed it is
not on record. A change to a base reaches all environments at once: only the operators' pace keeps production behind.

## Remediation
Have production follow with a delay or by a change of its own, and promote versions in order.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.arrivals import TARGET, arrived, successes
from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import GIT, OPERATORS
from audit.controls.operators import unseen_history
from audit.controls.parts import DEPLOYMENT, LANDING, commit, joined, plus, pointer, when
from audit.controls.spans import APPLICATION, allowed
from audit.model import Severity

_PLACE = ["repo", "path", "locator", "app", "environment", "image"]
_DEPLOYED = """
        deployments
        | application      | cluster | app | environment | started_at          | finished_at         | repo                 | position | status    |
        | argocd/web-dev   | dev     | web | dev         | 2026-07-01 00:00:00 | 2026-07-01 00:05:00 | netbpf/netbpf-gitops | 4        | succeeded |
        | argocd/web-prod  | prod    | web | prod        | 2026-07-01 00:00:00 | 2026-07-01 00:05:00 | netbpf/netbpf-gitops | 4        | succeeded |
        | argocd/web-dev   | dev     | web | dev         | 2026-08-01 10:00:00 | 2026-08-01 10:05:00 | netbpf/netbpf-gitops | 5        | succeeded |
        | argocd/web-prod  | prod    | web | prod        | 2026-08-01 10:35:00 | 2026-08-01 10:40:00 | netbpf/netbpf-gitops | 7        | succeeded |
        | argocd/web-dev   | dev     | web | dev         | 2026-08-01 10:05:01 | 2026-08-01 10:05:01 | netbpf/netbpf-gitops | 6        | succeeded |

        deployment_landings
        | application     | cluster | started_at          | head_sha | app | environment |
        | argocd/web-prod | prod    | 2026-08-01 10:35:00 | a5…      | web | prod        |
        | argocd/web-prod | prod    | 2026-08-01 10:35:00 | a6…      | web | prod        |
        | argocd/web-prod | prod    | 2026-08-01 10:35:00 | a7…      | web | prod        |

        landings
        | head_sha | position | landed_at        |
        | a5…      | 5        | 2026-08-01 09:00 |
        | a6…      | 6        | 2026-08-01 09:10 |
        | a7…      | 7        | 2026-08-01 09:20 |
"""

EXAMPLES = (
    Example(
        title="what ran in an earlier environment exactly as long as it must passes, as does what is production's own",
        given=_DEPLOYED
        + """
        landing_environments
        | head_sha | app | environment |
        | a5…      | web | dev         |
        | a5…      | web | prod        |
        | a6…      | web | prod        |
        | a7…      | web | prod        |
        """,
        conclusion="effective",
    ),
    Example(
        title="a second less fails, and so does what no earlier environment has run",
        given=_DEPLOYED
        + """
        landing_environments
        | head_sha | app | environment |
        | a6…      | web | dev         |
        | a6…      | web | prod        |
        | a7…      | web | dev         |
        | a7…      | web | prod        |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                       | found |
        | netbpf/netbpf-gitops@a6…>prod/argocd/web-prod | in production at 2026-08-01T10:35:00Z, in dev only since 2026-08-01T10:05:01Z |
        | netbpf/netbpf-gitops@a7…>prod/argocd/web-prod | in production at 2026-08-01T10:35:00Z, never in dev |
        """,
    ),
    Example(
        title="an environment may ask for a longer time of its own",
        given=_DEPLOYED
        + """
        landing_environments
        | head_sha | app | environment |
        | a5…      | web | dev         |
        | a5…      | web | prod        |
        """,
        settings={
            "environments": {"dev": {"soak_minutes": 31}},
            "clusters": [{"name": name, "environment": name} for name in ("dev", "prod")],
            "promotion": ["dev", "staging", "test"],
        },
        conclusion="exceptions",
        exceptions="""
        | subject                                       | expected |
        | netbpf/netbpf-gitops@a5…>prod/argocd/web-prod | it ran in dev for 31 min, in staging, test for 30 min before, where it can |
        """,
    ),
    Example(
        title="an image version passes when it ran before, also from the start, and fails when it is new",
        given=_DEPLOYED
        + """
        image_changes
        | head_sha | position | path | app | environment | image | before | after | landed_at        |
        | a5…      | 5        | d    | web | dev         | web   | 1.0    | 1.1   | 2026-08-01 09:00 |
        | a5…      | 5        | p    | web | prod        | web   | 0.9    | 1.0   | 2026-08-01 09:00 |
        | a6…      | 6        | p    | web | prod        | web   | 1.0    | 1.1   | 2026-08-01 09:10 |
        | a7…      | 7        | p    | web | prod        | web   | 1.1    | 1.2   | 2026-08-01 09:20 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                       | found |
        | netbpf/netbpf-gitops@a7…>prod/argocd/web-prod | in production at 2026-08-01T10:35:00Z, web 1.2 never in dev |
        """,
    ),
    Example(
        title="which version an environment runs in which it never changed is not on record",
        given=_DEPLOYED
        + """
        image_changes
        | head_sha | position | path | app | environment | image | before | after | landed_at        |
        | a7…      | 7        | p    | web | prod        | web   | 1.1    | 1.2   | 2026-08-01 09:20 |
        """,
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
    """Every change that production got and that has a counterpart before it; those that came too early fail."""
    done = successes(tables)
    carried = _carried(tables, context)
    stages = done.loc[done["environment"].isin(context.settings.promotion), TARGET].drop_duplicates()
    stages = stages.rename(columns={"environment": "stage"})
    versions = _versions(carried, stages, tables, done)
    unknown = versions[versions["unknown"]]
    asked = pd.concat([_places(carried, stages, tables, done), versions[~versions["unknown"]]])
    soak = allowed(asked.assign(environment=asked["stage"]), "soak_minutes", context)
    early = ~(asked["arrived_at"] + pd.to_timedelta(soak, unit="min") <= asked["started_at"])
    order = {stage: place for place, stage in enumerate(context.settings.promotion)}
    failed = asked[early].assign(place=lambda rows: rows["stage"].map(order))
    population = carried[carried["subject"].isin(set(asked["subject"]))].reset_index(drop=True)
    rows = population.merge(_words(failed), on="subject")
    return Result(
        population,
        failures(
            rows,
            expected=f"it ran in {_owed(context)} before, where it can",
            found="in production at " + when(rows["started_at"]) + ", " + rows["early"],
        ),
        (*_unknown(unknown, context), *unseen_history(tables, context)),
    )


def _owed(context: Context) -> str:
    """Environments with how long a change must have run in each: `dev, staging for 30 min`."""
    minutes = {stage: context.settings.limit("soak_minutes", stage) for stage in context.settings.promotion}
    limits = list(dict.fromkeys(minutes.values()))
    stages = [", ".join(stage for stage, each in minutes.items() if each == limit) for limit in limits]
    return ", in ".join(f"{names} for {limit} min" for names, limit in zip(stages, limits, strict=True))


def _carried(tables: Tables, context: Context) -> pd.DataFrame:
    """The first production deployment that carried each landing, for each application (`subject`, `at`)."""
    known = tables["deployments"]
    told = known[DEPLOYMENT].assign(evidence=pointer(known))
    carried = tables["deployment_landings"]
    carried = carried[carried["environment"].isin(context.settings.production)].merge(told, on=DEPLOYMENT)
    carried = carried.sort_values("started_at", kind="stable").drop_duplicates([*APPLICATION, *LANDING])
    carried = carried.merge(tables["landings"][[*LANDING, "position"]], on=LANDING).reset_index(drop=True)
    return carried.assign(
        subject=commit(carried) + ">" + carried["cluster"] + "/" + carried["application"],
        at=carried["started_at"],
        evidence=plus(carried["evidence"], commit(carried)),
    )


def _places(carried: pd.DataFrame, stages: pd.DataFrame, tables: Tables, done: pd.DataFrame) -> pd.DataFrame:
    """Earlier environments in which the same landing takes effect: `stage`, `what` (empty), `arrived_at`."""
    reached = tables["landing_environments"][[*LANDING, "app", "environment"]].drop_duplicates()
    reached = reached.rename(columns={"environment": "stage"}).merge(stages, on=["repo", "app", "stage"])
    both = carried.merge(reached, on=[*LANDING, "app"])
    by = ["repo", "app", "stage"]
    ran = arrived(both, done.rename(columns={"environment": "stage"}), by)
    return ran.assign(what=pd.Series("", index=ran.index, dtype="str"))


def _versions(
    carried: pd.DataFrame, stages: pd.DataFrame, tables: Tables, done: pd.DataFrame
) -> pd.DataFrame:
    """Image versions that production got, for each earlier environment of the application.

    With `stage`, `what` (image and version, and a space), `arrived_at` (when a deployment there first had it) and
    `unknown` (bool: no landing ever changed the image there).
    """
    changes = tables["image_changes"]
    got = changes.loc[changes["after"].notna(), [*LANDING, "app", "environment", "image", "after"]]
    both = carried.merge(got.drop_duplicates(), on=[*LANDING, "app", "environment"])
    both = both.merge(stages, on=["repo", "app"])
    image = ["repo", "app", "stage", "image"]
    known = changes.rename(columns={"environment": "stage"})[image].drop_duplicates().assign(known=True)
    both = both.merge(known, on=image, how="left").merge(
        _ran(changes, done), on=[*image, "after"], how="left"
    )
    return both.assign(what=both["image"] + " " + both["after"] + " ", unknown=both["known"].isna())


def _ran(changes: pd.DataFrame, done: pd.DataFrame) -> pd.DataFrame:
    """When each image version (`after`) first ran in each environment (`stage`): `arrived_at`.

    A deployment runs what the last change at or before its mainline place set; before the first change, what that
    one took the place of.
    """
    order = changes.sort_values("position", kind="stable")
    begun = order.drop_duplicates(_PLACE).assign(after=lambda rows: rows["before"], position=-1)
    turns = pd.concat([begun, order], ignore_index=True)[[*_PLACE, "position", "after"]]
    turns = turns.astype({"position": "int64"}).sort_values("position", kind="stable")
    at = done[[*TARGET, "position", "done_at"]].merge(changes[_PLACE].drop_duplicates(), on=TARGET)
    held = pd.merge_asof(at.sort_values("position", kind="stable"), turns, on="position", by=_PLACE)
    held = held[held["after"].notna()].rename(columns={"environment": "stage"})
    first = held.groupby(["repo", "app", "stage", "image", "after"], sort=True)["done_at"].min()
    return first.rename("arrived_at").reset_index()


def _words(failed: pd.DataFrame) -> pd.DataFrame:
    """For each subject `early` (str): in which environment it came when, in the order of promotion."""
    since = "in " + failed["stage"] + " only since " + when(failed["arrived_at"])
    never = "never in " + failed["stage"]
    told = failed["what"] + since.where(failed["arrived_at"].notna(), never)
    rows = failed.assign(early=failed["place"].astype("str") + told)
    found = joined(rows, ["subject"], "early", ", ").reset_index()
    return found.assign(early=found["early"].str.replace(r"(^|, )\d+", r"\1", regex=True))


def _unknown(rows: pd.DataFrame, context: Context) -> tuple[Gap, ...]:
    rows = rows[context.holds(rows["at"])]
    texts = (
        rows["subject"]
        + ": production got "
        + rows["what"]
        + "and which version "
        + rows["stage"]
        + " runs is not on record"
    )
    return tuple(Gap(text) for text in sorted(set(texts)))


CONTROL = Control(
    id="DEP-03",
    page=__doc__,
    clause="Workflow › Promotion",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC8.1",),
        "ISO 27001": ("8.32", "8.19", "8.31"),
        "NIST 800-53": ("CM-3", "SA-10"),
        "PCI DSS": ("6.5.1",),
        "CIS / SLSA": ("S 5.1.2", "S 5.2.1"),
    },
    needs=(GIT, OPERATORS),
    remediation="Let production follow with a delay or by a change of its own, and promote versions in order.",
    examples=EXAMPLES,
    test=test,
)
