"""Compiled where numba is installed; the same functions, uncompiled and slow, where it is not."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
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
        if b"import compiled" in source or b"import entry_point" in source or path.name in {"model.py", "bundles.py"}:
            digest.update(source)
    return digest.hexdigest()


_SOURCES = _sources() if COMPILED else ""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of numbers and tuples of arrays for other compiled ones; Python cannot call it.

    It can make no arrays: there is no reference counting, which would count every array in every call. It is kept on
    disk only as part of the entry points that need it.
    """
    machine = _compiled(function, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)
    if machine is not function:
        _resolve_quickly(machine)
    return machine


def entry_point(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of numbers, arrays and named tuples of arrays that Python calls; kept on disk."""
    decorated = _compiled(function, no_cfunc_wrapper=True, cache=True)
    if decorated is function:
        return function
    machine: Any = decorated
    from armillary.scheduler.kernel.bundles import Bundle

    @wraps(function)
    def call(*arguments: P.args, **_: P.kwargs) -> R:
        bundled: Any = [Bundle(each) if isinstance(each, tuple) else each for each in arguments]
        answer: R = machine(*bundled)
        return answer

    call.__dict__["machine"] = machine
    return call


def _compiled(function: Callable[P, R], **options: Any) -> Callable[P, R]:
    """Compile when first called."""
    if not COMPILED:
        return function
    import numba

    decorated: Any = numba.njit(**options)(function)
    _depend_on_all_sources(decorated)
    machine: Callable[P, R] = decorated
    return machine


def _resolve_quickly(function: Any) -> None:
    """Compile an inner function once, whatever integers it is called with, and leave its optimisation to entry points.

    Else there would be machine code for every mixture of 32 bits, 64 bits and literals, and all that a function calls
    would be optimised anew with it. The entry point contains the whole tree, and is optimised as a whole.
    """
    import numba

    config: Any = numba.config
    types: Any = numba.types
    resolve = function.get_call_template

    def resolve_quickly(arguments: Any, keywords: Any) -> Any:
        plain = (types.unliteral(each) for each in arguments)
        widened = [types.int64 if isinstance(each, types.Integer) else each for each in plain]
        level, config.OPT = config.OPT, 1  # numba compiles under a lock of the process
        try:
            return resolve(widened, keywords)
        finally:
            config.OPT = level

    function.get_call_template = resolve_quickly


def _depend_on_all_sources(function: Any) -> None:
    """Let machine code on disk be used only as long as none of these files has changed.

    numba looks at the file of the function alone, so that a caller would go on with the old machine code of what it
    calls in other files. Its cache has no public way to say so; a numba without these attributes keeps its own rule.
    """
    index: Any = getattr(getattr(function, "_cache", None), "_cache_file", None)
    if hasattr(index, "_source_stamp"):
        index._source_stamp = (index._source_stamp, _SOURCES)  # noqa: SLF001 - see above
