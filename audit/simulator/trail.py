"""Who used what, when: what people did in the repository and asked of the clusters, as far as logs hold it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from audit.simulator.hub import Hub
from audit.simulator.world import REPOSITORY, World

_REFUSED = (401, 403)
_RECEIVED = re.compile(r'"requestReceivedTimestamp":"([^"]+)"')
Use = tuple[str, str, str, datetime]
"""System, holder, namespace (empty for none), when. Groups stand behind `group:`."""


class Trail:
    """Every use of a right, and where the clusters' logs do not tell."""

    def __init__(self, world: World, hub: Hub) -> None:
        self._uses: dict[tuple[str, str], list[tuple[datetime, str]]] = {}
        for system, holder, namespace, at in (*_on_forge(hub), *_in_clusters(world)):
            self._uses.setdefault((system, holder), []).append((at, namespace))
        self._holes = world.holes

    def used(
        self, system: str, holder: str, since: datetime, until: datetime, scope: str = ""
    ) -> datetime | None:
        """The first use from `since` until before `until`; in the namespace `scope`, where there is one."""
        found = (
            at
            for at, namespace in self._uses.get((system, holder), ())
            if since <= at < until and scope in ("", namespace)
        )
        return min(found, default=None)

    def whole(self, cluster: str, since: datetime, until: datetime) -> bool:
        """Whether the log of a cluster tells of all that time."""
        return not any(
            name == cluster and first < until and last >= since for name, first, last in self._holes
        )


def _on_forge(hub: Hub) -> Iterator[Use]:
    for push in hub.pushes:
        yield REPOSITORY, push.login.lower(), "", push.at
    for setting in hub.settings:
        yield REPOSITORY, setting.login.lower(), "", setting.at
    for pull in hub.pulls:
        yield REPOSITORY, pull.opener.login.lower(), "", pull.created_at
        if pull.merged_at and pull.merged_by:
            yield REPOSITORY, pull.merged_by.login.lower(), "", pull.merged_at
        elif pull.closed_at:
            yield REPOSITORY, pull.opener.login.lower(), "", pull.closed_at
        for review in pull.reviews:
            yield REPOSITORY, review.login.lower(), "", review.at
            if review.dismissed_at and review.dismissed_by:
                yield REPOSITORY, review.dismissed_by.lower(), "", review.dismissed_at


def _in_clusters(world: World) -> Iterator[Use]:
    for cluster, request in world.requests:
        if request.code not in _REFUSED:
            yield cluster, request.user, request.namespace, request.at
            for group in request.groups:
                yield cluster, f"group:{group}", request.namespace, request.at


def span_of(bodies: list[str]) -> tuple[datetime, datetime]:
    """The first and the last time at which the events of an object were received."""
    times = sorted(match[1] for body in bodies for match in _RECEIVED.finditer(body))
    first, last = (datetime.fromisoformat(text).astimezone(UTC) for text in (times[0], times[-1]))
    return first, last
