"""Proves, every quarter, how an organisation that runs on GitOps changed its systems."""

__version__ = "0.1.0"
