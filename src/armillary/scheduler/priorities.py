"""What an observation is worth to the schedule."""

from __future__ import annotations

from typing import Final

import numpy as np

TIME_CRITICAL_FACTOR: Final = 6_000.0
"""A time-critical request counts as much as 6,000 minutes (100 hours) of normal work, whatever its duration."""
CEILING: Final = 320_000.0
TIE_BREAK: Final = 0.005
"""Requests of equal worth are told apart by at most this share, always the same for the same request."""


def effective_value(
    *, observation_type: str, tac_priority: float, ipp_value: float, duration_s: float, request_id: int
) -> float:
    """The value that a plan gains by an observation.

    Observatories tune their proposals' priorities to these products, so they are those of the wire's reference: for
    NORMAL, the proposal's priority times the intra-proposal priority times the minutes; for TIME_CRITICAL, the
    proposal's priority times 6,000; for RAPID_RESPONSE, which competes with its own kind only, the proposal's priority.

    Args:
        observation_type: NORMAL, TIME_CRITICAL or RAPID_RESPONSE.
        tac_priority: The proposal's priority as the time allocation committee set it.
        ipp_value: The intra-proposal priority factor.
        duration_s: Seconds the observation takes, overheads included.
        request_id: Decides ties, the same way every time.

    Raises:
        ValueError: The scheduler does not place observations of this type.
    """
    if observation_type == "NORMAL":
        worth = tac_priority * ipp_value * duration_s / 60.0
    elif observation_type == "TIME_CRITICAL":
        worth = tac_priority * TIME_CRITICAL_FACTOR
    elif observation_type == "RAPID_RESPONSE":
        worth = tac_priority
    else:
        raise ValueError(f"observations of type {observation_type!r} are not placed by the scheduler")
    return min(worth, CEILING) * _tie_break(request_id)


def _tie_break(request_id: int) -> float:
    return float(np.random.default_rng([request_id]).uniform(1.0 - TIE_BREAK, 1.0 + TIE_BREAK))
