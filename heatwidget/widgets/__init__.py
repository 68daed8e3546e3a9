"""How it is shown: ipywidgets and bqplot."""

from .activation import ActivationHeatmap
from .convergence import ConvergenceHeatmap
from .heatmap import Heatmap

__all__ = ["ActivationHeatmap", "ConvergenceHeatmap", "Heatmap"]
