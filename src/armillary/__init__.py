"""Armillary: an API-driven observatory control system."""

from importlib.metadata import version

__version__ = version("armillary")
