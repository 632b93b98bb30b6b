"""From a number or finding of a quarter back to what it rests on: items, evidence lines, commits.

name → what it is (an exception, a control, a figure, a change, a pull request, a deployment, …) → items → raw bytes
"""

from __future__ import annotations

from audit.trace.finding import trace
from audit.trace.shapes import Item, Raw, Trace, said

__all__ = ["Item", "Raw", "Trace", "said", "trace"]
