"""Live heatmaps of latent state convergence and activations of neural networks.

Public names are loaded on first use (PEP 562), so an import of the package, or of its `arrays`
and `frames`, does not import a widget library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import capture, metrics, samples
    from .arrays import LabelledArray, LiveArray, stack
    from .arrays.adapters import ArrayAdapter, register_adapter
    from .arrays.files import open as open
    from .arrays.files import save
    from .metrics import (
        cosine_to,
        normalization_label,
        normalize_activations,
        relative_residuals,
        residual_norms,
        step_norms,
    )
    from .widgets import ActivationHeatmap, ConvergenceHeatmap, Heatmap
    from .widgets.run import Cancelled, run, runs

__version__ = "0.1.0"

_HOMES = {
    "ActivationHeatmap": "widgets",
    "ArrayAdapter": "arrays.adapters",
    "Cancelled": "widgets.run",
    "ConvergenceHeatmap": "widgets",
    "Heatmap": "widgets",
    "LabelledArray": "arrays",
    "LiveArray": "arrays",
    "capture": "",
    "cosine_to": "metrics",
    "metrics": "",
    "normalization_label": "metrics",
    "normalize_activations": "metrics",
    "open": "arrays.files",
    "register_adapter": "arrays.adapters",
    "relative_residuals": "metrics",
    "residual_norms": "metrics",
    "run": "widgets.run",
    "runs": "widgets.run",
    "samples": "",
    "save": "arrays.files",
    "stack": "arrays",
    "step_norms": "metrics",
}

# Without `open`, so that `from heatwidget import *` does not replace the builtin.
__all__ = [
    "ActivationHeatmap",
    "ArrayAdapter",
    "Cancelled",
    "ConvergenceHeatmap",
    "Heatmap",
    "LabelledArray",
    "LiveArray",
    "capture",
    "cosine_to",
    "metrics",
    "normalization_label",
    "normalize_activations",
    "register_adapter",
    "relative_residuals",
    "residual_norms",
    "run",
    "runs",
    "samples",
    "save",
    "stack",
    "step_norms",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    if not home:
        return importlib.import_module(f".{name}", __name__)
    return getattr(importlib.import_module(f".{home}", __name__), name)


def __dir__() -> list[str]:
    # Without the imports of this module, which would appear in completions.
    return sorted({"__version__", "__doc__", *_HOMES})
