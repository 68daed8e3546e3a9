"""The kinds of array that the metrics know: numpy's, torch's and dask's."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeGuard

import numpy.typing as npt

if TYPE_CHECKING:
    import dask.array
    import torch

# What a metric takes. What comes back is an ndarray, or a tensor or dask array for one.
Numbers: TypeAlias = "npt.ArrayLike | torch.Tensor | dask.array.Array"


class Kind(Protocol):
    """What a metric needs to know about a kind of array; a module of this package for each.

    Dimensions, slicing and arithmetic all kinds share.
    """

    def as_real(self, name: str, value: Any) -> Any:
        """`value` as an array of this kind, made of real numbers."""

    def result_dtype(self, *arrays: Any) -> Any:
        """The dtype to compute in: float32, or float64 where an input needs it."""

    def distances(self, x: Any, y: Any, dtype: Any, *scales: Any) -> Any:
        """``||x - y||`` over the last axis, or ``||x / scales[0] - y / scales[1]||``.

        All have the same number of axes and broadcast to the shape of `x`. A scale that is not
        finite counts as NaN.
        """

    def lengths(self, x: Any, d_model: int, dtype: Any) -> Any:
        """``||x||`` over the last axis, which is broadcast to `d_model` if it has length 1."""

    def quotient(self, dividend: Any, divisor: Any) -> Any:
        """``dividend / divisor`` in the shape of `dividend`, which may be written to."""

    def extremes(self, x: Any, pool: tuple[int, ...], dtype: Any) -> tuple[Any, Any]:
        """Least and greatest finite value over the axes in `pool`, which keep length 1."""

    def quantiles(self, x: Any, quantile: float, dtype: Any) -> tuple[Any, Any]:
        """The finite values as far from the least and greatest as `quantile` says."""

    def rescaled(self, x: Any, low: Any, high: Any, dtype: Any) -> Any:
        """``(clip(x, low, high) - low) / (high - low)``; 0 if `high` is `low`.

        inf and NaN stay.
        """


def kind_of(value: object) -> Kind:
    """The kind of an array; whatever is neither torch's nor dask's is numpy's."""
    if is_tensor(value):
        from . import torch_tensors

        return torch_tensors
    if is_dask(value):
        from . import dask_arrays

        return dask_arrays
    from . import numpy_arrays

    return numpy_arrays


def is_tensor(value: object) -> TypeGuard[torch.Tensor]:
    """Whether `value` is a torch tensor, found out without importing torch."""
    return _is_from("torch", "Tensor", value)


def is_dask(value: object) -> TypeGuard[dask.array.Array]:
    """Whether `value` is a dask array, found out without importing dask."""
    return _is_from("dask.array", "Array", value)


def _is_from(module: str, name: str, value: object) -> bool:
    # An instance cannot come from a module that was never imported.
    found = getattr(sys.modules.get(module), name, None)
    return found is not None and isinstance(value, found)
