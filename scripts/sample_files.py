"""How the capture scripts write a sample: one compressed file that numpy reads without pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

SAMPLES = Path(__file__).resolve().parents[1] / "heatwidget" / "samples"


def write_sample(
    name: str,
    values: np.ndarray,
    *,
    dims: Sequence[str],
    coords: Mapping[str, Any],
    attrs: Mapping[str, Any],
) -> Path:
    """Write one labelled array into the samples folder.

    Parameters
    ----------
    name : str
        Name of the sample; the file is ``<name>.npz``.
    values : ndarray
        The values; written as float32.
    dims : sequence of str
        Name of each axis.
    coords : mapping of str to 1-D array
        Labels of each axis by its name, and further ones that run along some axis.
    attrs : mapping
        What the values are and where they came from; anything that JSON can hold.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If the labels of an axis are missing or do not have its length.
    """
    for dim, size in zip(dims, values.shape, strict=True):
        if dim not in coords or np.shape(coords[dim]) != (size,):
            raise ValueError(f"axis {dim!r} needs {size} labels, got {coords.get(dim)!r}")
    path = SAMPLES / f"{name}.npz"
    np.savez_compressed(
        path,
        values=np.asarray(values, dtype=np.float32),
        dims=np.array(dims),
        attrs=np.array(json.dumps(dict(attrs), ensure_ascii=False)),
        **{f"coord.{key}": np.asarray(labels) for key, labels in coords.items()},
    )
    size_kb = path.stat().st_size / 1000
    print(f"{path.name}: {dict(zip(dims, values.shape, strict=True))}, {size_kb:.1f} kB, ", end="")
    print(f"values {values.min():.3g} .. {values.max():.3g}")
    return path
