"""Random numbers that are the same compiled and uncompiled, on every machine.

L'Ecuyer's combined multiplicative congruential generator (Communications of the ACM 31, 1988, p. 742): two 31-bit
generators whose products stay within 64 bits; period about 2.3e18.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from armillary.scheduler.kernel.acceleration import compiled

Generator = npt.NDArray[np.int64]
"""The two states."""

_FIRST_MODULUS, _FIRST_FACTOR = 2147483563, 40014
_SECOND_MODULUS, _SECOND_FACTOR = 2147483399, 40692


def seeded(seed: int) -> Generator:
    """A generator for a seed (any integer)."""
    words = np.random.SeedSequence(abs(seed)).generate_state(2)
    return np.array(
        [1 + int(words[0]) % (_FIRST_MODULUS - 1), 1 + int(words[1]) % (_SECOND_MODULUS - 1)], dtype=np.int64
    )


@compiled
def uniform(generator: Generator) -> float:
    """The next number, strictly between 0 and 1."""
    generator[0] = _FIRST_FACTOR * generator[0] % _FIRST_MODULUS
    generator[1] = _SECOND_FACTOR * generator[1] % _SECOND_MODULUS
    difference = generator[0] - generator[1]
    if difference < 1:
        difference += _FIRST_MODULUS - 1
    return float(difference) * (1.0 / _FIRST_MODULUS)


@compiled
def below(generator: Generator, count: int) -> int:
    """A whole number in ``0..count - 1``."""
    return min(int(uniform(generator) * count), count - 1)
