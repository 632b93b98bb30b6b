"""Argo CD's ApplicationSets, as `kubectl get applicationsets -o json` prints them, to `application_sets`.

Its health is judged by its conditions as Argo CD does: an error or resources that are not up to date are Degraded, a
rollout that is under way is Progressing, and so is one that has not told anything yet.
"""

from __future__ import annotations

import msgspec

from audit.normalise.argocd_spec import Spec, is_kind
from audit.normalise.interface import Context, Outcome, Row, Unreadable
from audit.normalise.jsonformat import ABSENT, JsonFormat, cluster_of, is_there
from audit.normalise.times import Time, utc

_MAX_DEPTH = 4
_SELECTOR = "selector"  # stands beside the kind of a generator, and is none


class _Metadata(msgspec.Struct):
    name: str
    namespace: str = ""


class _Template(msgspec.Struct):
    spec: Spec | None = None


class _Policy(msgspec.Struct):
    applicationsSync: str | None = None
    preserveResourcesOnDeletion: bool | None = None


class _Strategy(msgspec.Struct):
    type: str | None = None
    rollingSync: msgspec.Raw = ABSENT


class _Spec(msgspec.Struct):
    generators: list[dict[str, msgspec.Raw]]
    template: _Template
    templatePatch: str | None = None
    syncPolicy: _Policy | None = None
    strategy: _Strategy | None = None


class _Condition(msgspec.Struct):
    type: str
    status: str
    message: str | None = None
    lastTransitionTime: Time | None = None


class _Status(msgspec.Struct):
    conditions: list[_Condition] | None = None


class _Nested(msgspec.Struct):
    """A generator that combines others."""

    generators: list[dict[str, msgspec.Raw]] | None = None


class ApplicationSet(msgspec.Struct):
    """An ApplicationSet; what its generators make is not decoded."""

    metadata: _Metadata
    spec: _Spec
    status: _Status | None = None


_nested = msgspec.json.Decoder(_Nested)


def _rows(found: ApplicationSet, context: Context) -> Outcome:
    conditions = (found.status.conditions if found.status is not None else None) or []
    times = [utc(c.lastTransitionTime) for c in conditions if c.lastTransitionTime is not None]
    at = max(times, default=None)
    spec, policy = found.spec, found.spec.syncPolicy or _Policy()
    template, strategy = spec.template.spec or Spec(), spec.strategy or _Strategy()
    automated = template.automated()
    health, error = _health(conditions)
    row: Row = {
        "cluster": cluster_of(context),
        "name": f"{found.metadata.namespace}/{found.metadata.name}",
        "observed_at": at,
        "generators": ",".join(sorted(_kinds(spec.generators))),
        "project": template.project or None,
        "repos": template.repos(),
        "automated": automated is not None,
        "prune": automated is not None and automated.prune is True,
        "self_heal": automated is not None and automated.selfHeal is True,
        "patched": bool(spec.templatePatch),
        "policy": policy.applicationsSync or None,
        "keeps_resources": policy.preserveResourcesOnDeletion is True,
        "rollout": strategy.type or ("RollingSync" if is_there(strategy.rollingSync) else None),
        "error": error,
        "health_status": health,
    }
    return Outcome([("application_sets", row)], at)


def _kinds(generators: list[dict[str, msgspec.Raw]], depth: int = 0) -> set[str]:
    """Kinds of the generators, and of those that they combine.

    Raises:
        Unreadable: they are nested deeper than Argo CD allows, or what they combine is no list of generators.
    """
    if depth > _MAX_DEPTH:
        raise Unreadable("generators nested too deep")
    kinds: set[str] = set()
    for generator in generators:
        for kind, raw in generator.items():
            if kind == _SELECTOR or not is_there(raw):
                continue
            kinds.add(kind)
            if kind in ("matrix", "merge"):
                try:
                    inner = _nested.decode(raw).generators or []
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise Unreadable(f"generators: {error}") from None
                except RecursionError:
                    raise Unreadable("nested too deep") from None
                kinds |= _kinds(inner, depth + 1)
    return kinds


def _health(conditions: list[_Condition]) -> tuple[str, str | None]:
    """Its health, and what is wrong where it is Degraded."""
    told = {condition.type: condition for condition in conditions}
    error, current = told.get("ErrorOccurred"), told.get("ResourcesUpToDate")
    if error is not None and error.status == "True":
        return "Degraded", error.message or ""
    if current is not None and current.status == "False":
        return "Degraded", current.message or ""
    rollout = told.get("RolloutProgressing")
    if rollout is not None and rollout.status == "True":
        return "Progressing", None
    return ("Healthy" if current is not None and current.status == "True" else "Progressing"), None


def _looks(record: bytes) -> bool:
    return is_kind(record, "ApplicationSet", frozenset({"generators"}), frozenset({"template"}))


FORMAT = JsonFormat("argocd-application-set", 2, ("application_sets",), ApplicationSet, _rows, _looks)
