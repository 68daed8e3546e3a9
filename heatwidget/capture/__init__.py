"""From a model to an array: run it, and keep one number for each token.

- `recurrent`: a model that iterates a latent state (Huginn's interface); by iteration.
- `activations`: any Hugging Face causal language model; by layer.
- `iterations`: any torch module that is called once per iteration, while you run it.

Nothing here imports torch until it is called. A capture keeps no gradients and no copy of the
model. It measures on the model's own device and copies the numbers alone, row by row, into a
`LiveArray`: give one as ``live`` to watch it while it is filled. What goes wrong in a hook never
reaches the call of the module that it watches: it is raised afterwards.
"""

from .activation import activations
from .iteration import iterations
from .recurrence import recurrent

__all__ = ["activations", "iterations", "recurrent"]


def __dir__() -> list[str]:
    return sorted(__all__)
