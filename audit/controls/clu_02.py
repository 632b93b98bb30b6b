"""Nothing is modified in place.

## Why
What is changed inside a running workload, or by editing the live object, is gone with the next replacement and was
never reviewed. An image tag that moves changes what runs without any change in Git.

## Evidence
The API servers' audit logs: sessions into workloads (exec, attach, port-forward, ephemeral containers) and writes that
`kubectl edit` made, known by their field manager. Images as landings set them by application and environment.

## Limits
What was denied or failed modified nothing. Break-glass spans of the settings are left out for their person and cluster,
and so are machines; a machine's identity used from a laptop is a person. An image is tested in every quarter in which
Git asks for it: its tag must not be one of `thresholds.mutable_tags`, must not have stood for another digest before, and
with `thresholds.require_digests` it must be pinned by a digest. A container's image without a tag is `latest`, unless its
application is seen to give it one there; where that was not read from the beginning, or an image whose name ends alike has
one, that is named. An image that no landing set since the repository's
contents were read is not known, nor one that takes effect in no known environment. Where the log is silent nothing can be
told: each silence is named.

## Remediation
Replace the workload by what Git declares, take exec and edit away from people, and pin the image by its digest.
"""

from __future__ import annotations

import pandas as pd

from audit.controls import requests
from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import API_SERVER, GIT
from audit.controls.parts import commit, pointer
from audit.controls.spans import observed
from audit.joins.images import bare
from audit.joins.matching import matches_any
from audit.model import PrincipalKind, Severity

SESSIONS = ("exec", "attach", "portforward", "ephemeralcontainers")
_EDIT = "kubectl-edit"
_PLACE = ["repo", "path", "locator", "image", "app", "environment"]
_TAG = ["repo", "image", "tag"]
_DIGEST = "sha256:"

_BARE = """
        repositories
        | tip | observed_from |
        | a1… | 1             |
        commits
        | sha | position |
        | a1… | 1        |
        landings
        | head_sha | position | first_position | landed_at        |
        | a1…      | 1        | 1              | 2026-08-01 00:00 |
        image_settings
        | sha | path | locator | app | environment | set_by   | image | after    |
        | a1… | m    | l       | web | prod        | manifest | nginx | (no tag) |
        | a1… | m    | l       | api | prod        | manifest | api   | (no tag) |
        | a1… | m    | l       | job | prod        | manifest | job   | (no tag) |
"""

EXAMPLES = (
    Example(
        title="a machine's session, a denied one, one under break-glass and a version of an image pass",
        given="""
        cluster_writes
        | audit_id | principal_kind | user           | verb   | resource  | outcome | break_glass |
        | 1        | machine        | ci             | create | pods/exec | done    |             |
        | 2        | person         | ada@netbpf.com | create | pods/exec | denied  |             |
        | 3        | person         | ada@netbpf.com | create | pods/exec | done    | INC-7       |

        image_changes
        | head_sha | position | path | app | environment | image | after | landed_at        |
        | a1…      | 1        | k    | web | prod        | web   | 1.0   | 2026-08-01 09:00 |
        """,
        conclusion="effective",
    ),
    Example(
        title="sessions of every kind and an edit by a person fail; another patch is no matter of this control",
        given="""
        cluster_writes
        | audit_id | principal_kind | user           | verb   | resource                 | namespace | name | outcome | change | field_manager |
        | 1        | person         | ada@netbpf.com | create | pods/exec                | shop      | web  | done    | false  |               |
        | 2        | person         | ada@netbpf.com | get    | pods/attach              | shop      | web  | unknown | false  |               |
        | 3        | person         | ada@netbpf.com | create | pods/portforward         | shop      | web  | done    | false  |               |
        | 4        | person         | ada@netbpf.com | patch  | pods/ephemeralcontainers | shop      | web  | done    | false  |               |
        | 5        | person         | ada@netbpf.com | patch  | deployments.apps         | shop      | web  | done    | true   | kubectl-edit  |
        | 6        | person         | ada@netbpf.com | patch  | deployments.apps         | shop      | web  | done    | true   | kubectl-patch |
        | 7        | person         | ada@netbpf.com | create | services/proxy           | shop      | web  | done    | false  |               |
        | 8        | person         | ada@netbpf.com | create | pods/exec                | sandbox   | web  | done    | false  |               |
        """,
        settings={"scope": {"unmanaged_namespaces": ["sandbox"]}},
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | prod/1  | ada@netbpf.com: create pods/exec shop/web |
        | prod/2  | ada@netbpf.com: get pods/attach shop/web (its outcome was not recorded) |
        | prod/3  | ada@netbpf.com: create pods/portforward shop/web |
        | prod/4  | ada@netbpf.com: patch pods/ephemeralcontainers shop/web |
        | prod/5  | ada@netbpf.com: patch deployments.apps shop/web with kubectl edit |
        """,
    ),
    Example(
        title="a mutable tag fails as long as Git asks for it, and a tag that came to mean another digest",
        given="""
        image_changes
        | head_sha | position | path | app | environment | image | after                     | landed_at           |
        | a1…      | 1        | a    | web | prod        | web   | latest                    | 2026-06-01 09:00:00 |
        | a2…      | 2        | a    | web | prod        | web   | 1.0                       | 2026-07-01 00:00:01 |
        | a1…      | 1        | b    | api | prod        | api   | latest                    | 2026-06-01 09:00:00 |
        | a3…      | 3        | b    | api | prod        | api   | latest@sha256:0123        | 2026-07-01 00:00:00 |
        | a4…      | 4        | c    | job | prod        | job   | 1.0@sha256:aa             | 2026-08-01 00:00:00 |
        | a5…      | 5        | c    | job | prod        | job   | 1.0@sha256:bb             | 2026-08-02 00:00:00 |
        | a5…      | 5        | d    | job |             | job   | latest                    | 2026-08-02 00:00:00 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                                         | found |
        | netbpf/netbpf-gitops@a1…:a:web/prod:web:latest | web is asked for by tag latest, which moves |
        | netbpf/netbpf-gitops@a5…:c:job/prod:job:1.0@sha256:bb | tag 1.0 of job stands for sha256:bb, and stood for sha256:aa |
        """,
    ),
    Example(
        title="a tag that goes back to its first digest has moved again, each place by itself",
        given="""
        image_changes
        | head_sha | position | path | app | environment | image | after         | landed_at           |
        | a1…      | 1        | c    | job | prod        | job   | 1.0@sha256:aa | 2026-08-01 00:00:00 |
        | a2…      | 2        | c    | job | prod        | job   | 1.0@sha256:bb | 2026-08-02 00:00:00 |
        | a3…      | 3        | c    | job | prod        | job   | 1.0@sha256:aa | 2026-08-03 00:00:00 |
        | a3…      | 3        | d    | job | prod        | job   | 1.0@sha256:aa | 2026-08-03 00:00:00 |
        | a4…      | 4        | d    | job | prod        | job   | 2.0@sha256:cc | 2026-08-04 00:00:00 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                               | found |
        | netbpf/netbpf-gitops@a2…:c:job/prod:job:1.0@sha256:bb | tag 1.0 of job stands for sha256:bb, and stood for sha256:aa |
        | netbpf/netbpf-gitops@a3…:c:job/prod:job:1.0@sha256:aa | tag 1.0 of job stands for sha256:aa, and stood for sha256:bb |
        | netbpf/netbpf-gitops@a3…:d:job/prod:job:1.0@sha256:aa | tag 1.0 of job stands for sha256:aa, and stood for sha256:bb |
        """,
    ),
    Example(
        title="an image without a tag is the latest, until something of its application gives one",
        given=_BARE
        + """
        image_changes
        | head_sha | position | path | app | environment | image | before | after | landed_at        |
        | a1…      | 1        | k    | api | prod        | api   |        | 1.0   | 2026-08-01 00:00 |
        | a1…      | 1        | k    | job | prod        | job   |        | 1.0   | 2026-08-01 00:00 |
        | a2…      | 2        | k    | job | prod        | job   | 1.0    |       | 2026-08-02 00:00 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                   | found                                 |
        | netbpf/netbpf-gitops@a1…:m:web/prod:nginx | nginx has no tag: latest, which moves |
        | netbpf/netbpf-gitops@a1…:m:job/prod:job   | job has no tag: latest, which moves   |
        """,
    ),
    Example(
        title="what gives an image its tag may not have been read",
        given=_BARE.replace("| 1             |", "| 2             |"),
        conclusion="not tested",
    ),
    Example(
        title="an image that is asked for as the quarter is over is the next one's",
        given=_BARE.replace("| 1             |", "| 2             |").replace("2026-08-01", "2026-10-01"),
        conclusion="not applicable",
    ),
    Example(
        title="an image that is renamed may have a tag",
        given="\n".join(_BARE.split("\n")[:-3])
        + """
        image_changes
        | head_sha | position | path | app | environment | image            | before | after | landed_at        |
        | a1…      | 1        | k    | web | prod        | mirror.acme/nginx |        | 1.0   | 2026-08-01 00:00 |
        """,
        conclusion="not tested",
    ),
    Example(
        title="where digests are required, a tag alone fails",
        given="""
        image_changes
        | head_sha | position | path | app | environment | image | after         | landed_at        |
        | a1…      | 1        | a    | web | prod        | web   | 1.0           | 2026-08-01 09:00 |
        | a1…      | 1        | b    | api | prod        | api   | 1.0@sha256:aa | 2026-08-01 09:00 |
        | a1…      | 1        | c    | job | prod        | job   | sha256:aa     | 2026-08-01 09:00 |
        """,
        settings={"thresholds": {"require_digests": True}},
        conclusion="exceptions",
        exceptions="""
        | subject                                                    | found |
        | netbpf/netbpf-gitops@a1…:a:web/prod:web:1.0 | web is asked for by tag 1.0, and not pinned by a digest |
        """,
    ),
    Example(
        title="without the cluster's audit log nobody knows who was inside",
        given="",
        without=("kubernetes-audit",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every session, edit and image of the quarter; those by people, and images that may move, fail."""
    done = _modified(tables, context)
    untagged, gaps = _bare(tables, context)
    images = pd.concat([_images(tables, context), untagged], ignore_index=True)
    people = done["principal_kind"].eq(PrincipalKind.PERSON) & done["break_glass"].isna()
    rows, moving = done[people].reset_index(drop=True), images[images["found"].ne("")].reset_index(drop=True)
    return Result(
        pd.concat([done, images], ignore_index=True),
        pd.concat(
            [
                failures(
                    rows,
                    person_raw=rows["user"],
                    expected="no session into a workload and no edit by a person outside break-glass",
                    found=_found(rows),
                    evidence=pointer(rows),
                ),
                failures(moving, expected="an image whose version can't move", evidence=commit(moving)),
            ],
            ignore_index=True,
        ),
        gaps,
    )


def _modified(tables: Tables, context: Context) -> pd.DataFrame:
    """Sessions and edits that were done, or of which no outcome was recorded, with their `subject`."""
    writes = tables["cluster_writes"]
    session = writes["resource"].str.rsplit("/", n=1).str[-1].isin(SESSIONS)
    session &= writes["resource"].str.contains("/", regex=False)
    edited = writes["field_manager"].eq(_EDIT).fillna(False).astype(bool) & writes["change"].astype(bool)
    namespaces = pd.Series(writes["namespace"].unique(), dtype="str")
    outside = set(namespaces[matches_any(namespaces, context.settings.scope.unmanaged_namespaces)]) - {""}
    managed = ~writes["namespace"].isin(outside)
    rows = writes[managed & writes["outcome"].isin(["done", "unknown"]) & (session | edited)]
    return rows.assign(subject=requests.subject(rows)).reset_index(drop=True)


def _found(rows: pd.DataFrame) -> pd.Series:
    """Who did what to which workload."""
    edit = pd.Series(" with kubectl edit", index=rows.index, dtype="str")
    edited = rows["field_manager"].eq(_EDIT).fillna(False).astype(bool)
    return requests.story(rows, edit.where(edited, ""))


def _bare(tables: Tables, context: Context) -> tuple[pd.DataFrame, tuple[Gap, ...]]:
    """Images without a tag for which Git asks in the quarter, as `_images` gives them; and gaps where one may be given."""
    rows = bare(tables["image_settings"], tables["landings"], tables["commits"], tables["image_changes"])
    rows = observed(rows, pd.Timedelta(0), context)
    where = rows["path"] + ":" + rows["app"] + "/" + rows["environment"] + ":" + rows["image"]
    rows = rows.assign(
        subject=commit(rows) + ":" + where, found=rows["image"] + " has no tag: latest, which moves"
    )
    rows = rows.drop_duplicates("subject")
    begun = rows["repo"].map(tables["repositories"].set_index("repo")["observed_from"])
    untold = rows["alike"] | ~begun.le(1).fillna(False).astype(bool)
    texts = sorted(rows.loc[untold & context.holds(rows["at"]), "subject"])
    told = rows[~untold].reset_index(drop=True)
    return told, tuple(
        Gap(f"{text}: it has no tag, and nothing tells whether it is given one") for text in texts
    )


def _images(tables: Tables, context: Context) -> pd.DataFrame:
    """Images for which Git asks in the quarter, with `subject`, `at` and what is wrong (`found`; empty for nothing)."""
    changes = tables["image_changes"]
    changes = changes[changes["environment"].ne("")].sort_values([*_PLACE, "position"], kind="stable")
    spans = changes.assign(start=changes["landed_at"], end=changes.groupby(_PLACE)["landed_at"].shift(-1))
    bare = spans["after"].str.startswith(_DIGEST).fillna(False).astype(bool)
    tag = spans["after"].str.replace(r"@.*$", "", regex=True)
    digest = spans["after"].str.replace(r"^[^@]*@?", "", regex=True)
    spans = spans.assign(tag=tag.mask(bare, ""), digest=digest.mask(bare, spans["after"]))
    both = spans[spans["tag"].ne("") & spans["digest"].ne("") & spans["after"].notna()]
    both = both.sort_values([*_TAG, "position", "path", "locator"], kind="stable")
    before = both.groupby(_TAG)["digest"].shift()
    stood = before.where(before.ne(both["digest"])).groupby([both[column] for column in _TAG]).ffill()
    spans = spans.assign(stood=stood)
    held = observed(spans[spans["after"].notna()], pd.Timedelta(0), context)
    where = (
        held["path"]
        + ":"
        + held["app"]
        + "/"
        + held["environment"]
        + ":"
        + held["image"]
        + ":"
        + held["after"]
    )
    held = held.assign(subject=commit(held) + ":" + where)
    loose = held["digest"].eq("")
    thresholds = context.settings.thresholds
    asked = held["image"] + " is asked for by tag " + held["tag"]
    found = pd.Series("", index=held.index, dtype="str")
    found = found.mask(loose & thresholds.require_digests, asked + ", and not pinned by a digest")
    moved = held["stood"].notna() & ~loose & held["stood"].ne(held["digest"])
    stands = "tag " + held["tag"] + " of " + held["image"] + " stands for " + held["digest"]
    found = found.mask(moved, stands + ", and stood for " + held["stood"])
    found = found.mask(loose & held["tag"].isin(thresholds.mutable_tags), asked + ", which moves")
    return held.assign(found=found).drop_duplicates("subject").reset_index(drop=True)


CONTROL = Control(
    id="CLU-02",
    page=__doc__,
    clause="Principles › Immutable Infrastructure",
    severity=Severity.MEDIUM,
    frameworks=requests.PAST_GIT,
    needs=(GIT, API_SERVER),
    remediation="Replace what was modified by what Git declares, and pin images by their digests.",
    examples=EXAMPLES,
    test=test,
)
