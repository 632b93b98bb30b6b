"""What a line of samples as text looks like; of its own, for the splitting of records knows no format."""

from __future__ import annotations

import re

SAMPLE = re.compile(
    rb'\{__name__="|\{"(?:[^"\\\n]|\\.)*"[,}]|[A-Za-z_:][A-Za-z0-9_:]*(?:\{(?:[A-Za-z_]\w*="|\})| [-+0-9.IN]\S* -?[0-9.]+[ \t\r]*(?:\n|$|#[ \t]))'
    rb"|# (?:TYPE|HELP|UNIT|EOF)"
)
"""How a line of `promtool tsdb dump` or of OpenMetrics begins, or a comment of the latter."""
