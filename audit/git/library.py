"""PyDriller, imported so that it leaves the search path of modules as it was.

One of its dependencies puts the folder of the running program in front of it. Where that is this package's own, worker
processes would take `audit.git` for GitPython, which is called `git`.
"""

from __future__ import annotations

import sys

_before = list(sys.path)
import git  # noqa: E402, F401  # before that happens
import pydriller  # noqa: E402, F401

sys.path[:] = _before
