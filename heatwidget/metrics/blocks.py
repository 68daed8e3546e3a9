"""Cache-sized blocks of arrays, which all metrics read one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .library import is_tensor

Array = npt.NDArray[Any]
Region = tuple[slice, ...]

# 2 MB of float32: small enough to stay in the cache from the difference to the sum of its squares,
# large enough that the Python overhead per block does not matter.
BLOCK_CELLS = 1 << 19

# A fixed point of up to this many cells is converted once; a larger one again in each iteration.
KEPT_CELLS = 1 << 21


def as_real(name: str, value: Any) -> Array:
    """Convert `value` to an array of real numbers; a masked array stays masked."""
    if is_tensor(value):
        from .torch_tensors import to_numpy

        value = to_numpy(name, value)
    try:
        array = value if isinstance(value, np.ma.MaskedArray) else np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be an array of real numbers: {error}") from error
    check_real(name, array.dtype)
    return array


def check_real(name: str, dtype: np.dtype[Any]) -> None:
    """Raise TypeError for a dtype that is not one of real numbers."""
    # Unlike `dtype.kind`, this also accepts extension dtypes such as ml_dtypes' bfloat16.
    if not np.can_cast(dtype, np.longdouble):
        raise TypeError(f"{name} must be an array of real numbers, got dtype {dtype}")


def result_dtype(*arrays: Array) -> np.dtype[Any]:
    dtype = np.result_type(np.float32, *(array.dtype for array in arrays))
    return dtype if dtype.itemsize <= 8 else np.dtype(np.float64)


def tiles(shape: Sequence[int], cells: int) -> Iterator[Region]:
    """Yield regions of at most `cells` cells (at least one) that tile `shape` in C order."""
    if not shape:
        yield ()
        return
    step = max(1, min(shape[-1], cells))
    for outer in tiles(shape[:-1], cells // step):
        for start in range(0, shape[-1], step):
            yield (*outer, slice(start, start + step))


def part_of(array: Any, region: Region) -> Any:
    """Region of an array; along an axis of length 1 its one value, to be broadcast."""
    return array[
        tuple(
            slice(None) if size == 1 else index
            for size, index in zip(array.shape, region, strict=False)
        )
    ]


def floats(block: Array, dtype: np.dtype[Any], out: Array | None = None) -> Array:
    """Convert a block to `dtype`, with NaN where it is masked.

    A block that already has this dtype and no mask is not copied.

    Parameters
    ----------
    block : ndarray
    dtype : dtype
    out : ndarray of `dtype`, shape of `block`, optional
        Memory for the converted values, if a conversion is needed.
    """
    data = np.asarray(np.ma.getdata(block))
    if data.dtype != dtype:
        data = _converted(data, np.empty(data.shape, dtype) if out is None else out)
    if isinstance(block, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(block), dtype.type(np.nan), data)
    return data


def _converted(data: Array, out: Array) -> Array:
    if data.dtype == np.float16 and out.dtype == np.float32 and _is_finite(data):
        _widen(data, out)
    else:
        np.copyto(out, data, casting="unsafe")
    return out


def _is_finite(half: npt.NDArray[np.float16]) -> bool:
    # Read as integers, the bits of inf and NaN are the largest: signed for positive values,
    # unsigned for negative ones.
    limits = ((np.int16, 0x7C00), (np.uint16, 0xFC00))
    return all(np.max(half.view(bits), initial=0) < limit for bits, limit in limits)


def _widen(half: npt.NDArray[np.float16], single: npt.NDArray[np.float32]) -> None:
    """Convert finite float16 to float32 exactly, by integers: 3 times faster than a cast."""
    bits = single.view(np.int32)
    bits[...] = half.view(np.int16)  # extends the sign bit
    bits <<= 13  # 10 to 23 bits of fraction
    bits &= -0x70002000  # keep sign, exponent and fraction; drop the copies of the sign
    single *= np.float32(2.0**112)  # from exponent bias 15 to bias 127
