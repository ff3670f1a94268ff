"""Guessed prices: those at which roughly as much time is wanted as there is.

Everybody wants each option with a probability that rises with its margin (a softmax, "not at all" included); the price
of a piece rises while more of it is wanted than it has, and falls otherwise. As indifference cools, what everybody
gains and what all the time is worth, added, approach the value of the linear programme (without its cuts) from above. A
round passes once over the options, so that this comes to an end at sizes at which the programme itself does not.
"""

from __future__ import annotations

import math

import numpy as np

from armillary.scheduler.kernel.acceleration import COMPILED, entry_point
from armillary.scheduler.kernel.problem import FloatArray, IntegerArray
from armillary.scheduler.kernel.relaxation import Relaxation

TEMPERATURE = 0.1
"""The margin, as a share of the value, that makes an option e times likelier at first."""
COLDEST = 0.0003
MANY_OPTIONS = 300_000
"""From so many options on the guess is cooled: the programme may not be done in time."""
_ROUNDS, _COOLING_ROUNDS = 40, 100
_FIRST_STEP, _LONGEST_STEP, _SHORTEST_STEP = 0.05, 0.3, 0.2
"""By how much prices change in a round (their logarithm); the shortest is a share of the temperature."""
_LONGER, _SHORTER = 1.2, 0.5
"""How steps change where demand stays on one side of what there is, and where it has changed sides."""
_NEVER = 12.0
"""What is less likely by a factor of e to this is not wanted at all."""


def guess_prices(relaxation: Relaxation) -> FloatArray:
    """Prices per piece."""
    model = relaxation.compilation.model
    price = np.full(len(relaxation.capacity), 0.3 * float(np.median(model.value / model.duration)))
    is_cooled = is_cool(relaxation)
    for _ in range(_ROUNDS):
        crowding = _crowding(relaxation, price, TEMPERATURE, by_numpy=not is_cooled)
        price *= np.clip(crowding, 0.2, 5.0) ** 0.5
    return _cooled(relaxation, price) if is_cooled else price


def is_cool(relaxation: Relaxation) -> bool:
    """Whether guessed prices are about as good as those of the programme without cuts."""
    return COMPILED and len(relaxation.value) > MANY_OPTIONS


def _cooled(relaxation: Relaxation, price: FloatArray) -> FloatArray:
    """The prices as everybody becomes choosier: each changes by a step of its own, the less the more often it turns."""
    step, turned = np.full(len(price), _FIRST_STEP), np.zeros(len(price))
    for number in range(_COOLING_ROUNDS):
        temperature = TEMPERATURE * (COLDEST / TEMPERATURE) ** (number / _COOLING_ROUNDS)
        direction = np.sign(_crowding(relaxation, price, temperature, by_numpy=False) - 1.0)
        same = direction * turned
        step *= np.where(same > 0.0, _LONGER, np.where(same < 0.0, _SHORTER, 1.0))
        step = np.clip(step, _SHORTEST_STEP * temperature, _LONGEST_STEP)
        price = price * np.exp(direction * step)
        turned = direction
    return price


def _crowding(relaxation: Relaxation, price: FloatArray, temperature: float, *, by_numpy: bool) -> FloatArray:
    """By piece: what is wanted of it over what it has."""
    if by_numpy:
        wanted = _wanted_by_numpy(relaxation, price, temperature)
    else:
        wanted = np.zeros(len(price))
        want(
            relaxation.first_part,
            relaxation.piece,
            relaxation.length,
            relaxation.value,
            price,
            temperature,
            wanted,
        )
    crowding: FloatArray = (wanted + 1.0) / relaxation.capacity
    return crowding


def _wanted_by_numpy(relaxation: Relaxation, price: FloatArray, temperature: float) -> FloatArray:
    value, piece = relaxation.value, relaxation.piece
    count = np.diff(relaxation.first_part)
    some = count > 0
    starts, count = relaxation.first_part[:-1][some], count[some]
    score = np.clip((value - relaxation.length * price[piece]) / (temperature * value), -50.0, 50.0)
    highest = np.maximum(np.maximum.reduceat(score, starts), 0.0)
    weight = np.exp(score - np.repeat(highest, count))
    whole = np.add.reduceat(weight, starts) + np.exp(-highest)
    taken = weight / np.repeat(whole, count) * relaxation.length
    wanted: FloatArray = np.bincount(piece, weights=taken, minlength=len(price)).astype(np.float64)
    return wanted


@entry_point
def want(
    first: IntegerArray,
    piece: IntegerArray,
    length: FloatArray,
    value: FloatArray,
    price: FloatArray,
    temperature: float,
    wanted: FloatArray,
) -> None:
    """Add to ``wanted``, by piece, the seconds that all reservations want of it."""
    for owner in range(len(first) - 1):
        highest = 0.0
        for part in range(first[owner], first[owner + 1]):
            highest = max(highest, value[part] - length[part] * price[piece[part]])
        if first[owner] == first[owner + 1]:
            continue
        scale = 1.0 / (temperature * value[first[owner]])
        whole = math.exp(-highest * scale)
        for part in range(first[owner], first[owner + 1]):
            score = (value[part] - length[part] * price[piece[part]] - highest) * scale
            if score > -_NEVER:
                whole += math.exp(score)
        for part in range(first[owner], first[owner + 1]):
            score = (value[part] - length[part] * price[piece[part]] - highest) * scale
            if score > -_NEVER:
                wanted[piece[part]] += math.exp(score) / whole * length[part]
