"""Values and indices of writes to a live array, converted and checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .axis import Axis
from .casting import finite_cast

ALL = slice(None)


def _allow() -> None:
    """Allow a write."""


# Called before each write of its context, to any live array; an exception stops the write. Writes
# of other contexts are not affected. Functions run by `asyncio.to_thread` belong to the context.
before_write: ContextVar[Callable[[], None]] = ContextVar("before_write", default=_allow)


def convert(value: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Convert a value to an array of a dtype. Masked cells become NaN, tensors go to the CPU."""
    if type(value) is np.ndarray and value.dtype == dtype:
        return value
    if hasattr(value, "detach"):
        value = _from_tensor(value.detach().cpu())
    try:
        array = np.asanyarray(value)
    except ValueError as error:
        raise ValueError(f"value must be rectangular: {error}") from error
    # Unlike `dtype.kind`, this also accepts extension types such as bfloat16.
    if not np.can_cast(array.dtype, np.longdouble):
        raise TypeError(f"value must hold real numbers, got dtype {array.dtype}")
    data = finite_cast(np.ma.getdata(array), dtype)
    mask = np.ma.getmask(array)
    return data if mask is np.ma.nomask else np.where(mask, dtype.type(np.nan), data)


def _from_tensor(tensor: Any) -> Any:
    try:
        return tensor.numpy()
    except TypeError:
        # numpy has neither bfloat16 nor 8-bit floats.
        return tensor.float().numpy()


def select(values: NDArray[Any], index: Any, axes: Sequence[Axis]) -> Any:
    """Return ``values[index]``; an error names the axis."""
    try:
        return values[index]
    except IndexError as error:
        for axis, part in zip(axes, parts_of(index, len(axes)), strict=False):
            numbers, n = np.asarray(part), axis.size
            if numbers.dtype.kind in "iu" and ((numbers < -n) | (numbers >= n)).any():
                span = f"{-n}..{n - 1} (size {n})"
                message = f"{axis.name} index must lie within {span}, got {part}"
                raise IndexError(message) from error
        sizes = ", ".join(f"{axis.name}: {axis.size}" for axis in axes)
        raise IndexError(f"index must fit ({sizes}): {error}") from error


def parts_of(index: Any, n_axes: int) -> list[Any]:
    """Part of an index for each axis; a mask is replaced by the indices that it selects."""
    if type(index) is int:
        return [index, *[ALL] * (n_axes - 1)]
    parts: list[Any] = []
    for part in index if isinstance(index, tuple) else (index,):
        if type(part) is int or part is ... or isinstance(part, slice):
            parts.append(part)
        elif part is not None:
            array = np.asarray(part)
            # A scalar mask, True or False, does not index an axis, and neither does None.
            places = array.nonzero() if array.ndim else ()
            parts.extend(places if array.dtype == bool else [part])
    gap = next((i for i, part in enumerate(parts) if part is ...), None)
    given = len(parts) - (gap is not None)
    at = given if gap is None else gap
    parts[at : at + (gap is not None)] = [ALL] * (n_axes - given)
    return parts
