"""No person changes managed objects directly.

## Why
A change made in the cluster is in no repository: nobody reviewed it, the next sync may undo it, and the next disaster
certainly will.

## Evidence
The API servers' audit logs. A change is a create, update, patch or delete that was done, or of which no outcome was
recorded, to an object that Git declares. Person or machine is decided by who authenticated, not by whom they acted
as; a machine's identity used from a laptop is a person.

## Limits
What was denied, failed or was a dry run changed nothing and is not counted here. Commands run inside a container
(`exec`) change files, not objects, and are not counted here. Break-glass spans of the settings are left out for their
person and cluster. Where the log is silent nothing can be told: each silence is named.

## Remediation
Bring the change into Git, or let the operator undo it. Take write access to managed namespaces away from people, and
use break-glass when it must be.
"""

from __future__ import annotations

from audit.controls import requests
from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import API_SERVER
from audit.controls.parts import pointer
from audit.model import PrincipalKind, Severity

EXAMPLES = (
    Example(
        title="a controller's change, a person's denied one and one under break-glass pass",
        given="""
        cluster_writes
        | audit_id | principal_kind | user                         | verb   | change | outcome | break_glass |
        | 1        | machine        | system:serviceaccount:argo:a | update | true   | done    |             |
        | 2        | person         | ada@netbpf.com               | patch  | false  | denied  |             |
        | 3        | person         | ada@netbpf.com               | patch  | true   | done    | INC-7       |
        """,
        conclusion="effective",
    ),
    Example(
        title="a person's change fails, one whose outcome nobody recorded too; others' quarters are theirs",
        given="""
        cluster_writes
        | audit_id | at                  | principal_kind | user           | verb   | resource         | namespace | name | change | outcome |
        | 1        | 2026-06-30 23:59:59 | person         | ada@netbpf.com | patch  | deployments.apps | shop      | web  | true   | done    |
        | 2        | 2026-07-01 00:00:00 | person         | ada@netbpf.com | patch  | deployments.apps | shop      | web  | true   | done    |
        | 3        | 2026-08-01 00:00:00 | person         | ada@netbpf.com | delete | namespaces       |           | shop | true   | unknown |
        | 4        | 2026-10-01 00:00:00 | person         | ada@netbpf.com | patch  | deployments.apps | shop      | web  | true   | done    |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject | found                                                                        |
        | prod/2  | ada@netbpf.com: patch deployments.apps shop/web                              |
        | prod/3  | ada@netbpf.com: delete namespaces shop (its outcome was not recorded)        |
        """,
    ),
    Example(
        title="without the cluster's audit log nothing was tested",
        given="",
        without=("kubernetes-audit",),
        conclusion="not tested",
    ),
    Example(
        title="a log that falls silent leaves the control untested for that time",
        given="""
        evidence_objects
        | source_name | key | format           | cluster | collected_at |
        | log         | 1   | kubernetes-audit | prod    | 2026-10-02   |

        coverage
        | source_name | cluster | hour             | first_at         | last_at          |
        | log         | prod    | 2026-07-01 00:00 | 2026-07-01 00:00 | 2026-07-01 00:45 |

        cluster_writes
        | audit_id | principal_kind | change | outcome |
        | 1        | machine        | true   | done    |
        """,
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every change of an object in scope; those by people outside break-glass fail."""
    del context
    writes = tables["cluster_writes"]
    population = writes[writes["change"].astype(bool)]
    population = population.assign(subject=requests.subject(population))
    person = population["principal_kind"].eq(PrincipalKind.PERSON)
    rows = population[person & population["break_glass"].isna()].reset_index(drop=True)
    return Result(
        population,
        failures(
            rows,
            person_raw=rows["user"],
            expected="no change of managed objects by a person outside break-glass",
            found=requests.story(rows),
            evidence=pointer(rows),
        ),
    )


CONTROL = Control(
    id="CLU-01",
    page=__doc__,
    clause="Principles › Automated Operations › All changes to environments go through Git",
    severity=Severity.HIGH,
    frameworks=requests.PAST_GIT,
    needs=(API_SERVER,),
    remediation="Bring the change into Git or undo it, and take write access to managed namespaces away from people.",
    examples=EXAMPLES,
    test=test,
)
