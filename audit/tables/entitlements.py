"""Who may do what, who looked at it, and who was taught to: records that people keep, and snapshots of rights."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Bool, Int, Meta, Table, column
from audit.tables.forge import _EVIDENCE, _LINE

_SNAPSHOT = "; it tells no time of its own: its evidence object does"
_CREATED = "When the object was created"


class Trainings(Table):
    """Training records: who was to learn what, and whether it was done. Older ones stay, for they may still hold."""

    person: str = column("Whose record, as it is written: id, e-mail or login")
    training: str = column("Which training")
    status: str = column(
        "completed, failed, or open when it is assigned or under way", isin=["completed", "failed", "open"]
    )
    completed_at: UTC = column("Day on which it was completed or failed; missing while open", optional=True)
    expires_at: UTC = column(
        "First day on which it holds no more; missing when it always does", optional=True
    )
    assigned_at: UTC = column("Day on which it was assigned", optional=True)
    due_at: UTC = column("Day until which it had to be completed", optional=True)
    record: str = column("Number or link of the record", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Training records"
        metadata: ClassVar[Meta] = {
            "source": "training records (CSV, XLSX, YAML or JSON)",
            "stage": "normalised",
        }
        unique: ClassVar[list[str]] = [
            "person",
            "training",
            "status",
            "completed_at",
            "expires_at",
            "assigned_at",
        ]


class AccessReviews(Table):
    """Access reviews: each right that was listed, who looked at it, what was decided and how it was removed."""

    review: str = column("Name or number of the review; empty where it has none")
    listed_at: UTC = column("Day on which the rights were listed")
    reviewer: str = column("Who reviewed it, as it is written; empty where nobody decided yet")
    subject: str = column("Whose right it is, as it is written")
    system: str = column("System in which the right holds; empty where it isn't told")
    right: str = column("The right: role, group or permission")
    right_id: str = column("Its id in `access_rights`, as the worksheet has it", optional=True)
    decision: str = column(
        "keep, change, revoke, or open when nothing is decided", isin=["keep", "change", "revoke", "open"]
    )
    decided_at: UTC = column("Day of the decision", optional=True)
    removed_at: UTC = column("Day on which the right was taken away or changed", optional=True)
    proof: str = column("Proof of that: ticket, change or event", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Reviews of access"
        metadata: ClassVar[Meta] = {
            "source": "access reviews (CSV, XLSX, YAML or JSON)",
            "stage": "normalised",
        }
        unique: ClassVar[list[str]] = [
            "review",
            "listed_at",
            "reviewer",
            "subject",
            "system",
            "right",
            "decision",
            "decided_at",
            "removed_at",
        ]


class RbacRules(Table):
    """Rules of roles in a cluster, one row each, as a snapshot has them."""

    cluster: str = column("Cluster")
    kind: str = column("Role or ClusterRole", isin=["Role", "ClusterRole"])
    namespace: str = column("Namespace; empty for a ClusterRole")
    role: str = column("Name of the role")
    rule: Int = column("Place of the rule in the role, counted from 0", ge=0)
    api_groups: str = column("API groups, sorted, separated by commas; the core group is empty")
    resources: str = column("Resources and subresources, sorted, separated by commas")
    resource_names: str = column(
        "Names to which the rule is limited, sorted, separated by commas; empty: all"
    )
    non_resource_urls: str = column("Paths that are no resources, sorted, separated by commas")
    verbs: str = column("Verbs, sorted, separated by commas")
    aggregated: Bool = column("The rules come from other roles, by their labels")
    created_at: UTC = column(_CREATED, optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Rules of roles in the clusters"
        metadata: ClassVar[Meta] = {
            "source": f"Role and ClusterRole objects{_SNAPSHOT}",
            "stage": "normalised",
        }
        unique: ClassVar[list[str]] = ["cluster", "evidence", "kind", "namespace", "role", "rule"]


class RbacBindings(Table):
    """Who is bound to which role in a cluster, one row for each subject, as a snapshot has them."""

    cluster: str = column("Cluster")
    kind: str = column("RoleBinding or ClusterRoleBinding", isin=["RoleBinding", "ClusterRoleBinding"])
    namespace: str = column("Namespace in which it holds; empty for a ClusterRoleBinding")
    binding: str = column("Name of the binding")
    role_kind: str = column("Role or ClusterRole", isin=["Role", "ClusterRole"])
    role: str = column("Name of the role")
    subject_kind: str = column("User, Group or ServiceAccount", isin=["User", "Group", "ServiceAccount"])
    subject_namespace: str = column("Namespace of a ServiceAccount; empty for others")
    subject: str = column("Name of the subject")
    created_at: UTC = column(_CREATED, optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Who is bound to which role in the clusters"
        metadata: ClassVar[Meta] = {
            "source": f"RoleBinding and ClusterRoleBinding objects{_SNAPSHOT}",
            "stage": "normalised",
        }
        unique: ClassVar[list[str]] = [
            "cluster",
            "evidence",
            "kind",
            "namespace",
            "binding",
            "subject_kind",
            "subject_namespace",
            "subject",
        ]


class ClusterIdentities(Table):
    """Which identities of the cloud a cluster lets in, and as whom, as a snapshot has them."""

    cluster: str = column("Cluster that the source belongs to, else the name that the cloud gives it")
    kind: str = column(
        "How it is let in: role, user or account of aws-auth; access entry, or policy of one; assignment of a role of Google Cloud or Azure",
        isin=["role", "user", "account", "access entry", "access policy", "role assignment"],
    )
    principal: str = column(
        "ARN of the role or user; number of an account; of a role assignment who it names, as the cloud writes it"
    )
    username: str = column("User as whom it acts, placeholders included", optional=True)
    groups: str = column("Groups in which it acts, sorted, separated by commas")
    policy: str = column(
        "ARN of the access policy; role that is assigned, with its condition; empty when it is none"
    )
    scope: str = column("Namespaces in which the policy holds, separated by commas; empty: the whole cluster")
    entry_type: str = column(
        "Type of an access entry, such as STANDARD or EC2_LINUX; of a role assignment what kind of principal it names",
        optional=True,
    )
    changed_at: UTC = column("When it was last changed, as far as it is told", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Identities of the cloud that the clusters let in"
        metadata: ClassVar[Meta] = {
            "source": f"aws-auth ConfigMap, IAMIdentityMapping, EKS access entries and their policies, IAM policies of Google Cloud, role assignments of Azure{_SNAPSHOT}",
            "stage": "normalised",
        }
        unique: ClassVar[list[str]] = [
            "cluster",
            "evidence",
            "kind",
            "principal",
            "username",
            "groups",
            "policy",
            "scope",
        ]
