"""Who works at the demonstration organisation, and under which names each system knows them.

Nobody here exists. Some people commit under an old address that only the repository's `.mailmap` explains, some
under the forge's noreply address, some own a second login; one person is in no roster.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import NamedTuple

from audit.simulator.world import Actor, stamp

OLD_DOMAIN = "netbpf.io"
"""The domain the organisation left behind: `.mailmap` explains its addresses, the roster does not."""

NOREPLY = "users.noreply.github.com"
FORGE = ("GitHub", "noreply@github.com")
"""The forge's own identity, under which it commits."""


class _Person(NamedTuple):
    id: str
    name: str
    login: str
    team: str
    role: str
    alias: str | None = None


_STAFF = (
    _Person("alindqvist", "Ada Lindqvist", "ada-lindqvist", "platform", "lead"),
    _Person("bokafor", "Ben Okafor", "benokafor", "platform", "engineer", "ben-okafor-ops"),
    _Person("cduarte", "Clara Duarte", "clarad", "payments", "lead"),
    _Person("dkowalski", "Dawid Kowalski", "dkowalski", "payments", "engineer"),
    _Person("ehaddad", "Elias Haddad", "ehaddad", "storefront", "lead", "elias-private"),
    _Person("fmoreau", "Félicie Moreau", "fmoreau", "storefront", "lead"),
    _Person("gtanaka", "Goro Tanaka", "gorot", "data", "engineer"),
    _Person("hnyberg", "Hanna Nyberg", "hanna-nyberg", "data", "lead", "hnyberg-test"),
    _Person("iserrano", "Íñigo Serrano", "iserrano", "security", "engineer"),
    _Person("jmbeki", "Josie Mbeki", "josiem", "security", "lead"),
    _Person("kvarga", "Kata Varga", "katavarga", "platform", "engineer"),
    _Person("lpetrov", "Lev Petrov", "levpetrov", "payments", "engineer"),
    _Person("moconnor", "Maeve O'Connor", "maeveoc", "storefront", "engineer"),
    _Person("nrahman", "Nadia Rahman", "nrahman", "data", "engineer"),
    _Person("ojensen", "Ole Jensen", "ojensen", "platform", "engineer"),
    _Person("psilva", "Paula Silva", "paulasilva", "security", "engineer"),
    _Person("qfischer", "Quirin Fischer", "quirinf", "payments", "engineer"),
    _Person("rcostin", "Radu Costin", "raducostin", "storefront", "engineer"),
)
_ALWAYS = 11  # the first so many are always there; of the others some

_CHANGED = {"gtanaka": (0.8, "engineer", "storefront"), "ehaddad": (0.85, "engineer", "storefront")}
"""Who held another role or team until when, as a share of the time acted out."""

DEPENDABOT = Actor(
    person=None,
    name="dependabot[bot]",
    emails=(f"49699333+dependabot[bot]@{NOREPLY}",),
    login="dependabot[bot]",
    kube_user="",
    argocd_user="",
    team="",
    kind="machine",
)
RELEASE = Actor(
    person="release-bot",
    name="netbpf-release[bot]",
    emails=("release-bot@netbpf.com", f"77200417+netbpf-release[bot]@{NOREPLY}"),
    login="netbpf-release[bot]",
    kube_user="netbpf-release",
    argocd_user="netbpf-release",
    team="platform",
    kind="machine",
)
BORS = Actor(
    person="bors-bot",
    name="netbpf-bors[bot]",
    emails=(f"81200619+netbpf-bors[bot]@{NOREPLY}",),
    login="netbpf-bors[bot]",
    kube_user="",
    argocd_user="",
    team="platform",
    kind="machine",
)
QUEUE = Actor(
    person=None,
    name="github-merge-queue[bot]",
    emails=(f"118344674+github-merge-queue[bot]@{NOREPLY}",),
    login="github-merge-queue[bot]",
    kube_user="",
    argocd_user="",
    team="",
    kind="machine",
)
"""The forge's own merge queue: nobody of the organisation."""
OUTSIDER = Actor(
    person=None,
    name="Mika Vance",
    emails=("mika@vance-consulting.example",),
    login="mika-vance",
    kube_user="mika@vance-consulting.example",
    argocd_user="mika@vance-consulting.example",
    team="",
)


def login_id(login: str) -> int:
    """The forge's number for a login: the same every time."""
    return 1_000_000 + sum((place + 7) * 131 * ord(letter) for place, letter in enumerate(login)) % 8_999_999


def noreply(login: str) -> str:
    """The address that the forge gives a login for commits."""
    return f"{login_id(login)}+{login}@{NOREPLY}"


def hire(rng: random.Random, start: datetime, end: datetime) -> tuple[Actor, ...]:
    """The people and bots of one run: 12 to 16 people, three bots and an outsider; bots and outsider last.

    One person joins and one leaves between `start` and `end`; one changes the team, and one the role.
    """
    others = list(_STAFF[_ALWAYS:])
    staff = [*_STAFF[:_ALWAYS], *rng.sample(others, rng.randint(2, 5))]
    span = (end - start).days
    comer, leaver = staff[-1].id, staff[-2].id
    people = []
    for number, person in enumerate(staff):
        joined = start - timedelta(days=rng.randint(90, 1500))
        left = None
        if person.id == comer:
            joined = start + timedelta(days=rng.randint(span // 5, span // 2))
        elif person.id == leaver:
            left = start + timedelta(days=rng.randint(span // 2, span * 4 // 5))
        share, role, team = _CHANGED.get(person.id, (0, "", ""))
        earlier = (_midnight(start + share * (end - start)), role, team) if share else None
        people.append(_actor(person, number, joined, left, earlier))
    return (*people, DEPENDABOT, RELEASE, BORS, OUTSIDER)


def _actor(
    person: _Person,
    number: int,
    joined: datetime,
    left: datetime | None,
    earlier: tuple[datetime, str, str] | None,
) -> Actor:
    plain = person.name.lower().translate(str.maketrans("éíñ' ", "ein-."))
    usual = f"{plain}@netbpf.com"
    emails = [usual, noreply(person.login)]
    if number % 3 == 0:
        emails.append(f"{person.login}@{OLD_DOMAIN}")
    if number % 4 == 1:
        emails.append(f"{person.login}@home.example")
    if number % 5 == 2:
        emails.append(usual.title())  # some mailers capitalise
    return Actor(
        person=person.id,
        name=person.name,
        emails=tuple(emails),
        login=person.login,
        kube_user=usual if number % 2 else f"oidc:{person.login}",
        argocd_user=usual,
        team=person.team,
        joined=_midnight(joined),
        left=_midnight(left) if left else None,
        aliases=(person.alias,) if person.alias else (),
        role=person.role,
        earlier=earlier,
    )


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def roster_emails(actor: Actor) -> list[str]:
    """Addresses that the roster lists: not the forge's, which hold the login, nor the old ones."""
    known = {e.lower() for e in actor.emails if not e.endswith((f"@{NOREPLY}", f"@{OLD_DOMAIN}"))}
    return sorted(known)


def unknown(email: str, people: tuple[Actor, ...]) -> bool:
    """Whether a commit under this address is nobody's whom the organisation knows, and no bot's of the forge."""
    said = email.lower()
    ours = {each.lower() for actor in people if actor.person for each in actor.emails}
    return said not in ours and not said.endswith(f"[bot]@{NOREPLY}") and said != FORGE[1]


def mailmap(people: tuple[Actor, ...]) -> str:
    """The repository's `.mailmap`: old addresses to current ones."""
    lines = ["# Addresses from before the move to netbpf.com"]
    for actor in people:
        lines += [
            f"{actor.name} <{actor.emails[0]}> <{email}>"
            for email in actor.emails
            if email.endswith(f"@{OLD_DOMAIN}")
        ]
    return "\n".join(lines) + "\n"


def roster(people: tuple[Actor, ...]) -> str:
    """The roster file, as YAML: everyone who is in it, and the organisation's own bots."""
    lines = ["# People and bots of NETBPF, and the names under which each system knows them.", "people:"]
    for actor in people:
        if actor.person is None:
            continue
        lines += [
            f"  - id: {actor.person}",
            f'    name: "{actor.name}"',
            f"    kind: {actor.kind}",
            *_held(actor),
        ]
        lines += [f"    joined: {stamp(actor.joined)[:10]}"] if actor.joined else []
        lines += [f"    left: {stamp(actor.left)[:10]}"] if actor.left else []
        lines += [
            "    identities:",
            f"      git: {_flow(roster_emails(actor))}",
            f"      github: {_flow([actor.login, *actor.aliases])}",
            f"      kubernetes: {_flow([actor.kube_user] if actor.kube_user else [])}",
            f"      argocd: {_flow([actor.argocd_user] if actor.argocd_user else [])}",
        ]
    return "\n".join(lines) + "\n"


def _held(actor: Actor) -> list[str]:
    """The roster's lines on role and team."""
    now = f"team: {actor.team}", f"role: {actor.role or 'automation'}"
    if actor.earlier is None:
        return [f"    {line}" for line in now]
    until, role, team = actor.earlier
    day = stamp(until)[:10]
    return [
        "    roles:",
        f"      - {{role: {role}, team: {team}, until: {day}}}",
        f"      - {{{now[1]}, {now[0]}, from: {day}}}",
    ]


def _flow(values: list[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"
