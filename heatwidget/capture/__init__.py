"""Captures: run a model and record one value for each token.

- `recurrent`: a recurrent-depth model with Huginn's interface, by iteration.
- `activations`: any Hugging Face causal language model, by layer.
- `iterations`: any torch module that is called once per iteration of your own run.

torch is imported when a capture is called, not before. A capture keeps no gradients and no copy
of the model. It computes on the model's device and writes the results row by row into a
`LiveArray`; pass one as ``live`` to watch it meanwhile. An error in a hook never reaches the call
of the hooked module; it is raised afterwards.
"""

from .activation import activations
from .iteration import iterations
from .recurrence import recurrent

__all__ = ["activations", "iterations", "recurrent"]


def __dir__() -> list[str]:
    return sorted(__all__)
