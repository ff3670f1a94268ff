"""Reading the configuration."""

from armillary.configdb.queries.equipment import render
from armillary.configdb.queries.export import export_observatory
from armillary.configdb.queries.snapshot import consistent_reading, current_revision

__all__ = ["consistent_reading", "current_revision", "export_observatory", "render"]
