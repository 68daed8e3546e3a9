"""The cube that all look at: convergence of many tokens at every layer."""

from __future__ import annotations

from mmap import ACCESS_READ, mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

N_LAYERS = 36

#: The layers that are averaged before the first key press, both ends included.
BAND = (0, 7)


def write_cube(path: Path, shape: tuple[int, int], n_layers: int = N_LAYERS) -> None:
    """Write a cube of float32, shape (layer, token, iteration), values above 0.

    Each token has a pace of its own, deeper layers are slower, and there is noise: a picture
    compresses as little as one of a real model.
    """
    n_tokens, n_iterations = shape
    random = np.random.default_rng(0)
    pace = random.uniform(1, 8, (n_tokens, 1))
    exponents = (-pace * np.linspace(0, 1, n_iterations)).astype(np.float32)
    with path.open("wb") as file:
        for layer in range(n_layers):
            noise = random.random(shape, dtype=np.float32)
            file.write(np.exp(exponents / (1 + layer / 4)) * (0.8 + 0.2 * noise))


def open_cube(path: Path, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Open a cube as a plain array in memory, which all processes that open it share."""
    with path.open("rb") as file:
        values = np.frombuffer(mmap(file.fileno(), 0, access=ACCESS_READ), np.float32)
    return values.reshape(-1, *shape)
