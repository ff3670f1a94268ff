"""How high the targets of a request stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from armillary import riseset
from armillary.core.observatory import Observatory, riseset_site
from armillary.core.requests.facts import Downtime
from armillary.core.requests.model import Request
from armillary.core.requests.visibility.sky import Pair, sky_pairs
from armillary.core.requests.visibility.telescopes import candidate_telescopes
from armillary.core.requests.visibility.windows import Interval, visible_windows

_AIRMASS_STEP_S: Final = 600
_AIRMASS_TARGETS: Final = frozenset({"ICRS", "ORBITAL_ELEMENTS"})


def airmass_data(
    request: Request,
    observatory: Observatory,
    *,
    downtimes: Iterable[Downtime] = (),
    include_unschedulable: bool = False,
) -> dict[str, Any]:
    """How high the targets stand while the request can be observed: what the airmass endpoints answer.

    Every ten minutes of each visible interval, by site, the mean airmass of the request's targets; and the mean of
    their limits. Only for stars and orbits.
    """
    first = request.configurations[0].target if request.configurations else None
    if first is None or first.type not in _AIRMASS_TARGETS:
        return {"airmass_data": {}}
    seen = visible_windows(
        request, observatory, downtimes=downtimes, include_unschedulable=include_unschedulable
    ).by_site()
    if not seen:
        return {"airmass_data": {}}
    pairs = sky_pairs(request)
    telescopes = candidate_telescopes(request, observatory, include_unschedulable=include_unschedulable)
    places = {telescope.site: riseset_site(telescope) for telescope in reversed(telescopes)}
    limits = [constraints.max_airmass for _, constraints in pairs if constraints.max_airmass is not None]
    return {
        "airmass_data": {site: _airmass_curve(pairs, places[site], intervals) for site, intervals in seen.items()},
        "airmass_limit": sum(limits) / len(limits),
    }


def _airmass_curve(pairs: Sequence[Pair], site: riseset.Site, intervals: Sequence[Interval]) -> dict[str, list[Any]]:
    stamps = [
        stamp
        for start, end in intervals
        for stamp in np.arange(start.timestamp(), end.timestamp(), _AIRMASS_STEP_S).tolist()
    ]
    curves = [riseset.positions(target, site, np.array(stamps)).airmass for target, _ in pairs]
    times = [datetime.fromtimestamp(stamp, tz=UTC) for stamp in stamps]
    return {
        "times": [f"{time:%Y-%m-%dT%H:%M}" for time in times],
        "airmasses": np.mean(curves, axis=0).tolist(),
    }
