"""The array libraries that the metrics support: numpy, torch and dask."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeGuard

import numpy.typing as npt

if TYPE_CHECKING:
    import dask.array
    import torch

# Input of a metric. A tensor gives a tensor, a dask array a dask array, all else an ndarray.
Numbers: TypeAlias = "npt.ArrayLike | torch.Tensor | dask.array.Array"


class Library(Protocol):
    """Functions that differ between array libraries; one module of this package for each.

    Dimensions, slicing and arithmetic are the same in all of them.
    """

    def as_real(self, name: str, value: Any) -> Any:
        """Convert `value` to an array of real numbers of this library."""

    def result_dtype(self, *arrays: Any) -> Any:
        """Dtype of computation and result: float32, or float64 if an input needs it."""

    def distances(self, x: Any, y: Any, dtype: Any, *scales: Any) -> Any:
        """``||x - y||`` over the last axis, or ``||x / scales[0] - y / scales[1]||``.

        All arguments have the same number of axes and broadcast to the shape of `x`. A scale that
        is not finite counts as NaN.
        """

    def lengths(self, x: Any, d_model: int, dtype: Any) -> Any:
        """``||x||`` over the last axis; an axis of length 1 is broadcast to `d_model`."""

    def quotient(self, dividend: Any, divisor: Any) -> Any:
        """``dividend / divisor`` in the shape of `dividend`, whose memory may be reused."""

    def extremes(self, x: Any, pool: tuple[int, ...], dtype: Any) -> tuple[Any, Any]:
        """Minimum and maximum of the finite values over the axes in `pool`, kept with length 1."""

    def quantiles(self, x: Any, quantile: float, dtype: Any) -> tuple[Any, Any]:
        """The ``1 - quantile`` and `quantile` quantiles of the finite values."""

    def rescaled(self, x: Any, low: Any, high: Any, dtype: Any) -> Any:
        """``(clip(x, low, high) - low) / (high - low)``; 0 if `high` is `low`.

        inf and NaN are kept.
        """


def library_of(value: object) -> Library:
    """Functions for the library of an array: torch, dask or, for all else, numpy."""
    if is_tensor(value):
        from . import torch_tensors

        return torch_tensors
    if is_dask(value):
        from . import dask_arrays

        return dask_arrays
    from . import numpy_arrays

    return numpy_arrays


def is_tensor(value: object) -> TypeGuard[torch.Tensor]:
    """Whether `value` is a torch tensor. Does not import torch."""
    return _is_from("torch", "Tensor", value)


def is_dask(value: object) -> TypeGuard[dask.array.Array]:
    """Whether `value` is a dask array. Does not import dask."""
    return _is_from("dask.array", "Array", value)


def _is_from(module: str, name: str, value: object) -> bool:
    # If the module was never imported, no instance of its classes exists.
    found = getattr(sys.modules.get(module), name, None)
    return found is not None and isinstance(value, found)
