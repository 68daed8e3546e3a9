"""What a user passes to a heatmap, checked and named."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..arrays import (
    ITEM_DIMS,
    ArraySource,
    LabelledArray,
    LiveArray,
    NumpySource,
    StoredSource,
    as_labelled,
)
from ..arrays.adapters import adapt
from ..arrays.labelled import RENAMES
from ..arrays.origin import origin_of

# Keyword of each axis's coordinates.
COORD_KEYWORDS = {
    "iterations": "iteration",
    "layers": "layer",
    "tokens": "token",
    "prompts": "prompt",
}
DATA_KEYWORDS = ("dims", *COORD_KEYWORDS)


def check_keywords(given: Iterable[str], allowed: Iterable[str], where: str) -> None:
    """Refuse an unknown keyword, naming the nearest one; ipywidgets would only warn.

    Raises
    ------
    TypeError
    """
    known = sorted(allowed)
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it takes {', '.join(known)}"
            raise TypeError(f"{where} got an unknown keyword {name!r}{hint}")


def label_array(
    array: Any, data: Mapping[str, Any], default_dims: Mapping[int, tuple[str, ...]]
) -> LabelledArray:
    """Array with its axes named by the keywords of the user, then by itself, then by default.

    Parameters
    ----------
    array : array_like, LabelledArray, LiveArray or xarray.DataArray
        Of a live array only the axes are taken; its values stand for nothing.
    data : mapping
        Any of `DATA_KEYWORDS`; None counts as not given.
    default_dims : mapping of int to tuple of str
        Dims of a plain array by its number of axes; ``item`` stands for token or prompt.
    """
    if isinstance(array, LiveArray):
        # Zeros of the right shape, which take no memory.
        axes = array.axes
        zeros = np.broadcast_to(np.float32(0), [axis.size for axis in axes])
        array = LabelledArray(zeros, axes, array.quantity, array.attrs)
    coords = {dim: data.get(name) for name, dim in COORD_KEYWORDS.items()}
    if coords["token"] is not None and coords["prompt"] is not None:
        raise TypeError("tokens and prompts name the same axis: give one of them")
    item = "token" if coords["prompt"] is None else "prompt"
    named = {n: tuple(item if d == "item" else d for d in dims) for n, dims in default_dims.items()}
    return as_labelled(array, default_dims=named, dims=data.get("dims"), coords=coords)


def make_source(array: Any, labelled: LabelledArray, request: Callable[[], None]) -> ArraySource:
    """Source of an array as it was labelled by `label_array`.

    Parameters
    ----------
    array : array_like, LabelledArray, LiveArray or xarray.DataArray
    labelled : LabelledArray
    request : callable
        Called, on any thread, when a live array has changed.
    """
    if isinstance(array, LiveArray):
        return array.watch(request, labelled.axes)
    in_numpy = adapt(labelled.data) is None and origin_of(labelled) is None
    return NumpySource(labelled) if in_numpy else StoredSource(labelled)


def signature(keywords: Iterable[str], owner: type) -> inspect.Signature:
    """Signature for a help text: one array, then keywords with the defaults of their traits."""
    parameters = [inspect.Parameter("array", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    for name in keywords:
        # A layout is made anew for each widget; data keywords are read from the array.
        given = name in (*DATA_KEYWORDS, "rows", "columns", "layout")
        default = None if given else getattr(owner, name).default_value
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default))
    return inspect.Signature(parameters)


def choose_axes(
    dims: tuple[str, ...], settled: tuple[str, str] | None, rows: Any, columns: Any, where: str
) -> tuple[str, str]:
    """Names of the axes shown down and across.

    Parameters
    ----------
    dims : tuple of str
        Axes of the array.
    settled : tuple of str or None
        Rows and columns of the widget's class, ``item`` standing for token or prompt.
    rows, columns : str or None
        What the user asked; None takes what is left, the last ones first.
    where : str
        Name of the widget, for the error.

    Raises
    ------
    ValueError
        If the array lacks an axis, or rows and columns are the same.
    """
    item = next((dim for dim in dims if dim in ITEM_DIMS), "item")
    if settled is not None:
        rows, columns = (item if name == "item" else name for name in settled)
    for argument, name in (("rows", rows), ("columns", columns)):
        if name is not None and name not in dims:
            wanted = "token or prompt" if name == "item" else name
            raise ValueError(
                f"{where} needs the axis {wanted} for its {argument}, got dims {dims}{RENAMES}"
            )
    columns = columns or [dim for dim in dims if dim != rows][-1]
    rows = rows or [dim for dim in dims if dim != columns][-1]
    if rows == columns:
        raise ValueError(f"rows and columns must differ, got {rows!r} for both")
    return rows, columns
