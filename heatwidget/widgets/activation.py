"""Heatmap of activations: layers as rows, tokens or prompts as columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import traitlets

from ..frames import REDUCERS
from .heatmap import Heatmap
from .traits import Choice


class ActivationHeatmap(Heatmap):
    """Heatmap of the activation of each layer at each token or prompt.

    Parameters
    ----------
    array : array_like, shape (layer, item) or (iteration, layer, item)
        An item is a token or a prompt. The colours span 0..1 if all values lie in 0..1 and
        are equal or span at least a quarter of it. Otherwise they span the range of the values.
        Iterations, if any, are collapsed over `iteration_range`, by default to the last one.
    **keywords
        As for `Heatmap`, which lists them all.

    Examples
    --------
    >>> act = hw.ActivationHeatmap(activations, tokens=tokens, layers=range(1, 36))
    >>> act.layer_band = (5, 12)            # as labelled on the axis, both ends included
    >>> act                                 # in a notebook the page shows it
    <ActivationHeatmap (layer: 35, token: 2) rows=layer columns=token>
    """

    reducer = Choice(REDUCERS, "last", help="How the axis not shown is collapsed.")
    """str: reducer of the hidden axis (iterations, else layers, else the first hidden axis).

    One of "mean", "max", "min", "rms", "std", "first", "last", "difference" and "log-ratio".
    Default "last".
    """
    quantity = traitlets.Unicode("activation", help="What is measured, for the colour bar.")
    """str: name of the measured quantity, shown above the colour bar. Default "activation"."""

    _default_dims: ClassVar[Mapping[int, tuple[str, ...]]] = {
        2: ("layer", "item"),
        3: ("iteration", "layer", "item"),
    }
    _settled_axes: ClassVar[tuple[str, str] | None] = ("layer", "item")
    _natural_range: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
