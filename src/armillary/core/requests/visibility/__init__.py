"""When requests can be observed, by telescope.

A telescope can observe a request while it is dark (nautical), every target of the request is inside the telescope's
limits and its own constraints, the request's windows allow it, and nothing keeps the telescope from work. Only
telescopes that have an instrument of every type that the request needs are considered.
"""

from armillary.core.requests.visibility.airmass import airmass_data
from armillary.core.requests.visibility.sky import (
    Pair,
    UnsupportedTarget,
    riseset_constraints,
    riseset_target,
    sky_pairs,
)
from armillary.core.requests.visibility.table import VisibilityTable, visible_windows_of
from armillary.core.requests.visibility.telescopes import can_take, candidate_telescopes, instrument_types_of
from armillary.core.requests.visibility.windows import Interval, RequestVisibility, visible_windows

__all__ = [
    "Interval",
    "Pair",
    "RequestVisibility",
    "UnsupportedTarget",
    "VisibilityTable",
    "airmass_data",
    "can_take",
    "candidate_telescopes",
    "instrument_types_of",
    "riseset_constraints",
    "riseset_target",
    "sky_pairs",
    "visible_windows",
    "visible_windows_of",
]
