"""What a pointer to a record leads to: its bytes, whether it can be read or not, as the reader numbers them."""

from __future__ import annotations

import gzip
from pathlib import Path

from audit.normalise.interface import Context
from audit.normalise.raw import SHOWN, Unread, records
from audit.normalise.reader import parse

LONG = b'{"broken": "' + b"x" * 5000
LINES = [
    b'{"a":1}',
    b"\x00\xff not JSON",
    b'{"b":[1,',
    b'  "c"',
    b'{"d":2} trailing',
    LONG,
    b'{"e":3}',
    b'{"ends in the mid',
]


def _read(folder: Path, content: bytes, key: str = "a.json") -> dict[int, bytes | Unread]:
    (folder / key).write_bytes(content)
    return records(folder / key, key, range(1, 100))


def test_of_what_can_not_be_read_come_place_reason_and_first_bytes(tmp_path: Path) -> None:
    """It agrees with what quarantine says of the same object."""
    content = b"\n".join(LINES)
    found = _read(tmp_path, content)
    quarantined = parse(tmp_path / "a.json", Context("logs", "a.json")).quarantined
    unread = {number: one for number, one in found.items() if isinstance(one, Unread)}
    assert {(number, one.offset, one.reason) for number, one in unread.items()} <= set(quarantined)
    assert len(unread) >= 4
    for one in unread.values():
        assert content[one.offset :].startswith(one.begins)
        assert len(one.begins) == min(one.size, SHOWN)
    assert found[2] == Unread(8, unread[2].reason, LINES[1] + b"\n", len(LINES[1]) + 1)
    assert any(one.size == len(LONG) + 1 for one in unread.values())
    assert unread[max(unread)].begins == LINES[-1]


def test_nothing_can_be_had_of_what_lies_behind_a_break(tmp_path: Path) -> None:
    whole = gzip.compress(b'{"a":1}\n' * 50_000, mtime=0)
    found = _read(tmp_path, whole[: len(whole) // 2], "a.json.gz")
    assert not found or all(isinstance(one, bytes) for one in found.values())
    last = parse(tmp_path / "a.json.gz", Context("logs", "a.json.gz")).quarantined[-1]
    broken = records(tmp_path / "a.json.gz", "a.json.gz", [last[0]])[last[0]]
    assert isinstance(broken, Unread)
    assert (broken.offset, broken.reason) == last[1:]
    assert broken.size == len(broken.begins) < 8


def test_of_a_sheet_it_is_the_row(tmp_path: Path) -> None:
    found = _read(tmp_path, b"name,team\nann,one\nbob,two,three\n", "a.csv")
    assert found[1] == b'{"name": "ann", "team": "one"}'
    assert found[2] == Unread(18, "line 3: 3 cells, where the header has 2", b"bob,two,three\n", 14)
