from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from armillary.configdb.models import Site
from armillary.configdb.queries.equipment import render
from armillary.configdb.queries.snapshot import consistent_reading


def export_observatory(*, base_url: str = "http://localhost:7000/") -> dict[str, Any]:
    """Everything on all sites, exactly as ``GET /sites/`` answers.

    Args:
        base_url: What the links to parents begin with; they mean nothing to an import.
    """
    with consistent_reading():
        rows: Iterable[Any] = Site.objects.values()
        results = render(Site, rows, base_url=base_url)
    return {"count": len(results), "next": None, "previous": None, "results": results}
