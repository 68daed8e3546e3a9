"""Small captures from real models, to look at before there is one of your own.

``README.md`` in this folder says where each comes from and how to make it again. Importing this
package imports no torch; only ``heatwidget.samples.recurrent``, the model itself, does.
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
    """File of a sample, as numpy reads it.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    Path
        A ``.npz`` file.

    Raises
    ------
    TypeError
        If `name` is not a string.
    ValueError
        If there is no sample of that name.

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
    """A sample as an array with named axes, their labels, and where it came from.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    LabelledArray
        float32; ``attrs["quantity"]`` says what is measured and ``attrs["origin"]`` how.

    Raises
    ------
    TypeError
        If `name` is not a string.
    ValueError
        If there is no sample of that name.

    Examples
    --------
    >>> residuals = hw.samples.load("residuals-by-prompt")
    >>> residuals.dims, residuals.shape
    (('iteration', 'prompt'), (65, 5))
    >>> residuals.axis("prompt").labels[0]
    'deliberation'
    """
    # Here and not above, so that listing the names costs nothing.
    from heatwidget.arrays.files import open

    return open(path(name))


def _hint(name: str) -> str:
    nearest = difflib.get_close_matches(name, _NAMES, n=1, cutoff=0.4)
    return f". Did you mean {nearest[0]!r}?" if nearest else ""


def __dir__() -> list[str]:
    return sorted(__all__)
