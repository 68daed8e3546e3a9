"""What a user passes to a heatmap, checked and named."""

from __future__ import annotations

import difflib
import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays import (
    ArraySource,
    LabelledArray,
    LiveArray,
    LiveStack,
    Role,
    as_labelled,
    as_source,
    find_roles,
    is_source,
)
from ..arrays.labelled import RENAMES, names_axes

# Keyword with the coordinates of the axis in a role.
COORD_KEYWORDS: dict[str, Role] = {
    "iterations": "iteration",
    "layers": "layer",
    "tokens": "token",
    "prompts": "prompt",
}
DATA_KEYWORDS = ("dims", "coords", *COORD_KEYWORDS)

# From here on multiples of 64 are taken for the width of a model, not for a count of tokens.
_LEAST_D_MODEL = 256

# What people write, as other tools call it, and what it is here.
_MEANT = {
    **dict.fromkeys(("cmap", "colormap", "colors", "colorscale", "palette"), "color_scheme"),
    **dict.fromkeys(("vmin", "vmax", "clim", "zmin", "zmax", "limits"), "color_range=(low, high)"),
    **dict.fromkeys(("log", "norm", "scale", "log_scale"), 'color_scale="log"'),
    **dict.fromkeys(("center", "vcenter", "zmid", "midpoint"), "color_center"),
    **dict.fromkeys(("labels", "names", "ticks", "xticklabels"), "tokens= or prompts="),
    **dict.fromkeys(("layer_range", "layers_range", "band"), "layer_band"),
    **dict.fromkeys(("iterations_range", "iteration_band", "steps"), "iteration_range"),
    **dict.fromkeys(("aggregation", "agg", "reduce"), "reducer"),
    **dict.fromkeys(("figsize", "aspect", "size"), "width and height"),
    **dict.fromkeys(("label", "unit", "units", "colorbar_label"), "quantity"),
    **dict.fromkeys(("array", "data", "values", "x"), "set_array(array)"),
    **dict.fromkeys(("range", "slices", "windows", "sel", "isel"), 'ranges={"head": (3, 3)}'),
    **dict.fromkeys(("axes", "axis_names", "names_of_axes"), "dims"),
}


def check_keywords(given: Iterable[str], allowed: Iterable[str], where: str) -> None:
    """Refuse an unknown keyword, naming the nearest one; ipywidgets would only warn.

    Raises
    ------
    TypeError
    """
    known = sorted(allowed)
    for name in given:
        if name not in known:
            hint = hint_at(name, known) or f"; it takes {', '.join(known)}"
            raise TypeError(f"{where} got an unknown keyword {name!r}{hint}")


def hint_at(name: str, known: Iterable[str]) -> str:
    """What is meant by an unknown name; empty where nothing is known that is like it."""
    if name in _MEANT:
        return f"; here it is {_MEANT[name]}"
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def label_array(
    array: Any, data: Mapping[str, Any], default_dims: Mapping[int, tuple[str, ...]]
) -> LabelledArray:
    """Array with its axes named by the keywords of the user, then by itself, then by default.

    Parameters
    ----------
    array : array_like, LabelledArray, LiveArray or xarray.DataArray
        Of a live array only the axes are taken; instead of values there are those of its axes
        that are called otherwise, and None for the others. See `make_source`.
    data : mapping
        Any of `DATA_KEYWORDS`; None counts as not given.
    default_dims : mapping of int to tuple of str
        Dims of a plain array by its number of axes; ``item`` stands for token or prompt.
    """
    given_source, live = is_source(array), isinstance(array, (LiveArray, LiveStack))
    if given_source or live:
        if given_source and any(value is not None for value in data.values()):
            raise TypeError("array names its axes itself, as a source does: give no dims or labels")
        # Zeros of the right shape, which take no memory.
        axes, attrs = array.axes, getattr(array, "attrs", {})
        zeros = np.broadcast_to(np.float32(0), [axis.size for axis in axes])
        array = LabelledArray(zeros, axes, getattr(array, "quantity", ""), attrs)
    coords: dict[str, Any] = {role: data.get(name) for name, role in COORD_KEYWORDS.items()}
    both = coords["token"] is not None and coords["prompt"] is not None
    if both and data.get("dims") is None and not names_axes(array):
        raise TypeError("tokens and prompts name the same axis: give one of them, or dims=")
    given = data.get("coords") or {}
    if not isinstance(given, Mapping):
        raise TypeError(f"coords must be a mapping of names of axes to coordinates, got {given!r}")
    coords.update(given)
    item = "token" if coords["prompt"] is None else "prompt"
    named = {n: tuple(item if d == "item" else d for d in dims) for n, dims in default_dims.items()}
    labelled = as_labelled(array, default_dims=named, dims=data.get("dims"), coords=coords)
    said = any(value is not None for value in data.values()) or names_axes(array)
    if len(labelled.dims) == 3 and not said:
        # Of two axes each widget knows which they are; of three, six orders look alike.
        warnings.warn(guess_text(labelled), UserWarning, stacklevel=3)
    if live:
        # Told now: what is appended before it is watched would look like the user's own name.
        pairs = zip(labelled.axes, axes, strict=True)
        own = tuple(None if axis.same(known) else axis for axis, known in pairs)
        return replace(labelled, data=own)
    return labelled


def guess_text(array: LabelledArray) -> str:
    """How an array of three axes that nobody has named was read, and what else it may be."""
    read = f"array of shape {array.shape} names no axes: read as {', '.join(array.dims)}"
    text = f"{read}; dims={array.dims} says that it is so, another order what it is"
    last = array.shape[-1]
    if last >= _LEAST_D_MODEL and last % 64 == 0:
        text += ". If the last axis is d_model, show np.linalg.norm(array, axis=-1), or what"
        text += " heatwidget.capture.activations gives"
    return text


def make_source(array: Any, labelled: LabelledArray, request: Callable[[], None]) -> ArraySource:
    """Source of an array as it was labelled by `label_array`.

    Parameters
    ----------
    array : array_like, LabelledArray, LiveArray or xarray.DataArray
    labelled : LabelledArray
    request : callable
        Called, on any thread, when a live array has changed.
    """
    if isinstance(array, (LiveArray, LiveStack)):
        return array.watch(request, labelled.data if any(labelled.data) else None)
    return as_source(array if is_source(array) else labelled)


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
        Roles of rows and columns that the widget's class expects, ``item`` standing for token
        or prompt.
    rows, columns : str or None
        What the user asked; None takes what is left, the last ones first.
    where : str
        Name of the widget, for the error.

    Raises
    ------
    ValueError
        If the array lacks an axis, or rows and columns are the same.
    """
    if settled is not None:
        roles: dict[str, str] = {str(role): dim for role, dim in find_roles(dims).items()}
        roles["item"] = roles.get("token") or roles.get("prompt") or "item"
        usual = tuple(roles.get(role, role) for role in settled)
        if rows == usual[1] or columns == usual[0]:
            usual = usual[::-1]
        rows, columns = rows or usual[0], columns or usual[1]
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
