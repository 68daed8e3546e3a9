"""Metrics of latent states and activations, computed block by block.

Half precision is converted to float32 before a subtraction. ``||x - y||`` is computed from the
difference itself, because ``x.x - 2 x.y + y.y`` loses its digits near convergence.

- Result dtype: float32 for float16, float32, bool and integers of up to 16 bits, else float64.
- Torch tensors give tensors on the same device, without a gradient. Dask arrays give dask arrays
  that are not yet computed. Neither library is imported for other inputs.
- Masked elements count as NaN.
- No floating-point warning is raised; the result holds inf or NaN instead.
- Inputs are never written to and never copied whole, whatever their order, strides and byte order.
  Temporary memory is a few blocks of `blocks.BLOCK_CELLS`, and one value per vector where two
  metrics are combined. Only a fixed point of another library than the states is converted whole.
"""

from .activations import normalization_label, normalize_activations
from .norms import cosine_to, relative_residuals, residual_norms, step_norms

__all__ = [
    "cosine_to",
    "normalization_label",
    "normalize_activations",
    "relative_residuals",
    "residual_norms",
    "step_norms",
]


def __dir__() -> list[str]:
    return sorted(__all__)
