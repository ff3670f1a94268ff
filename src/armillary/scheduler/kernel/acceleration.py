"""Compiled where numba is installed; the same functions, uncompiled and slow, where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

try:
    import numba
except ImportError:  # the extra [scheduler] brings it; a small site can do without
    numba = None

COMPILED: bool = numba is not None
"""Whether the search runs compiled (about a hundred times faster)."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of numbers and arrays on its first call; the machine code is kept on disk for later processes."""
    if numba is None:
        return function
    decorated: Callable[P, R] = numba.njit(cache=True)(function)
    return decorated
