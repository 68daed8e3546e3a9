"""Heatmap of latent state convergence: tokens or prompts as rows, iterations as columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import traitlets

from ..frames import COLOR_SCALES
from .heatmap import Heatmap
from .traits import Choice


class ConvergenceHeatmap(Heatmap):
    """Heatmap of how far each token or prompt is from its fixed point at each iteration.

    Parameters
    ----------
    array : array_like, shape (iteration, item) or (iteration, layer, item)
        Usually `residual_norms`. An item is a token or a prompt. Layers, if any, are collapsed
        over `layer_band`. If some values are negative, as in a difference of two runs, the
        colour bar does not name a norm.
    **keywords
        As for `Heatmap`, which lists them all.

    Examples
    --------
    >>> conv = hw.ConvergenceHeatmap(hw.residual_norms(states), tokens=tokens)
    >>> conv.iteration_range = (0, 5)       # as labelled on the axis, both ends included
    >>> conv                                # in a notebook the page shows it
    <ConvergenceHeatmap (iteration: 8, token: 2) rows=token columns=iteration>
    """

    color_scale = Choice(COLOR_SCALES, "log", help="Linear or log.")
    """str: scale of the colours, "linear" or "log". Default "log"."""
    quantity = traitlets.Unicode("‖x − x*‖", help="What is measured, for the colour bar.")
    """str: name of the measured quantity, shown above the colour bar. Default "‖x − x*‖"."""

    _default_dims: ClassVar[Mapping[int, tuple[str, ...]]] = {
        2: ("iteration", "item"),
        3: ("iteration", "layer", "item"),
    }
    _nonnegative: ClassVar[bool] = True
    _settled_axes: ClassVar[tuple[str, str] | None] = ("item", "iteration")
