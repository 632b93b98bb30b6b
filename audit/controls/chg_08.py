"""Commits are signed or made by the forge, and their authors are known people.

## Why
The author of a commit is whatever its maker typed. A signature by a known key ties it to somebody who can be asked; a
name that nobody in the organisation answers to is the first trace of a stolen account or of somebody who left.

## Evidence
The signature of each commit that landed, as git verifies it against the configured keys; the authors' e-mails, after
`.mailmap`, against the roster.

## Limits
A signature that fails is always an exception; a missing one only where `thresholds.require_signatures` asks for it. The
forge's signature says that the forge made the commit, not who wrote it. Whether the key's owner and the author are the
same person is not asked: whoever applies another's patch signs it. A signature speaks of the moment that it and the
commit name themselves: someone who holds a key that has ended can date a commit before its end. Co-authors are claims
of the message and are not looked up; bots that a rule of the settings names are known. Without any key in the settings,
or without those of a format that was used, nothing tells good signatures from others: the control is not tested. Nor
is it where a program is missing or can't read a signature, as gpgsm can't read those that sigstore's certificates made.

## Remediation
Ask the author whether the commit is theirs, and record the answer. Add the key or the person that was missing to the
settings or the roster; revert what nobody answers for.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import GIT, RosterGiven
from audit.controls.parts import LANDING, commit, counted, with_places
from audit.joins.identity import Resolver
from audit.model import PrincipalKind, Severity
from audit.model import SignatureState as State

_KEYS = {"openpgp": {"openpgp_keys": ["people.asc"]}, "ssh": {"ssh_signers": "signers"}}
_GIVEN = """
        repositories
        | tip | observed_from |
        | a1… | 0             |

        landings
        | head_sha | first_position | position | landed_at        |
        | a1…      | 1              | 1        | 2026-07-01 00:00 |

        identities
        | system | identifier      | person |
        | git    | ada@example.org | ada    |
"""

EXAMPLES = (
    Example(
        title="commits by a known key and by the forge pass, with authors of the roster",
        given=f"""{_GIVEN}
        commits
        | sha | landed_by | author_email    |
        | a1… | 1         | ada@example.org |
        | a2… | 1         | ada@example.org |

        signatures
        | sha | state | format  |
        | a1… | forge | openpgp |
        | a2… | good  | openpgp |
        """,
        settings={"signatures": _KEYS["openpgp"], "thresholds": {"require_signatures": True}},
        conclusion="effective",
    ),
    Example(
        title="each signature that fails and each unknown author fails; nobody asked for a signature on the last one",
        given=f"""{_GIVEN}
        commits
        | sha | landed_by | author_email    |
        | a1… | 1         | ada@example.org |
        | a2… | 1         | ada@example.org |
        | a3… | 1         | ada@example.org |
        | a4… | 1         | eve@example.org |
        | a5… | 1         | ada@example.org |

        signatures
        | sha | state       | format  | key |
        | a1… | bad         | openpgp |     |
        | a2… | expired     | openpgp | K2  |
        | a3… | revoked     | openpgp | K3  |
        | a4… | unknown key | openpgp | K4  |
        | a5… | unsigned    |         |     |
        """,
        settings={"signatures": _KEYS["openpgp"]},
        conclusion="exceptions",
        exceptions="""
        | subject                  | found                                                                                                |
        | netbpf/netbpf-gitops@a1… | its signature does not fit it                                                                        |
        | netbpf/netbpf-gitops@a2… | its key had expired: K2                                                                              |
        | netbpf/netbpf-gitops@a3… | its key is revoked: K3                                                                               |
        | netbpf/netbpf-gitops@a4… | signed by a key that is not configured: K4; its author is not in the roster: eve@example.org         |
        """,
    ),
    Example(
        title="a commit without a signature fails where signatures are asked for",
        given=f"""{_GIVEN}
        commits
        | sha | landed_by | author_email    |
        | a1… | 1         | ada@example.org |

        signatures
        | sha | state    |
        | a1… | unsigned |
        """,
        settings={"signatures": _KEYS["openpgp"], "thresholds": {"require_signatures": True}},
        conclusion="exceptions",
        exceptions="""
        | subject                  | found            |
        | netbpf/netbpf-gitops@a1… | it is not signed |
        """,
    ),
    Example(
        title="without any key nothing can be told of signatures",
        given=f"""{_GIVEN}
        commits
        | sha | landed_by | author_email    |
        | a1… | 1         | ada@example.org |

        signatures
        | sha | state       | format  | key |
        | a1… | unknown key | openpgp | K1  |
        """,
        conclusion="not tested",
    ),
    Example(
        title="nor of those of a format for which there is no key, or no program",
        given=f"""{_GIVEN}
        commits
        | sha | landed_by | author_email    |
        | a1… | 1         | ada@example.org |
        | a2… | 1         | ada@example.org |

        signatures
        | sha | state       | format  | key |
        | a1… | unknown key | openpgp | K1  |
        | a2… | unchecked   | ssh     |     |
        """,
        settings={"signatures": _KEYS["ssh"]},
        conclusion="not tested",
    ),
    Example(
        title="a key of a format of which others are configured is unknown, and of any other format not judged",
        given=f"""{_GIVEN}
        commits
        | sha | landed_by | author_email    |
        | a1… | 1         | ada@example.org |

        signatures
        | sha | state       | format  | key |
        | a1… | unknown key | openpgp | K1  |
        """,
        settings={"signatures": _KEYS["ssh"]},
        conclusion="not tested",
    ),
    Example(
        title="a commit whose signature was not read is no pass",
        given="""
        landings
        | head_sha | first_position | position | landed_at        |
        | a1…      | 1              | 1        | 2026-07-01 00:00 |

        identities
        | system | identifier      | person |
        | git    | ada@example.org | ada    |

        commits
        | sha | landed_by | author_email    |
        | a1… | 1         | ada@example.org |
        """,
        settings={"signatures": _KEYS["openpgp"]},
        conclusion="not tested",
    ),
    Example(
        title="without a roster nobody is known, but a bad signature is bad",
        given=f"""{_GIVEN}
        commits
        | sha | landed_by | author_email    |
        | a1… | 1         | eve@example.org |
        | a2… | 1         | eve@example.org |

        signatures
        | sha | state | format  |
        | a1… | bad   | openpgp |
        | a2… | good  | openpgp |
        """,
        settings={"signatures": _KEYS["openpgp"]},
        without=("roster",),
        conclusion="exceptions",
        exceptions="""
        | subject                  | found                         |
        | netbpf/netbpf-gitops@a1… | its signature does not fit it |
        """,
    ),
    Example(
        title="signatures are read from the place on from which contents are",
        given=f"""{_GIVEN.replace("| a1… | 0             |", "| a1… | 1             |")}
        commits
        | sha | landed_by | author_email    |
        | a1… | 1         | ada@example.org |

        signatures
        | sha | state | format  |
        | a1… | good  | openpgp |
        """,
        settings={"signatures": _KEYS["openpgp"]},
        conclusion="effective",
    ),
    Example(
        title="the forge's own signature needs no key of its format",
        given=f"""{_GIVEN}
        commits
        | sha | landed_by | author_email    |
        | a1… | 1         | ada@example.org |

        signatures
        | sha | state | format |
        | a1… | forge | ssh    |
        """,
        settings={"signatures": _KEYS["openpgp"]},
        conclusion="effective",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every commit that a landing brought; those with a signature that fails or an unknown author fail."""
    rows = _landed(tables)
    population = _with_authors(_with_signatures(rows, tables), tables, context)
    found = _found(population, tables, context)
    failed = population.assign(found=found)[found.ne("")].reset_index(drop=True)
    failed = with_places(failed, tables)
    asked = context.settings.thresholds.require_signatures
    signed = "a signature by a known key or by the forge" if asked else "no signature that fails"
    return Result(
        population,
        failures(
            failed,
            expected=f"{signed}, and an author who is in the roster",
            evidence=commit(failed, "sha"),
        ),
        _gaps(population[context.holds(population["at"])], context),
    )


def _landed(tables: Tables) -> pd.DataFrame:
    """Commits with the landing that brought them: `head_sha`, and its time as `at`."""
    commits = tables["commits"][["repo", "sha", "landed_by", "author_email"]]
    landings = tables["landings"][[*LANDING, "first_position", "position", "landed_at"]]
    rows = pd.merge_asof(
        commits.astype({"landed_by": "int64"}).sort_values(["landed_by", "repo", "sha"]),
        landings.astype({"first_position": "int64"}).sort_values("first_position"),
        left_on="landed_by",
        right_on="first_position",
        by="repo",
    )
    rows = rows[rows["position"].ge(rows["landed_by"]).fillna(False).astype(bool)].reset_index(drop=True)
    return rows.assign(subject=commit(rows, "sha"), at=rows["landed_at"])


def _with_signatures(rows: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Commits with `state`, `format` and `key` of their signature; all missing where none was read."""
    signatures = tables["signatures"][["repo", "sha", "state", "format", "key"]]
    since = tables["repositories"][["repo", "observed_from"]]
    rows = rows.merge(signatures, on=["repo", "sha"], how="left").merge(since, on="repo", how="left")
    unread = ~rows["observed_from"].le(rows["landed_by"]).fillna(False).astype(bool)
    return rows.assign(state=rows["state"].mask(unread))


def _with_authors(rows: pd.DataFrame, tables: Tables, context: Context) -> pd.DataFrame:
    resolver = Resolver.of(tables, context.settings)
    who = resolver.resolve(rows["author_email"], "git", rows["at"])
    known = who["known"] | who["kind"].eq(PrincipalKind.MACHINE)
    return rows.assign(person=who["person"], person_raw=rows["author_email"], known=known)


def _found(rows: pd.DataFrame, tables: Tables, context: Context) -> pd.Series:
    """What is wrong with each commit, with `; ` between; empty when nothing is."""
    key = (": " + rows["key"]).fillna("")
    said: dict[State, Any] = {
        State.BAD: "its signature does not fit it",
        State.EXPIRED: "its key had expired" + key,
        State.REVOKED: "its key is revoked" + key,
        State.UNKNOWN_KEY: ("signed by a key that is not configured" + key).where(
            _configured(rows, context), ""
        ),
    }
    if context.settings.thresholds.require_signatures:
        said[State.UNSIGNED] = "it is not signed"
    signature = pd.Series("", index=rows.index, dtype="str")
    for state, words in said.items():
        signature = signature.mask(rows["state"].eq(state.value).fillna(False).astype(bool), words)
    judged = len(tables["people"]) > 0  # without a roster nobody is known, and that says nothing of anybody
    stranger = ("its author is not in the roster: " + rows["author_email"]).where(~rows["known"] & judged, "")
    between = pd.Series("; ", index=rows.index).where(signature.ne("") & stranger.ne(""), "")
    return signature + between + stranger


def _configured(rows: pd.DataFrame, context: Context) -> pd.Series:
    """For which signatures the settings hold keys of their format."""
    given = context.settings.signatures
    keys = {"openpgp": given.openpgp_keys, "ssh": given.ssh_signers, "x509": given.x509_roots}
    return rows["format"].isin([name for name, files in keys.items() if files])


def _gaps(rows: pd.DataFrame, context: Context) -> tuple[Gap, ...]:
    """What is not known of the signatures of the quarter's commits `rows`."""
    given = context.settings.signatures
    gaps = []
    if len(rows) and not (given.openpgp_keys or given.ssh_signers or given.x509_roots):
        gaps.append(Gap("no key is configured (signatures): no signature can be found good"))
    keyless = rows["state"].eq(State.UNKNOWN_KEY) & ~_configured(rows, context)
    for repo, own in rows.groupby("repo", sort=True):
        unread = own["state"].isna()
        if unread.any():
            number = counted(pd.Series([unread.sum()]), "commit").iloc[0]
            gaps.append(Gap(f"{repo}: the signatures of {number} were not read", repo=str(repo)))
        for why, which in (
            ("no key for them is configured (signatures)", keyless),
            ("no program that is installed can verify them", rows["state"].eq(State.UNCHECKED)),
        ):
            for format_, some in own[which.loc[own.index].fillna(False).astype(bool)].groupby(
                "format", sort=True
            ):
                number = counted(pd.Series([len(some)]), "commit").iloc[0]
                gaps.append(
                    Gap(f"{repo}: {format_} signatures of {number} were not checked: {why}", repo=str(repo))
                )
    return tuple(gaps)


CONTROL = Control(
    id="CHG-08",
    page=__doc__,
    clause="Security Controls › Compliance › All changes are audited through Git history",
    severity=Severity.MEDIUM,
    frameworks={
        "SOC 2": ("CC6.1", "CC6.2"),
        "ISO 27001": ("5.16", "8.5"),
        "NIST 800-53": ("IA-2", "AU-10"),
        "PCI DSS": ("8.2.1",),
        "CIS / SLSA": ("SLSA L3",),
    },
    needs=(GIT, RosterGiven(blind=False)),
    remediation="Ask the author whether the commit is theirs, and add the key or the person that was missing.",
    examples=EXAMPLES,
    test=test,
)
