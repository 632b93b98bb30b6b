"""Commits are signed, and by known people: which commits are asked about, and what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from audit import settings as s
from audit.controls import chg_08
from audit.controls.examples import AS_OF, PERIOD, REPOSITORY, expand, frames
from audit.controls.runner import run

WORLD = """
people
| person |
| ada    |

identities
| system | identifier      | person |
| git    | ada@example.org | ada    |
"""


def judged(text: str, **more: Any) -> tuple[pd.Series, dict[str, str]]:
    """The conclusion, and what was found by subject."""
    values = {
        "organisation": {"name": "NETBPF"},
        "repositories": [{"name": REPOSITORY, "location": "a"}],
        "signatures": {"openpgp_keys": ["people.asc"]},
    }
    settings = s.validate(values | more, where=Path("audit.toml"))
    tables = run(frames(WORLD + text), settings, PERIOD, as_of=AS_OF, controls=(chg_08.CONTROL,))
    failed = tables["exceptions"]
    return tables["conclusions"].iloc[0], dict(zip(failed["subject"], failed["found"], strict=True))


def test_every_commit_that_a_landing_brought_is_asked_about() -> None:
    """Those of a merged branch count with the landing's time; other quarters' and other repositories' do not mix in."""
    conclusion, found = judged(
        """
        repositories
        | repo                 | tip | observed_from |
        | netbpf/netbpf-gitops | a1… | 0             |
        | netbpf/other         | b1… | 0             |

        landings
        | repo                 | head_sha | first_position | position | landed_at        |
        | netbpf/netbpf-gitops | a1…      | 1              | 1        | 2026-06-30 23:59 |
        | netbpf/netbpf-gitops | a3…      | 2              | 3        | 2026-07-01 00:00 |
        | netbpf/other         | b1…      | 1              | 4        | 2026-07-01 00:00 |

        commits
        | repo                 | sha | landed_by | author_email    |
        | netbpf/netbpf-gitops | a1… | 1         | eve@example.org |
        | netbpf/netbpf-gitops | a2… | 2         | eve@example.org |
        | netbpf/netbpf-gitops | a3… | 3         | ada@example.org |
        | netbpf/netbpf-gitops | a4… | 3         | bob@example.org |
        | netbpf/other         | b1… | 4         | ada@example.org |

        signatures
        | repo                 | sha | state | format  |
        | netbpf/netbpf-gitops | a1… | good  | openpgp |
        | netbpf/netbpf-gitops | a2… | good  | openpgp |
        | netbpf/netbpf-gitops | a3… | good  | openpgp |
        | netbpf/netbpf-gitops | a4… | good  | openpgp |
        | netbpf/other         | b1… | bad   | openpgp |
        """,
        repositories=[{"name": name, "location": "a"} for name in (REPOSITORY, "netbpf/other")],
    )
    assert found == {
        expand(f"{REPOSITORY}@a2…"): "its author is not in the roster: eve@example.org",
        expand(f"{REPOSITORY}@a4…"): "its author is not in the roster: bob@example.org",
        expand("netbpf/other@b1…"): "its signature does not fit it",
    }
    assert (conclusion["population"], conclusion["gaps"]) == (4, "")


def test_commits_that_landed_before_contents_were_read_are_named_as_a_gap() -> None:
    """Their signatures are not known, whatever rows there are; their authors are."""
    conclusion, found = judged(
        """
        repositories
        | tip | observed_from |
        | a2… | 2             |

        landings
        | head_sha | first_position | position | landed_at        |
        | a1…      | 1              | 1        | 2026-07-01 00:00 |
        | a2…      | 2              | 2        | 2026-07-02 00:00 |

        commits
        | sha | landed_by | author_email    |
        | a1… | 1         | ada@example.org |
        | a2… | 2         | ada@example.org |

        signatures
        | sha | state | format  |
        | a1… | bad   | openpgp |
        | a2… | good  | openpgp |
        """
    )
    assert found == {}
    assert conclusion["conclusion"] == "not tested"
    assert conclusion["gaps"] == f"{REPOSITORY}: the signatures of 1 commit were not read"


def test_gaps_say_what_was_not_checked_and_why() -> None:
    """Each format by itself, with the number of commits."""
    conclusion, found = judged(
        """
        repositories
        | tip | observed_from |
        | a1… | 0             |

        landings
        | head_sha | first_position | position | landed_at        |
        | a1…      | 1              | 1        | 2026-07-01 00:00 |

        commits
        | sha | landed_by | author_email    |
        | a1… | 1         | ada@example.org |
        | a2… | 1         | ada@example.org |
        | a3… | 1         | ada@example.org |

        signatures
        | sha | state       | format  |
        | a1… | unknown key | ssh     |
        | a2… | unknown key | ssh     |
        | a3… | unchecked   | openpgp |
        """
    )
    assert found == {}
    assert conclusion["gaps"].split("; ") == [
        f"{REPOSITORY}: ssh signatures of 2 commits were not checked: no key for them is configured (signatures)",
        f"{REPOSITORY}: openpgp signatures of 1 commit were not checked: "
        "no program that is installed can verify them",
    ]


def test_bots_that_a_rule_names_are_known_and_one_exception_says_all() -> None:
    """A rule of the settings stands for the roster; a commit fails once, with everything that is wrong."""
    conclusion, found = judged(
        """
        repositories
        | tip | observed_from |
        | a1… | 0             |

        landings
        | head_sha | first_position | position | landed_at        |
        | a1…      | 1              | 1        | 2026-07-01 00:00 |

        commits
        | sha | landed_by | author_email                                      |
        | a1… | 1         | 49699333+dependabot[bot]@users.noreply.github.com |
        | a2… | 1         | eve@example.org                                   |

        signatures
        | sha | state    |
        | a1… | unsigned |
        | a2… | unsigned |
        """,
        thresholds={"require_signatures": True},
    )
    assert found == {
        expand(f"{REPOSITORY}@a1…"): "it is not signed",
        expand(f"{REPOSITORY}@a2…"): "it is not signed; its author is not in the roster: eve@example.org",
    }
    assert conclusion["conclusion"] == "exceptions"
