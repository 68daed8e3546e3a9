"""Small captures from real models, as examples.

``README.md`` in this folder describes the origin of each capture and how to reproduce it. This
package does not import torch; only ``heatwidget.samples.recurrent``, the model, does.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heatwidget.arrays.labelled import LabelledArray

__all__ = ["load", "names", "path"]

_FOLDER = Path(__file__).parent
_NAMES = (
    "residuals-by-token",
    "residuals-by-prompt",
    "core-activations",
    "smollm2-activations",
)


def names() -> tuple[str, ...]:
    """Names of the samples that `load` knows.

    Examples
    --------
    >>> hw.samples.names()[0]
    'residuals-by-token'
    """
    return _NAMES


def path(name: str) -> Path:
    """Path of the file of a sample.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    Path
        A ``.npz`` file for numpy or `heatwidget.open`.

    Raises
    ------
    TypeError
        If `name` is not a string.
    ValueError
        If there is no sample with this name.

    Examples
    --------
    >>> hw.samples.path("core-activations").name
    'core-activations.npz'
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a string, got {type(name).__name__}")
    if name not in _NAMES:
        raise ValueError(f"name must be one of {', '.join(_NAMES)}; got {name!r}{_hint(name)}")
    return _FOLDER / f"{name}.npz"


def load(name: str) -> LabelledArray:
    """Load a sample as an array with named axes, labels and origin.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    LabelledArray
        Values are float32. ``attrs["quantity"]`` is the measured quantity, ``attrs["origin"]`` the
        way it was measured.

    Raises
    ------
    TypeError
        If `name` is not a string.
    ValueError
        If there is no sample with this name.

    Examples
    --------
    >>> residuals = hw.samples.load("residuals-by-prompt")
    >>> residuals.dims, residuals.shape
    (('iteration', 'prompt'), (65, 5))
    >>> residuals.axis("prompt").labels[0]
    'deliberation'
    """
    # Imported here, so that `names` does not load numpy.
    from heatwidget.arrays.files import open

    return open(path(name))


def _hint(name: str) -> str:
    nearest = difflib.get_close_matches(name, _NAMES, n=1, cutoff=0.4)
    return f". Did you mean {nearest[0]!r}?" if nearest else ""


def __dir__() -> list[str]:
    return sorted(__all__)
