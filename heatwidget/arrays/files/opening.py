"""Open labelled arrays from files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ..adapters import adapt_any
from ..labelled import LabelledArray, as_labelled
from ..names import ROLES, plural
from ..origin import Origin
from .contents import VALUES, Contents, Entry, UnknownTypeError, UnreadableFormatError
from .formats import module_to_read
from .labels import Labels

# Default names of the axes, by their number.
DEFAULT_DIMS = {2: ("iteration", "token"), 3: ("iteration", "layer", "token")}


def open(
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    dims: Sequence[str] | None = None,
    tokens: Sequence[str] | None = None,
    prompts: Sequence[str] | None = None,
    layers: Sequence[int] | None = None,
    iterations: Sequence[int] | None = None,
) -> LabelledArray:
    """Open a labelled array in a file. Values are read when they are needed.

    Only a compressed ``.npz`` is read whole. Arrays written by `save` keep all their labels. So
    do ``.npz`` files of `numpy.savez` with ``values``, ``dims`` (names of the axes, in order),
    ``coord.<dim>`` for each axis with coordinates, and ``attrs``, a JSON text. In other files the
    axes have the names of the file, with the coordinates of netCDF, xarray or HDF5 dimension
    scales; without names they are ``(iteration, token)`` or ``(iteration, layer, token)``. Packed
    values (``scale_factor``, ``_FillValue``, ...) are unpacked. An HDF5 file is open only during
    a read, and never locked. Pickles are refused.

    If the file changes later, ``refresh()`` of a heatmap reads it again.

    Parameters
    ----------
    path : str or path
        ``.npz``, ``.npy``, ``.zarr``, ``.zarr.zip``, ``.nc``, ``.h5``, ``.hdf5``,
        ``.safetensors``, or ``.pt`` and ``.pth`` with tensors, which needs torch. The format
        is recognised by the content first, then by the suffix.
    name : str, optional
        Name of the array in the file; by default ``values``, or the only array with two or
        more axes.
    dims : sequence of str, optional
        Names of the axes, in order, instead of those in the file.
    tokens, prompts, layers, iterations : sequence, optional
        Coordinates of an axis, as for a heatmap, instead of those in the file.

    Raises
    ------
    ImportError
        If the format needs a library that is not installed.
    OSError
        If the file does not exist or may not be read.
    TypeError
        If the values are not real numbers, or a coordinate has a wrong type.
    ValueError
        If the file has an unknown format, is damaged, or holds several arrays and no `name` is
        given.

    Examples
    --------
    >>> hw.save(np.ones((3, 2)), "run.npz", tokens=["the", "cat"])
    >>> array = hw.open("run.npz")
    >>> array
    <LabelledArray (iteration: 3, token: 2) float64>
    >>> array.axis("token").labels
    ('the', 'cat')
    """
    coords = {"token": tokens, "prompt": prompts, "layer": layers, "iteration": iterations}
    return open_labelled(path, name=name, dims=dims, default_dims=DEFAULT_DIMS, coords=coords)


def open_labelled(
    path: str | os.PathLike[str],
    *,
    name: str | None,
    dims: Sequence[str] | None,
    default_dims: Mapping[int, tuple[str, ...]],
    coords: Mapping[str, Any] | None = None,
) -> LabelledArray:
    """Open an array as `open` does, with other default names of axes."""
    place = as_path(path).absolute()  # it may be opened again from another working directory
    module = module_to_read(place)
    with _reporting_damage(place, module):
        contents: Contents = module.read(place)
    chosen = contents.choose(place, name)
    entry = contents.entries[chosen]
    with _reporting_damage(place, module):
        values = entry.load()
        labels = contents.labels() if chosen == VALUES else None
    again = partial(
        open_labelled, place, name=name, dims=dims, default_dims=default_dims, coords=coords
    )
    try:
        labelled = _label(values, labels, entry, dims, default_dims, coords or {})
    except (TypeError, ValueError) as error:
        error_type = TypeError if isinstance(error, TypeError) else ValueError
        raise error_type(f"{error} (in {path}){_advice(str(error))}") from error
    return replace(labelled, origin=Origin(str(place), labelled.axes, labelled.data, again))


def as_path(path: Any) -> Path:
    """Convert a text or a path to a Path.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be a text or a path, got {path!r}")
    return Path(path)


@contextmanager
def _reporting_damage(path: Path, module: Any) -> Iterator[None]:
    """Report any unexpected error of a reader as a damaged file."""
    try:
        yield
    except (ImportError, MemoryError, UnknownTypeError, UnreadableFormatError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        name = module.__name__.rpartition(".")[2]
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"path must be a whole {name} file; {path} is not: {reason}") from error


def _label(
    values: Any,
    labels: Labels | None,
    entry: Entry,
    dims: Sequence[str] | None,
    default_dims: Mapping[int, tuple[str, ...]],
    coords: Mapping[str, Any],
) -> LabelledArray:
    """Values with the labels of their file, or with the names and coordinates given by the user."""
    if labels is None:
        file_dims = adapt_any(values).dims if entry.named and dims is None else None
        named = file_dims if file_dims and all(file_dims) else dims
        found = as_labelled(values, default_dims=default_dims, dims=named, coords=coords)
        units = found.attrs.get("units")
        name = f"{entry.quantity} [{units}]" if entry.quantity and units else entry.quantity
        return replace(found, quantity=found.quantity or name)
    own = as_labelled(values, default_dims={}, dims=labels.dims, coords=labels.coords)
    own = replace(own, quantity=labels.quantity, attrs=labels.attrs)
    return as_labelled(own, default_dims={}, dims=dims, coords=coords)


def _advice(error: str) -> str:
    """Advice on other coordinates, for an error about those of the file."""
    about = next((plural(dim) for dim in ROLES if error.startswith(f"{dim}s must")), None)
    return "" if about is None else f": heatwidget.open(path, {about}=...) gives it others"
