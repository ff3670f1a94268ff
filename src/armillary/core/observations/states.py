"""States of configurations and observations, as tables.

A telescope reports on configurations. From the reports follows the state of the observation
(:func:`observation_state`), and from that the state of the request (:mod:`armillary.core.observations.completion`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Final


class ConfigurationState(StrEnum):
    """What a telescope says of one configuration of an observation."""

    PENDING = "PENDING"
    ATTEMPTED = "ATTEMPTED"
    NOT_ATTEMPTED = "NOT_ATTEMPTED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    ABORTED = "ABORTED"
    BAD_DATA = "BAD_DATA"


REPORTABLE: Final = tuple(state for state in ConfigurationState if state is not ConfigurationState.ABORTED)
"""States that a telescope may report (the reference accepts no ABORTED)."""


class ObservationState(StrEnum):
    """Where an observation stands."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    NOT_ATTEMPTED = "NOT_ATTEMPTED"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"
    ABORTED = "ABORTED"
    FAILED = "FAILED"
    BAD_DATA = "BAD_DATA"


LIVE: Final = frozenset({ObservationState.PENDING, ObservationState.IN_PROGRESS})
"""States in which an observation occupies its telescope."""

FINISHED: Final = frozenset(ObservationState) - LIVE
"""States that reports on configurations do not change any more."""

UNSUCCESSFUL: Final = frozenset({ObservationState.FAILED, ObservationState.ABORTED, ObservationState.NOT_ATTEMPTED})
"""Ends after which the request should be scheduled again."""

JUDGEABLE: Final = frozenset({ObservationState.COMPLETED, ObservationState.FAILED, ObservationState.ABORTED})
"""States in which a person may declare the data bad."""

_LAST_WORD: Final = frozenset(
    {
        ConfigurationState.COMPLETED,
        ConfigurationState.ABORTED,
        ConfigurationState.FAILED,
        ConfigurationState.NOT_ATTEMPTED,
    }
)


def configuration_state(current: ConfigurationState, reported: ConfigurationState) -> ConfigurationState:
    """The state of a configuration after a report; late and repeated reports never take it back.

    Once COMPLETED, FAILED, ABORTED or NOT_ATTEMPTED, only a judgement that the data are bad still counts; what has
    begun is not PENDING again. BAD_DATA itself may be revised.
    """
    if reported is ConfigurationState.BAD_DATA:
        return reported
    if current in _LAST_WORD:
        return current
    if reported is ConfigurationState.PENDING and current is ConfigurationState.ATTEMPTED:
        return current
    return reported


_PENDING, _ATTEMPTED = ConfigurationState.PENDING, ConfigurationState.ATTEMPTED
_NOT_ATTEMPTED, _COMPLETED = ConfigurationState.NOT_ATTEMPTED, ConfigurationState.COMPLETED

_IF_ALL_ARE: Final = (
    (frozenset({_PENDING}), ObservationState.PENDING),
    (frozenset({_NOT_ATTEMPTED}), ObservationState.NOT_ATTEMPTED),
    (frozenset({_PENDING, _NOT_ATTEMPTED}), ObservationState.PENDING),
    (frozenset({_PENDING, _ATTEMPTED}), ObservationState.IN_PROGRESS),
)
"""Read first, in order: every configuration is in one of these states."""

_IF_ANY_IS: Final = (
    (ConfigurationState.BAD_DATA, ObservationState.BAD_DATA),
    (_NOT_ATTEMPTED, ObservationState.FAILED),
    (ConfigurationState.FAILED, ObservationState.FAILED),
    (ConfigurationState.ABORTED, ObservationState.ABORTED),
)
"""Read next, in order: some configuration is in this state."""


def observation_state(
    statuses: Sequence[ConfigurationState], current: ObservationState = ObservationState.PENDING
) -> ObservationState:
    """The state of an observation that its configurations' states amount to; the first rule that fits decides.

    What has begun and is not over is IN_PROGRESS; an observation that is over (``current``) is the caller's to keep.
    """
    present = frozenset(statuses)
    rules = [state for allowed, state in _IF_ALL_ARE if present <= allowed]
    rules += [state for wanted, state in _IF_ANY_IS if wanted in present]
    if rules:
        return rules[0]
    if present == {_COMPLETED}:
        return ObservationState.COMPLETED
    # Some completed, the rest still to come: under way, whatever a telescope forgot to report before.
    return ObservationState.IN_PROGRESS if current in LIVE else current


def settled_state(current: ObservationState, statuses: Sequence[ConfigurationState]) -> ObservationState:
    """The state to store: what the statuses amount to, unless the observation is already over."""
    return current if current in FINISHED else observation_state(statuses, current)


def is_live(state: str) -> bool:
    """Whether an observation in this state occupies its telescope."""
    return state in LIVE


def values(states: Collection[StrEnum]) -> list[str]:
    """Plain strings of states, sorted: for queries and messages."""
    return sorted(state.value for state in states)
