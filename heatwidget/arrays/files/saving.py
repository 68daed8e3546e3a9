"""Labelled arrays into files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from types import NoneType
from typing import Any

from ..labelled import LabelledArray, as_labelled
from ..live import LiveArray
from .draft import Draft
from .kinds import module_to_write
from .opening import DEFAULT_DIMS, as_path
from .replacing import replacing


def save(
    array: Any,
    path: str | os.PathLike[str],
    *,
    dims: Sequence[str] | None = None,
    tokens: Sequence[str] | None = None,
    prompts: Sequence[str] | None = None,
    layers: Sequence[int] | None = None,
    iterations: Sequence[int] | None = None,
    quantity: str | None = None,
) -> None:
    """Write an array with its labels into a file, block by block; `open` reads it again.

    It is written beside the file and moved into its place, so what was there before is whole
    until the new one is. Anything there is replaced, as `numpy.save` does.

    Cells that are pending or masked become NaN. Values come back in the byte order of the
    machine, float16 in a ``.nc`` as float32; of the attributes, tuples and arrays as lists.

    Parameters
    ----------
    array : LabelledArray, LiveArray, xarray.DataArray or array_like
        Real numbers with two or more axes.
    path : str or path
        ``.npz``, ``.zarr``, ``.nc``, ``.h5``, ``.hdf5`` or ``.safetensors``. A ``.npy`` has
        no room for labels; an ``.npz`` is mapped into memory as well.
    dims : sequence of str, optional
        Names of the axes, in order, by default the array's own, or those `open` gives a file
        that has none.
    tokens, prompts, layers, iterations : sequence, optional
        Coordinates of an axis, as for a heatmap; they go before the array's own.
    quantity : str, optional
        What is measured, such as ``‖x − x*‖``; by default what the array says.

    Raises
    ------
    ImportError
        If writing it needs a library that is not there.
    OSError
        If it cannot be written.
    TypeError
        If the values are no real numbers, or of a type that such a file has not, or an
        attribute is nothing that JSON can hold.
    ValueError
        If dims do not fit, cells of an integer array are masked, or the path ends in no such
        suffix.

    Examples
    --------
    >>> hw.save(np.ones((3, 2)), "run.npz", prompts=["a", "b"], quantity="‖x − x*‖")
    >>> hw.open("run.npz")
    <LabelledArray (iteration: 3, prompt: 2) float64 ‖x − x*‖>
    """
    place = as_path(path)
    module = module_to_write(place)
    coords = {"token": tokens, "prompt": prompts, "layer": layers, "iteration": iterations}
    draft = Draft(_labelled(array, dims, coords, quantity))
    with replacing(place) as beside:
        module.write(beside, draft)


def _labelled(
    array: Any, dims: Sequence[str] | None, coords: Mapping[str, Any], quantity: str | None
) -> LabelledArray:
    """Array with its axes named; of a live one what is there now."""
    if not isinstance(quantity, (str, NoneType)):
        raise TypeError(f"quantity must be a text, got {quantity!r}")
    if isinstance(array, LiveArray):
        still = copy(array)
        array = LabelledArray(still.to_numpy(), still.axes, still.quantity, still.attrs)
    default_dims = DEFAULT_DIMS
    if coords["prompt"] is not None:
        named = DEFAULT_DIMS.items()
        default_dims = {n: (*names[:-1], "prompt") for n, names in named}
    labelled = as_labelled(array, default_dims=default_dims, dims=dims, coords=coords)
    return labelled if quantity is None else replace(labelled, quantity=quantity)
