"""Write heatwidget/frames/palettes.npz: the colour schemes, sampled from the `cmap` package.

Run it with the `test` extra installed, after a change of the schemes or of their length::

    python scripts/make_palettes.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from cmap import Colormap
from numpy.typing import NDArray

from heatwidget.frames.palette import N_VALUE_COLORS

TARGET = Path(__file__).parents[1] / "heatwidget" / "frames" / "palettes.npz"

# Our name -> the name in the catalogue.
SCHEMES = {
    "viridis": "bids:viridis",
    "magma": "bids:magma",
    "cividis": "cividis:cividis",
    "inferno": "bids:inferno",
    "plasma": "bids:plasma",
    "greys": "colorbrewer:Greys_r",
    "coolwarm": "matplotlib:coolwarm",
}


def sample(catalogue_name: str) -> NDArray[np.uint8]:
    """Colours at `N_VALUE_COLORS` even steps, shape (N_VALUE_COLORS, 3), sRGB."""
    return np.ascontiguousarray(
        Colormap(catalogue_name).lut(N_VALUE_COLORS)[:, :3] * 255 + 0.5
    ).astype(np.uint8)


if __name__ == "__main__":
    np.savez_compressed(TARGET, **{name: sample(source) for name, source in SCHEMES.items()})
