"""Proves, every quarter, how an organisation that runs on GitOps changed its systems."""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.api import open as open

__version__ = "0.1.0"

# Arrow reads it when it is first imported. The system's allocator gives back what is not used any more; Arrow's own
# keeps up to a third more, which is the difference between a quarter of a million commits in 430 and in 550 MB.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


def __getattr__(name: str) -> Any:
    """`audit.open`: what it needs is imported when it is first asked for, so that `import audit` stays light."""
    if name == "open":
        from audit.api import open as opened  # noqa: PLC0415

        return opened
    raise AttributeError(f"module 'audit' has no attribute '{name}'")
