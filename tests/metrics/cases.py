"""Latent states of many kinds, and plain numpy to compare with, which may take all the memory."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from heatwidget.metrics import blocks

DTYPES = ["f2", "f4", "f8", ">f2", ">f4", ">f8", "i1", "u2", ">i4", "i8", "?"]
SINGLE = {"f2", "f4", ">f2", ">f4", "i1", "u2", "?"}
LAYOUTS = ["plain", "fortran", "reversed", "gaps", "swapped"]
RULES = ["layer", "token", "global", "quantile"]
BLOCKS = [2, 5, 16, 50, blocks.BLOCK_CELLS]


def random_array(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    scale = {"?": 1, "i1": 30, "u2": 9000}.get(dtype, 1000)
    values = rng.standard_normal(shape) * scale
    return np.asarray(abs(values) if dtype in ("u2", "?") else values).astype(dtype)


def relaid(array: np.ndarray, how: str) -> np.ndarray:
    """The same values in another layout, read-only."""
    if how == "fortran":
        array = np.asfortranarray(array)
    elif how == "reversed":
        array = array[..., ::-1].copy()[..., ::-1]
    elif how == "swapped":
        array = array.swapaxes(0, -1).copy().swapaxes(0, -1)
    elif how == "gaps":
        every_other = (slice(None, None, 2),) * array.ndim
        wide = np.zeros([2 * n for n in array.shape], array.dtype)
        wide[every_other] = array
        array = wide[every_other]
    array.flags.writeable = False
    return array


def plain_norms(difference: np.ndarray) -> np.ndarray:
    return np.sqrt((difference * difference).sum(axis=-1))


def rounding(dtype: np.dtype, d_model: int) -> float:
    return 4 * float(np.finfo(dtype).eps) * np.sqrt(d_model + 4)


@st.composite
def state_cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray | None, int]:
    """Latent states, a fixed point and a block size."""
    lead = draw(st.lists(st.integers(0, 5), min_size=1, max_size=3))
    shape = (*lead, draw(st.integers(1, 40)))
    dtype, other = draw(st.sampled_from(DTYPES)), draw(st.sampled_from(DTYPES))
    layout = st.sampled_from(LAYOUTS)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x = relaid(random_array(rng, shape, dtype), draw(layout))
    y = None
    if draw(st.booleans()):
        cut = draw(st.integers(0, len(shape)))
        ones = draw(st.sets(st.integers(0, len(shape) - 1)))
        small = tuple(1 if i in ones else n for i, n in enumerate(shape))[cut:]
        y = relaid(random_array(rng, small, other), draw(layout) if small else "plain")
    return x, y, draw(st.sampled_from(BLOCKS))
