"""What an executed configuration costs."""

from __future__ import annotations

from datetime import datetime

from armillary.core.proposals.ledger import microseconds


def cost_us(
    start: datetime,
    end: datetime,
    observation_type: str,
    *,
    configuration_duration_s: float = 0.0,
    front_padding_s: float = 0.0,
    configurations: int = 1,
) -> int:
    """Cost of one execution of a configuration, in microseconds.

    Wall time is charged, whatever the outcome. A rapid response is charged at most what was planned: the duration of
    the configuration and its share of the padding in front of the observation. Direct observations cost nothing.

    Args:
        start: When execution began.
        end: When it ended; not after ``start`` costs nothing.
        observation_type: Type of the request group.
        configuration_duration_s: Planned seconds of the configuration, with its own padding.
        front_padding_s: Seconds planned in front of the whole observation.
        configurations: How many configurations share that padding.
    """
    if observation_type == "DIRECT":
        return 0
    used = max(microseconds(seconds=(end - start).total_seconds()), 0)
    if observation_type != "RAPID_RESPONSE":
        return used
    return min(used, microseconds(seconds=configuration_duration_s + front_padding_s / max(configurations, 1)))
