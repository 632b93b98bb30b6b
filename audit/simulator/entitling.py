"""Who may do what: the forge's lists of collaborators and members, and visits to clusters by people who may not enter.

A list is made after each quarter. It tells how that quarter ended and how the next one began, and so does what is wrong in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from audit.simulator.audit_records import AUTHENTICATED, Request, new_id
from audit.simulator.hub import Hub, Setting
from audit.simulator.keeping import quarters
from audit.simulator.people import login_id
from audit.simulator.world import REPOSITORY, Actor, World, quarter_of

Json = dict[str, Any]
SETTINGS = """[access]
max_admins = 3

[access.roles]
lead = "admin"

[access.environments]
platform = ["dev", "staging", "prod"]
security = ["dev", "staging", "prod"]
payments = ["dev", "staging", "prod"]
storefront = ["dev", "staging", "prod"]
data = ["dev", "staging"]
"""
MAX_ADMINS = 3
_OUTSIDE = "an outside collaborator"
_CLOSED = "data", "prod"  # the team that may not enter, and where
_LATER = timedelta(hours=6)
_WEEKS = timedelta(weeks=3)
_VOUCHED = 0.6  # of engineers, those of whom the log says who granted what they hold
_LEVELS = ("pull", "triage", "push", "maintain", "admin")
_LAPTOP = "kubectl/v1.31.1 (linux/amd64) kubernetes/948afe5"
_LAPTOPS = ("kubectl/", "k9s/", "Lens/")
_REFUSED = (401, 403)
_ORG = REPOSITORY.split("/", maxsplit=1)[0]


def lists(world: World) -> Iterator[tuple[str, datetime]]:
    """The sources of the lists, with the moment at which each was made."""
    for start, end in quarters(world):
        yield f"github-rights-{quarter_of(start)}", end + _LATER


@dataclass
class List:
    """A list of collaborators and members.

    Attributes:
        held: levels by login. wrong: logins that should not hold theirs.
        granted: by login, in lower case, who granted what they hold (login), where the forge's log says so.
    """

    made: datetime
    held: dict[str, str]
    members: set[str]
    wrong: set[str]
    granted: dict[str, str] = field(default_factory=dict)

    def level(self, login: str) -> str | None:
        """The level of a login, whatever the case of its letters."""
        return next((level for name, level in self.held.items() if name.lower() == login.lower()), None)


def grant(world: World) -> list[List]:
    """Writes the lists, and gives them back; ACC-01: holders who left, are unknown or outside, or hold too much; too many administrators."""
    rng = world.dice("entitling")
    spans = list(quarters(world))
    leaver = next(one for one in world.people if one.left is not None)
    found = []
    for number, (source, made) in enumerate(lists(world)):
        held, wrong = _usual(world, made), dict[str, str]()
        members = {one.login for one in _staff(world, made)}
        if leaver.left is not None and leaver.left < spans[number][1]:
            held[leaver.login] = "push"
            wrong[leaver.login] = "left, and may still write"
        if rng.random() < 0.5:
            outsider = next(
                one for one in world.people if one.person is None and one.kind == "person" and one.kube_user
            )
            held[outsider.login] = "push"
            wrong[outsider.login] = "in no roster"
        engineers = sorted(login for login, level in held.items() if level == "push" and login in members)
        if rng.random() < 0.6:
            login = rng.choice(engineers)
            held[login], wrong[login] = "admin", "an engineer administers"
        if rng.random() < 0.4:
            login = rng.choice(engineers)
            members.discard(login)
            wrong[login] = _OUTSIDE
        if rng.random() < 0.5:
            for login in [login for login, level in held.items() if level == "maintain"]:
                held[login] = "admin"
        if sum(level == "admin" for level in held.values()) > MAX_ADMINS:
            wrong["admins"] = "too many administer"
        revocable = {login for login, why in wrong.items() if login in held and why != _OUTSIDE}
        found.append(List(made, held, members | {leaver.login}, revocable))
        _write(world, source, held, sorted(members | {leaver.login}))
        _tell(world, number, made, wrong)
    return found


def vouch(world: World, hub: Hub, lists: list[List], grantor: str) -> None:
    """Has the forge's log say of some engineers that somebody (a login) granted what they hold; fills `granted` of the lists.

    Nobody may decide on keeping what they granted (ACC-03). It happens in the last weeks of the quarter that the first list
    with the right closes, so that the right is no older to ACC-04 than without it.
    """
    rng = world.dice("vouching")
    may = {
        one.login for one in world.people if one.person and one.kind == "person" and one.role == "engineer"
    }
    for number, (listed, (_, end)) in enumerate(zip(lists, quarters(world), strict=True)):
        before = lists[number - 1] if number else None
        for login, level in sorted(listed.held.items()):
            if before is not None and before.level(login) == level:
                listed.granted |= {who: by for who, by in before.granted.items() if who == login.lower()}
            elif login in may - listed.wrong and level == "push" and rng.random() < _VOUCHED:
                at = end - timedelta(seconds=rng.randint(1, int(_WEEKS.total_seconds())))
                hub.settings.append(Setting(at, "repo.add_member", grantor, {"user": login}))
                listed.granted[login.lower()] = grantor


def _tell(world: World, number: int, made: datetime, wrong: dict[str, str]) -> None:
    """What is wrong in a list counts in the quarter that it closes, and in the one in which it was made."""
    for start, end in list(quarters(world))[number : number + 2]:
        at = min(made, end - timedelta(seconds=1))
        for who, why in wrong.items():
            subject = f"{REPOSITORY}:{who}"
            world.truth.violation("ACC-01", subject, at, why=why, quarter=quarter_of(start))


def _staff(world: World, at: datetime) -> list[Actor]:
    return [one for one in world.people if one.kind == "person" and one.person and one.active(at, at)]


def _usual(world: World, at: datetime) -> dict[str, str]:
    """Levels by login, as they should be: leads of two teams administer, others maintain, engineers write."""
    held = {}
    for one in _staff(world, at):
        role, team = one.held(at)
        held[one.login] = (
            "push" if role != "lead" else "admin" if team in ("platform", "security") else "maintain"
        )
    held |= {one.login: "push" for one in world.people if one.kind == "machine" and one.person}
    return held | {"curious-reader": "pull"}


def _write(world: World, source: str, held: dict[str, str], members: list[str]) -> None:
    """The lists as the collector stores them."""
    people = [
        {
            **_account(login),
            "permissions": {name: _LEVELS.index(name) <= _LEVELS.index(level) for name in reversed(_LEVELS)},
            "role_name": {"pull": "read", "push": "write"}.get(level, level),
        }
        for login, level in sorted(held.items())
    ]
    _page(world, source, f"repos/{REPOSITORY}/collaborators/page-0001.json", people)
    _page(world, source, f"orgs/{_ORG}/members/member/page-0001.json", [_account(login) for login in members])


def _page(world: World, source: str, key: str, records: list[Json]) -> None:
    world.evidence.write(source, key, (json.dumps(records, indent=1) + "\n").encode())


def _account(login: str) -> Json:
    api = f"https://api.github.com/users/{login}"
    return {
        "login": login,
        "id": login_id(login),
        "url": api,
        "html_url": f"https://github.com/{login}",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "type": "Bot" if login.endswith("[bot]") else "User",
        "site_admin": False,
    }


def returns(world: World, cluster: str, silent: Callable[[datetime], bool]) -> list[Request]:
    """Who left looks into a cluster once more; ACC-02 each time, but where it is refused."""
    rng = world.dice(f"returning {cluster}")
    asked = []
    for one in world.people:
        if one.left is None:
            continue
        for code in (200, 403):
            at = one.left + timedelta(seconds=rng.randrange(10 * 86400))
            if silent(at) or at >= world.end:
                continue
            request = Request(
                at=at,
                audit_id=new_id(rng),
                verb="list",
                resource="pods",
                user=one.kube_user,
                agent=_LAPTOP,
                namespace=rng.choice(world.apps),
                code=code,
                groups=(f"{_ORG}:{one.team}", AUTHENTICATED),
                ip="203.0.113.77",
            )
            visited(world, cluster, request)
            asked.append(request)
    return asked


def acting(world: World, request: Request) -> tuple[str, Literal["person", "machine", "token"]]:
    """Who acts in a request, by name: a person, also behind a proxy; a machine; or somebody with a machine's token."""
    machines = {one.kube_user for one in world.people if one.kind == "machine" and one.kube_user}
    if request.user not in machines and not request.user.startswith("system:serviceaccount:"):
        return request.user, "person"
    if request.agent.startswith(_LAPTOPS):
        return request.user, "token"
    if request.impersonated is None or request.impersonated.startswith("system:"):
        return request.user, "machine"
    return request.impersonated, "person"


def visited(world: World, cluster: str, request: Request) -> None:
    """ACC-02: a person was let in who is in no roster, had left, may not enter here, or acted as `system:masters`."""
    world.requests.append((cluster, request))
    name, kind = acting(world, request)
    if request.code in _REFUSED or kind == "machine":
        return
    known = [one for one in world.people if one.person and one.kube_user == name and kind == "person"]
    why = ""
    if "system:masters" in request.groups:
        why = "acted as system:masters"
    elif not known:
        why = "in no roster"
    elif not known[0].active(request.at, request.at):
        why = "was not there then"
    elif (known[0].held(request.at)[1], cluster) == _CLOSED:
        why = f"team {_CLOSED[0]} may not enter {cluster}"
    if why:
        world.truth.violation("ACC-02", f"{cluster}/{name}", request.at, why=why)
