"""A pseudonymised export can't be held against a list of names: digests are keyed, and names are found as they are written."""

from __future__ import annotations

import unicodedata

import pandas as pd
import pytest

from audit import tables as t
from audit.export.named import DIGESTS
from audit.export.pseudonyms import Pseudonyms
from audit.joins.rights import lists
from audit.joins.rights.shapes import KEY
from audit.normalise.github import made_id
from audit.normalise.github_events import digest

SECRET = bytes(range(32))


def text_row(name: str, **said: str | int) -> pd.DataFrame:
    """One row of a table; columns that are not said are empty texts."""
    row = dict.fromkeys(t.columns(t.TABLES[name]), "") | said
    dtypes = {column: "Int64" if isinstance(value, int) else "str" for column, value in row.items()}
    return pd.DataFrame([row]).astype(dtypes)


def test_ids_of_rights_are_keyed_and_still_join() -> None:
    right = dict(zip(KEY, ("forge", "org/repo", "bob", "team:ops", "admin", ""), strict=True))
    own = lists.ids(pd.DataFrame([right])).iloc[0]
    one, other = Pseudonyms(SECRET, names=["bob"]), Pseudonyms(SECRET[::-1], names=["bob"])
    made = {
        name: one.over(name, text_row(name, right_id=own)).loc[0, "right_id"]
        for name in ("access_rights", "access_decisions", "access_reviews")
    }
    assert len(set(made.values())) == 1
    assert own not in made.values()
    assert made["access_rights"].startswith("R-")
    assert len(made["access_rights"]) == len(own)
    assert one.text(f"see {own}.") == f"see {made['access_rights']}."
    assert other.over("access_rights", text_row("access_rights", right_id=own)).loc[0, "right_id"] != own
    assert other.text(own) != one.text(own)


def test_digests_over_events_and_reviews_are_keyed() -> None:
    event = digest({"action": "protected_branch.destroy", "actor": "bob", "at": "2026-07-01T10:00:00Z"})
    review = made_id("org/repo", "7", "bob 2026-07-01T10:00:00Z 0f0f")
    one = Pseudonyms(SECRET, names=["bob"], digests=[event])
    made = one.over("forge_events", text_row("forge_events", document_id=event)).loc[0, "document_id"]
    assert made != event
    assert made.startswith("sha256:")
    assert one.text(f"org/repo:settings:{event}") == f"org/repo:settings:{made}"
    reviews = [one.over(name, text_row(name, review_id=review)) for name in ("reviews", "review_dismissals")]
    numbers = {int(rows.loc[0, "review_id"]) for rows in reviews}
    assert len(numbers) == 1
    assert review not in numbers
    assert max(numbers) < 0
    assert one.over("reviews", text_row("reviews", review_id=17)).loc[0, "review_id"] == 17
    image = "sha256:" + "0f" * 32
    assert one.text(image) == image


def test_every_column_of_digests_is_one_of_a_table() -> None:
    for name, columns in DIGESTS.items():
        assert columns <= set(t.columns(t.TABLES[name])), name


@pytest.mark.parametrize("login", ["bob", "eve"])
def test_a_login_of_three_letters_that_no_roster_knows_is_found_in_texts(login: str) -> None:
    one = Pseudonyms(SECRET, names=[], seen=[login, "dev"], places=["dev"])
    made = one.text(f"{login} pushed to dev; {login}by and un{login} stay")
    assert made == f"{one.name(login)} pushed to dev; {login}by and un{login} stay"


def test_a_name_is_found_however_it_is_composed_and_with_or_without_accents() -> None:
    names = ["Zoë Müller", unicodedata.normalize("NFD", "Renée Šimková"), "Weiß"]
    one = Pseudonyms(SECRET, names=names)
    for name in ("Zoë Müller", "Renée Šimková", "Weiß"):
        own = one.name(unicodedata.normalize("NFC", name))
        bare = (
            unicodedata.normalize("NFD", name).encode("ascii", "ignore").decode()
            if name != "Weiß"
            else "WEISS"
        )
        for written in (name, unicodedata.normalize("NFD", name), name.upper(), bare):
            assert one.text(f"by {written}, merged") == f"by {own}, merged", written
    escaped = r'{"who": "Zo\u00eb M\u00fcller"}'
    assert one.text(escaped) == f'{{"who": "{one.name("Zoë Müller")}"}}'


def test_who_is_the_same_by_name_alone_stays_apart_where_accents_differ() -> None:
    one = Pseudonyms(SECRET, names=["zoe", "zoë"])
    assert one.name("zoe") != one.name("zoë") == one.name(unicodedata.normalize("NFD", "zoë"))
    assert one.text("zoe, zoë") == f"{one.name('zoe')}, {one.name('zoë')}"
