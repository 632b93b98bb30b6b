"""zstd and bzip2 keep the promises of gzip: bounded, everything before a break given, and the break named."""

from __future__ import annotations

import bz2
import gzip
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from evidence_records import AUDIT_EVENT, CONTEXT, lines, parse_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.normalise import decompress

Compress = Callable[[bytes], bytes]
EVENTS = [AUDIT_EVENT | {"auditID": f"a-{number}-{'x' * (number * 37 % 50)}"} for number in range(40)]
SKIPPABLE = b"\x5a\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"index"


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


BOTH = pytest.mark.parametrize(
    ("compress", "name"), [(zstd, "zstd"), (bz2.compress, "bzip2")], ids=["zstd", "bzip2"]
)


def uncompressed(data: bytes) -> tuple[bytes, str | None]:
    """What an object with these bytes gives, and why it breaks off."""
    given = b""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "object"
        path.write_bytes(data)
        try:
            for block in decompress.blocks(path):
                given += block
        except decompress.Broken as broken:
            return given, str(broken)
    return given, None


@BOTH
def test_an_object_gives_what_it_gives_uncompressed(compress: Compress, name: str) -> None:
    parsed = parse_bytes(compress(lines(*EVENTS)))
    assert (parsed.kept, parsed.quarantined) == (40, [])


@BOTH
@pytest.mark.parametrize("between", [b"", b"\0" * 3000])
def test_frame_follows_frame(compress: Compress, name: str, between: bytes) -> None:
    """Padded with zeros or not, and where a frame ends is where a line need not end."""
    text = lines(*EVENTS)
    data = between.join(compress(text[start : start + 999]) for start in range(0, len(text), 999)) + between
    assert uncompressed(data) == (text, None)


def test_frames_of_zstd_that_are_to_be_skipped_are() -> None:
    text = lines(*EVENTS)
    assert uncompressed(SKIPPABLE + zstd(text[:50]) + SKIPPABLE + zstd(text[50:]) + SKIPPABLE) == (text, None)
    assert uncompressed(SKIPPABLE[:-1])[1] == "the zstd data is cut off"


@BOTH
def test_cut_off_anywhere_keeps_every_whole_line_and_says_so_once(compress: Compress, name: str) -> None:
    text = lines(*EVENTS)
    half = len(text) // 2
    data, first = compress(text[:half]) + compress(text[half:]), len(compress(text[:half]))
    before = 0
    for cut in range(8, len(data)):
        if cut == first:
            continue
        parsed = parse_bytes(data[:cut])
        assert len(parsed.quarantined) == 1, cut
        assert parsed.kept >= before
        before = parsed.kept
        given, reason = uncompressed(data[:cut])
        assert text.startswith(given)
        assert reason in {
            f"the {name} data is cut off",
            f"something that is not {name} follows the {name} data",
        }
        assert cut < first or len(given) >= half


@BOTH
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_damage_anywhere_is_noticed_and_costs_nothing_before_it(
    compress: Compress, name: str, data: st.DataObject
) -> None:
    text = lines(*EVENTS)
    whole, first = compress(text), compress(b"x" * 100_000 + b"\n")
    damaged = bytearray(whole)
    place = data.draw(st.integers(4, len(whole) - 1))
    damaged[place] ^= data.draw(st.integers(1, 255))
    given, reason = uncompressed(first + bytes(damaged))
    assert given.startswith(b"x" * 100_000 + b"\n")
    assert reason is not None or given.endswith(text)


@BOTH
def test_what_follows_is_told_from_padding(compress: Compress, name: str) -> None:
    given, reason = uncompressed(compress(b"{}\n") + b"\0\0rubbish")
    assert (given, reason) == (b"{}\n", f"something that is not {name} follows the {name} data")


@BOTH
def test_a_bomb_is_given_up(compress: Compress, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompress, "RATIO_FROM", 1 << 20)
    reason = uncompressed(compress(b"\0" * (40 << 20)))[1]
    assert reason == "it decompresses to more than 1000 times its size"
    monkeypatch.setattr(decompress, "MAX_UNCOMPRESSED", 0)
    assert uncompressed(compress(b"[]"))[1] == "it decompresses to more than 0 GiB"


def test_a_window_that_takes_too_much_memory_is_refused() -> None:
    asked = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)
    stream = zstandard.ZstdCompressor(compression_params=asked).compressobj()
    reason = uncompressed(stream.compress(b"{}\n" * 9) + stream.flush())[1]
    assert reason == "the zstd data is damaged: Frame requires too much memory for decoding"


@pytest.mark.parametrize(
    ("data", "key", "reason"),
    [
        (b"{}\n", "a.zst", "not zstd, though its name ends in .zst"),
        (gzip.compress(b"{}\n", mtime=0), "a.log.ZST", "not zstd, though its name ends in .zst"),
        (zstd(b"{}\n"), "a.bz2", "not bzip2, though its name ends in .bz2"),
        (bz2.compress(b"{}\n"), "a.gz", "not gzip, though its name ends in .gz"),
        (b"\xfd7zXZ\x00", "a.xz", "xz is not read"),
        (b"PK\x03\x04", "a.zip", "zip is not read"),
        (b"PAR1", "a.parquet", "Parquet is not read"),
    ],
)
def test_another_compression_than_the_name_says_is_refused(data: bytes, key: str, reason: str) -> None:
    parsed = parse_bytes(data, replace(CONTEXT, key=key))
    assert [why for _, _, why in parsed.quarantined] == [reason]


@pytest.mark.parametrize(
    ("compress", "ending"), [(zstd, ".zst"), (bz2.compress, ".bz2"), (gzip.compress, ".gz")]
)
def test_a_compressed_sheet_is_known_by_its_name(compress: Compress, ending: str) -> None:
    sheet = b"training,person,completed_at\nsecurity,ada,2026-07-01\n"
    named = replace(CONTEXT, key=f"people/trainings.csv{ending}")
    plain = parse_bytes(sheet, replace(CONTEXT, key="people/trainings.csv"))
    found = parse_bytes(compress(sheet), named)
    assert (found.records, found.kept, found.quarantined) == (plain.records, plain.kept, plain.quarantined)
    assert found.records == 1


@pytest.mark.parametrize("compress", [lambda data: gzip.compress(data, mtime=0), zstd, bz2.compress])
def test_gzip_in_any_compression_is_uncompressed_twice(compress: Compress) -> None:
    """As Firehose, set to compress, does with what CloudWatch Logs has compressed; member by member, cut off or damaged."""
    text = lines(*EVENTS)
    members = b"".join(
        gzip.compress(text[start : start + 999], mtime=0) for start in range(0, len(text), 999)
    )
    assert uncompressed(compress(members)) == (text, None)
    given, reason = uncompressed(compress(members[:-20]))
    assert (text.startswith(given), reason) == (True, "the gzip data is cut off")
    damaged = bytearray(members)
    damaged[-6] ^= 1
    assert uncompressed(compress(bytes(damaged))) == (text, "the gzip data is damaged: incorrect data check")
    given, reason = uncompressed(compress(members)[:-9])
    assert text.startswith(given)
    assert reason is not None
    assert reason.endswith(" data is cut off")
    assert uncompressed(compress(gzip.compress(members, mtime=0))) == (
        b"",
        "it is compressed more than twice",
    )


def test_a_bomb_in_gzip_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompress, "RATIO_FROM", 1 << 20)
    bomb = gzip.compress(gzip.compress(b"\0" * (40 << 20), mtime=0), mtime=0)
    assert uncompressed(bomb)[1] == "it decompresses to more than 1000 times its size"
    monkeypatch.setattr(decompress, "MAX_RATIO", 1100)  # which neither layer reaches by itself
    assert uncompressed(bomb)[1] == "it decompresses to more than 1100 times its size"


@pytest.mark.parametrize("compress", [bytes, zstd])
@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_read_as_windows_writes_it(compress: Compress, order: str) -> None:
    text = "\ufeff" + lines(*EVENTS).decode() + "\N{GRINNING FACE}"
    data = text.encode(order)
    assert uncompressed(compress(data)) == (text[1:].encode(), None)
    assert uncompressed(compress(data[:-3]))[1] == "the UTF-16 text is cut off"
    half = text.replace("a-1-", "a-\ud83d-").encode(order, "surrogatepass")
    parsed = parse_bytes(compress(half.removesuffix("\N{GRINNING FACE}".encode(order))))
    assert parsed.kept == 39
    assert [(number, why) for number, _, why in parsed.quarantined] == [(2, "not UTF-8")]
    assert uncompressed(compress(text.encode("utf-32")))[1] == "UTF-32 is not read"
