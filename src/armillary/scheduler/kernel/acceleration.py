"""Compiled where numba is installed; the same functions, uncompiled and slow, where it is not."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

COMPILED: bool = find_spec("numba") is not None
"""Whether the search runs compiled (about a hundred times faster): the extra ``[scheduler]`` brings numba."""


def _sources() -> str:
    """A digest of the source files whose compiled functions, or arrays they take, depend on each other."""
    digest = blake2b(digest_size=16)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        source = path.read_bytes()
        if b"import compiled" in source or b"import entry_point" in source or path.name == "model.py":
            digest.update(source)
    return digest.hexdigest()


_SOURCES = _sources() if COMPILED else ""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of numbers and arrays for other compiled ones; it makes no arrays, and Python cannot call it.

    Without numba's reference counting, which would count every array of every argument in every call, these functions
    run and compile several times sooner; their callers hold the arrays. The wrappers that unpack Python's arguments
    would take longer to compile than the functions.
    """
    return _compiled(function, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)


def compiled_with_arrays(function: Callable[P, R]) -> Callable[P, R]:
    """The same for a function that makes arrays."""
    return _compiled(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def entry_point(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of numbers and arrays that Python calls too."""
    return _compiled(function, no_cfunc_wrapper=True)


def _compiled(function: Callable[P, R], **options: Any) -> Callable[P, R]:
    """Compile when first called; the machine code is kept on disk for later processes."""
    if not COMPILED:
        return function
    import numba

    decorated: Any = numba.njit(cache=True, **options)(function)
    _depend_on_all_sources(decorated)
    machine: Callable[P, R] = decorated
    return machine


def _depend_on_all_sources(function: Any) -> None:
    """Let machine code on disk be used only as long as none of these files has changed.

    numba looks at the file of the function alone, so that a caller would go on with the old machine code of what it
    calls in other files. Its cache has no public way to say so; a numba without these attributes keeps its own rule.
    """
    index: Any = getattr(getattr(function, "_cache", None), "_cache_file", None)
    if hasattr(index, "_source_stamp"):
        index._source_stamp = (index._source_stamp, _SOURCES)  # noqa: SLF001 - see above
