"""The build graph: what is built and deployed from which files, at every revision."""

from audit.git.graph.build import BuildGraph, Reached

__all__ = ["BuildGraph", "Reached"]
