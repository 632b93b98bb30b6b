"""Git as evidence: history, landings, what merges brought in, and whether the repository is whole."""

from audit.git import library as library  # before any other module imports PyDriller
from audit.git.alone import mine, summary

__all__ = ["mine", "summary"]
