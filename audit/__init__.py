"""Proves, every quarter, how an organisation that runs on GitOps changed its systems."""

import os

__version__ = "0.1.0"

# Arrow reads it when it is first imported. The system's allocator gives back what is not used any more; Arrow's own
# keeps up to a third more, which is the difference between a quarter of a million commits in 430 and in 550 MB.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
