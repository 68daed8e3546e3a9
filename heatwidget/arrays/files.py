"""Labelled arrays on disk."""

from __future__ import annotations

import json
from os import PathLike

import numpy as np

from .labelled import LabelledArray, make_axis


def read_npz(path: str | PathLike[str]) -> LabelledArray:
    """Labelled array from an ``.npz`` file.

    The file holds ``values``, ``dims`` (names, in order), ``coord.<dim>`` for each dim that
    has coordinates, and ``attrs``, a JSON text whose ``quantity`` says what is measured.
    Pickled content is refused.

    Raises
    ------
    ValueError
        If the file lacks ``values`` or ``dims``, or they do not fit each other.
    """
    with np.load(path, allow_pickle=False) as stored:
        missing = {"values", "dims"} - set(stored.files)
        if missing:
            raise ValueError(f"path must hold a labelled array; {path} lacks {sorted(missing)}")
        values = stored["values"]
        coords = {
            name.removeprefix("coord."): stored[name]
            for name in stored.files
            if name.startswith("coord.")
        }
        dims = [str(name) for name in stored["dims"]]
        attrs = json.loads(str(stored["attrs"])) if "attrs" in stored.files else {}
    if len(dims) != values.ndim:
        raise ValueError(f"path must name each axis once; {path} has {dims} for {values.shape}")
    axes = tuple(
        make_axis(d, n, coords.pop(d, None)) for d, n in zip(dims, values.shape, strict=True)
    )
    return LabelledArray(values, axes, str(attrs.get("quantity", "")), {**attrs, **coords})
