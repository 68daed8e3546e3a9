"""Labelled arrays from files."""

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
from .contents import VALUES, Contents, Entry, NamedKindError, UnknownTypeError
from .kinds import module_to_read
from .labels import Labels

# Names of the axes in a file that has none, by their number.
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
    """Labelled array in a file, which is read when and where it is looked at.

    Only a compressed ``.npz`` is read whole. What `save` has written comes back as it was. So
    does an ``.npz`` that `numpy.savez` made of ``values``, ``dims`` (names, in order),
    ``coord.<dim>`` for each dim that has coordinates, and ``attrs``, a JSON text. Files of
    others have what axes they name, with the coordinates that netCDF, xarray and the scales of
    HDF5 give them, and else ``(iteration, token)`` or ``(iteration, layer, token)``. Packed
    values (``scale_factor``, ``_FillValue`` and their kin) are what they stand for. An HDF5
    file is open only while something is read of it, and never locked. Pickles are refused.

    After the file was replaced or written to, ``refresh()`` of a heatmap reads it anew.

    Parameters
    ----------
    path : str or path
        ``.npz``, ``.npy``, ``.zarr``, ``.zarr.zip``, ``.nc``, ``.h5``, ``.hdf5``,
        ``.safetensors``, or ``.pt`` and ``.pth`` with tensors, which needs torch. A file with
        another suffix is known by its content.
    name : str, optional
        Which array of the file; by default ``values``, or the only one with two or more axes.
    dims : sequence of str, optional
        Names of the axes, in order; goes before what the file says.
    tokens, prompts, layers, iterations : sequence, optional
        Coordinates of an axis, as for a heatmap; they go before those in the file.

    Raises
    ------
    ImportError
        If reading it needs a library that is not there.
    OSError
        If there is no such file, or it may not be read.
    TypeError
        If the values are no real numbers, or a coordinate is of the wrong kind.
    ValueError
        If the file is of no such kind, damaged, or does not say which array is meant.

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
    """Return what `open` does, with other names for axes that have none."""
    place = as_path(path).absolute()  # it may be opened again from another folder
    module = module_to_read(place)
    with _whole(place, module):
        contents: Contents = module.read(place)
    chosen = contents.choose(place, name)
    entry = contents.entries[chosen]
    with _whole(place, module):
        values = entry.load()
        labels = contents.labels() if chosen == VALUES else None
    again = partial(
        open_labelled, place, name=name, dims=dims, default_dims=default_dims, coords=coords
    )
    try:
        labelled = _label(values, labels, entry, dims, default_dims, coords or {})
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{error} (in {path}){_advice(str(error))}") from error
    return replace(labelled, origin=Origin(str(place), labelled.axes, labelled.data, again))


def as_path(path: Any) -> Path:
    """Path of a text or a path.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be a text or a path, got {path!r}")
    return Path(path)


@contextmanager
def _whole(path: Path, module: Any) -> Iterator[None]:
    """Say that a file is damaged where its reader stumbles over it, whatever that raises."""
    try:
        yield
    except (ImportError, MemoryError, UnknownTypeError, NamedKindError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        kind = module.__name__.rpartition(".")[2]
        said = f"{type(error).__name__}: {error}"
        raise ValueError(f"path must be a whole {kind} file; {path} is not: {said}") from error


def _label(
    values: Any,
    labels: Labels | None,
    entry: Entry,
    dims: Sequence[str] | None,
    default_dims: Mapping[int, tuple[str, ...]],
    coords: Mapping[str, Any],
) -> LabelledArray:
    """Values with what their file says, under the names that are asked for."""
    if labels is None:
        said = adapt_any(values).dims if entry.named and dims is None else None
        named = said if said and all(said) else dims
        found = as_labelled(values, default_dims=default_dims, dims=named, coords=coords)
        units = found.attrs.get("units")
        name = f"{entry.quantity} [{units}]" if entry.quantity and units else entry.quantity
        return replace(found, quantity=found.quantity or name)
    own = as_labelled(values, default_dims={}, dims=labels.dims, coords=labels.coords)
    own = replace(own, quantity=labels.quantity, attrs=labels.attrs)
    return as_labelled(own, default_dims={}, dims=dims, coords=coords)


def _advice(error: str) -> str:
    """How to give other coordinates, where those of the file do not fit."""
    about = next((plural(dim) for dim in ROLES if error.startswith(f"{dim}s must")), None)
    return "" if about is None else f": heatwidget.open(path, {about}=...) gives it others"
