"""Save labelled arrays to files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from types import NoneType
from typing import Any

from ..labelled import LabelledArray, as_labelled
from ..live import LiveArray
from .formats import module_to_write
from .opening import DEFAULT_DIMS, as_path
from .replacing import replacing
from .save_job import SaveJob


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
    """Save an array with its labels to a file, block by block. `open` reads it again.

    The array is written to a temporary file, which then replaces `path`. An old file is replaced
    only when the new one is complete.

    Pending and masked cells become NaN. Values are saved in native byte order, float16 in a
    ``.nc`` as float32. Tuples and arrays among the attributes become lists.

    Parameters
    ----------
    array : LabelledArray, LiveArray, xarray.DataArray or array_like
        Real numbers with two or more axes.
    path : str or path
        ``.npz``, ``.zarr``, ``.nc``, ``.h5``, ``.hdf5`` or ``.safetensors``. A ``.npy`` file
        cannot hold labels; an ``.npz`` is mapped into memory as well.
    dims : sequence of str, optional
        Names of the axes, in order. By default the array's own, else the default names of
        `open`.
    tokens, prompts, layers, iterations : sequence, optional
        Coordinates of an axis, as for a heatmap, instead of the array's own.
    quantity : str, optional
        Measured quantity, such as ``‖x − x*‖``. By default that of the array.

    Raises
    ------
    ImportError
        If the format needs a library that is not installed.
    OSError
        If the file cannot be written.
    TypeError
        If the values are not real numbers or have a type that the format lacks, or an
        attribute cannot be written as JSON.
    ValueError
        If `dims` do not fit, cells of an integer array are masked, or the suffix is unknown.

    Examples
    --------
    >>> hw.save(np.ones((3, 2)), "run.npz", prompts=["a", "b"], quantity="‖x − x*‖")
    >>> hw.open("run.npz")
    <LabelledArray (iteration: 3, prompt: 2) float64 ‖x − x*‖>
    """
    place = as_path(path)
    module = module_to_write(place)
    coords = {"token": tokens, "prompt": prompts, "layer": layers, "iteration": iterations}
    job = SaveJob(_labelled(array, dims, coords, quantity))
    with replacing(place) as temporary:
        module.write(temporary, job)


def _labelled(
    array: Any, dims: Sequence[str] | None, coords: Mapping[str, Any], quantity: str | None
) -> LabelledArray:
    """Labelled array to save; for a live array a copy of its current values."""
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
