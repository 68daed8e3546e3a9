"""From latent states and activations to the numbers a heatmap shows, block by block.

Half precision is widened to float32 before anything is subtracted, and ``||x - y||`` is always
taken of the difference itself: ``x.x - 2 x.y + y.y`` cancels near convergence, where one looks.

- Results are what numpy promotes the inputs and float32 to, float64 at most: float32 for float16,
  float32, bool and integers of up to 16 bits, else float64.
- Torch tensors give tensors on the same device, without a gradient; dask arrays give dask arrays,
  and nothing is computed before those are. Neither library is imported for anything else.
- A masked element counts as NaN.
- No floating-point warning is raised: inf and NaN in the result say it.
- An input is never written to, and never copied whole, whatever its order, strides and byte order:
  beside the result, and one value per vector where two metrics are combined, memory is a few
  blocks of `blocks.BLOCK_CELLS`.
  Only a fixed point of another kind than the states is converted as a whole.
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
