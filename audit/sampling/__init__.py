"""Attribute samples of a quarter's populations: numbered, sized by confidence, drawn by a recorded seed, evaluated.

population → size → draw → a packet for each item → what the auditor found → upper limit of the deviation rate
"""

from __future__ import annotations

from audit.sampling.draws import METHODS, draw
from audit.sampling.evaluation import Evaluation, evaluate
from audit.sampling.numbered import POPULATIONS, numbered
from audit.sampling.planning import plan, printed
from audit.sampling.sheets import Plan, write
from audit.sampling.sizes import Size, size, upper_limit

__all__ = [
    "METHODS",
    "POPULATIONS",
    "Evaluation",
    "Plan",
    "Size",
    "draw",
    "evaluate",
    "numbered",
    "plan",
    "printed",
    "size",
    "upper_limit",
    "write",
]
