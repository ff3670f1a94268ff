"""Compiled where numba is installed; the same functions, uncompiled and slow, where it is not."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

COMPILED: bool = find_spec("numba") is not None
"""Whether the search runs compiled (about a hundred times faster): the extra ``[scheduler]`` brings numba."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of numbers and arrays when first called; the machine code is kept on disk."""
    if not COMPILED:
        return function
    import numba

    decorated: Callable[P, R] = numba.njit(cache=True)(function)
    return decorated
