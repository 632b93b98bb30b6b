"""What each format's records are is said of every format, once."""

from audit.normalise import natures
from audit.normalise.natures import NATURES
from audit.normalise.registry import FORMATS


def test_every_format_says_what_its_records_are() -> None:
    """In `audit.normalise.natures`: a pause means something else for a log than for an export."""
    assert sorted(NATURES) == sorted(FORMATS)
    named = [*natures._LOGS, *natures._SNAPSHOTS, *natures._CUMULATIVE]
    assert len(named) == len(set(named))
