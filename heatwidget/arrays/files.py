"""Labelled arrays on disk."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from os import PathLike
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from .labelled import LabelledArray, as_labelled


def read_npz(path: str | PathLike[str]) -> LabelledArray:
    """Labelled array from an ``.npz`` file.

    The file holds ``values``, ``dims`` (names, in order), ``coord.<dim>`` for each dim that
    has coordinates, and ``attrs``, a JSON text whose ``quantity`` says what is measured.
    Pickled content is refused.

    Raises
    ------
    TypeError
        If the values are no real numbers, or a coordinate is of the wrong kind.
    ValueError
        If it is no whole ``.npz`` file, lacks ``values`` or ``dims``, or they do not fit
        each other.
    """
    stored = _load(path)
    missing = {"values", "dims"} - set(stored)
    if missing:
        raise ValueError(f"path must hold a labelled array; {path} lacks {sorted(missing)}")
    coords = {k.removeprefix("coord."): v for k, v in stored.items() if k.startswith("coord.")}
    dims = [str(name) for name in np.atleast_1d(stored["dims"])]
    attrs = json.loads(str(stored.get("attrs", "{}")))
    labelled = as_labelled(
        stored["values"],
        default_dims={},
        dims=dims,
        coords={dim: coords.pop(dim, None) for dim in dims},
    )
    return replace(labelled, quantity=str(attrs.get("quantity", "")), attrs={**attrs, **coords})


def _load(path: str | PathLike[str]) -> dict[str, NDArray[Any]]:
    """Arrays of an ``.npz`` file by name."""
    try:
        stored = np.load(path, allow_pickle=False)
        if not isinstance(stored, np.lib.npyio.NpzFile):
            raise ValueError("it holds a single array")
        with stored:
            return {name: stored[name] for name in stored.files}
    except (BadZipFile, EOFError, ValueError, zlib.error) as error:
        raise ValueError(f"path must be an .npz file without pickles; {path}: {error}") from error
