"""Names asked of Sesame, the name resolver of the CDS in Strasbourg (SIMBAD, NED, VizieR), over the network."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote

import httpx
import structlog

from armillary.archive.sky.resolver import Place

ADDRESS: Final = "https://cds.unistra.fr/cgi-bin/nph-sesame/-oI/SNV"
_TIMEOUT_S: Final = 5.0
_LONGEST_NAME: Final = 80
_DIRECTION: Final = re.compile(r"^%J\s+(\d+\.?\d*)\s+([+-]?\d+\.?\d*)", re.MULTILINE)

log = structlog.get_logger(__name__)


def resolve_online(name: str, *, address: str = ADDRESS) -> Place | None:
    """Where an object is, as Sesame says; ``None`` if it does not know or does not answer.

    Args:
        name: Of the object.
        address: Of the service.
    """
    if not name or len(name) > _LONGEST_NAME:
        return None
    try:
        return _asked(name, address)
    except httpx.HTTPError as error:
        log.warning("sesame_unavailable", reason=str(error))
        return None


@lru_cache(maxsize=4096)
def _asked(name: str, address: str) -> Place | None:
    """Answers are remembered, outages (which raise) are not."""
    answer = httpx.get(f"{address}?{quote(name)}", timeout=_TIMEOUT_S)
    answer.raise_for_status()
    found = _DIRECTION.search(answer.text)
    return Place(name, float(found[1]), float(found[2])) if found else None
