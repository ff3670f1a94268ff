"""Named tuples of arrays, handed to compiled functions by one pointer each.

numba passes a tuple by value: each array of it as seven numbers, in every call, on the stack and in the code that is to
be compiled. The search keeps some sixty arrays in five tuples; handed over so they took four fifths of the time to
compile it. A :class:`Bundle` is a table of where the arrays of one tuple are, made before the call; compiled code
reads from the table what it needs. To the functions it looks like the tuple.
"""

# numba is not typed.
# mypy: disable-error-code="no-untyped-call,untyped-decorator,misc,override"
from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np
from numba.core import types
from numba.core.imputils import impl_ret_borrowed
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    models,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.arrayobj import make_array, populate_array
from numba.np.numpy_support import from_dtype

_Layout = tuple[tuple[str, str, int], ...]
"""By array: its name, type and number of dimensions."""


class Bundle:
    """Where the arrays of a named tuple are."""

    __slots__ = ("address", "arrays", "kind", "words")

    def __init__(self, arrays: Any) -> None:
        self.arrays = arrays
        words: list[int] = []
        layout: list[tuple[str, str, int]] = []
        for name, array in zip(arrays._fields, arrays, strict=True):
            if not array.flags.c_contiguous:
                raise ValueError(f"{type(arrays).__name__}.{name} is a view with gaps; copy it")
            layout.append((name, array.dtype.str, array.ndim))
            words += [array.ctypes.data, *array.shape]
        self.words = np.array(words, dtype=np.int64)
        self.address: int = self.words.ctypes.data
        self.kind = _kind(type(arrays).__name__, tuple(layout))


class BundleType(types.Type):
    """numba's type of a bundle: it depends on the types and dimensions of the arrays."""

    def __init__(self, title: str, layout: _Layout) -> None:
        self.arrays: dict[str, types.Array] = {}
        self.offsets: dict[str, int] = {}
        offset = 0
        for name, dtype, dimensions in layout:
            self.arrays[name] = types.Array(from_dtype(np.dtype(dtype)), dimensions, "C")
            self.offsets[name] = offset
            offset += 1 + dimensions
        # The name becomes part of every symbol: all of the layout would make them kilobytes long.
        super().__init__(name=f"{title}{blake2b(repr(layout).encode(), digest_size=6).hexdigest()}")


_KINDS: dict[tuple[str, _Layout], BundleType] = {}


def _kind(title: str, layout: _Layout) -> BundleType:
    found = _KINDS.get((title, layout))
    if found is None:
        found = _KINDS[title, layout] = BundleType(title, layout)
    return found


register_model(BundleType)(models.OpaqueModel)


@typeof_impl.register(Bundle)
def _type_of(bundle: Bundle, _: object) -> BundleType:
    return bundle.kind


@unbox(BundleType)
def _unbox(_: BundleType, bundle: Any, context: Any) -> Any:
    number = context.pyapi.object_getattr_string(bundle, "address")
    address = context.pyapi.long_as_voidptr(number)
    context.pyapi.decref(number)
    return NativeValue(address, is_error=context.pyapi.c_api_error())


@infer_getattr
class _ArrayOfBundle(AttributeTemplate):
    key = BundleType

    def generic_resolve(self, bundle: BundleType, name: str) -> Any:
        """The type of a field; ``None`` if there is none of this name."""
        return bundle.arrays.get(name)


@lower_getattr_generic(BundleType)
def _read_array(context: Any, builder: Any, bundle: BundleType, address: Any, name: str) -> Any:
    """The array, with nothing said of its owner: the caller in Python holds it."""
    kind, offset = bundle.arrays[name], bundle.offsets[name]
    array = make_array(kind)(context, builder)
    word = context.get_value_type(types.intp)
    item = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    shape = [_read(context, builder, address, offset + 1 + axis, word) for axis in range(kind.ndim)]
    strides = [item]
    for length in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], length))
    data = _read(context, builder, address, offset, array.data.type)
    populate_array(array, data=data, shape=shape, strides=strides, itemsize=item, meminfo=None)
    return impl_ret_borrowed(context, builder, kind, array._getvalue())  # noqa: SLF001 - as all of numba's own


def _read(context: Any, builder: Any, address: Any, number: int, kind: Any) -> Any:
    """One word of a bundle, which no compiled function ever changes: LLVM may keep it in a register."""
    words = builder.bitcast(address, kind.as_pointer())
    read = builder.load(builder.gep(words, [context.get_constant(types.intp, number)]))
    read.set_metadata("invariant.load", builder.module.add_metadata([]))
    return read
