"""Palettes against the catalogue they come from, and the PNG against another decoder."""

from __future__ import annotations

import io
import runpy
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from heatwidget.frames import CellState, color_schemes, encode_png, palette
from heatwidget.frames.palette import N_VALUE_COLORS, STATE_COLORS, hex_colors

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "make_palettes.py"


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances in sRGB of each color of one list to each of another."""
    return np.linalg.norm(a[:, None].astype(float) - b[None].astype(float), axis=2)


def test_schemes_are_the_catalogues() -> None:
    """The stored colours are what the script takes from the library today."""
    script = runpy.run_path(str(SCRIPT))
    assert color_schemes() == tuple(script["SCHEMES"])
    for name, source in script["SCHEMES"].items():
        np.testing.assert_array_equal(palette(name)[:N_VALUE_COLORS], script["sample"](source))


def test_the_schemes_that_users_expect() -> None:
    """Six sequential ones and a diverging one, the default first, dark to light."""
    expected = {"viridis", "magma", "cividis", "inferno", "plasma", "greys", "coolwarm"}
    assert set(color_schemes()) == expected
    assert color_schemes()[0] == "viridis"
    assert hex_colors("viridis")[0] == "#440154"
    assert hex_colors("viridis")[N_VALUE_COLORS - 1] == "#fde725"


@pytest.mark.parametrize("scheme", color_schemes())
def test_layout(scheme: str) -> None:
    """256 colours: the values', then one for each state; nobody can change them."""
    colors = palette(scheme)
    assert (colors.shape, colors.dtype) == ((256, 3), np.uint8)
    assert len(STATE_COLORS) == len(CellState) == 256 - N_VALUE_COLORS
    assert tuple(hex_colors(scheme)[N_VALUE_COLORS:]) == STATE_COLORS
    with pytest.raises(ValueError, match="read-only"):
        colors[0] = 0


@pytest.mark.parametrize("scheme", color_schemes())
def test_states_can_be_told_apart(scheme: str) -> None:
    """No state looks like a value, nor like another state."""
    values, states = palette(scheme)[:N_VALUE_COLORS], palette(scheme)[N_VALUE_COLORS + 1 :]
    assert distances(states, values).min() >= 24
    between = distances(states, states)
    assert between[~np.eye(len(states), dtype=bool)].min() >= 60


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32 - 1), st.data())
def test_png_holds_exactly_these_pixels(
    n_rows: int, n_columns: int, seed: int, data: st.DataObject
) -> None:
    """Any decoder gets the palette's colours back, first row on top."""
    indices = np.random.default_rng(seed).integers(0, 256, (n_rows, n_columns), np.uint8)
    colors = palette(data.draw(st.sampled_from(color_schemes())))
    with Image.open(io.BytesIO(encode_png(indices, colors))) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "P", (n_columns, n_rows))
        np.testing.assert_array_equal(np.asarray(image), indices)
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), colors[indices])


def test_png_of_a_part_and_of_a_transpose() -> None:
    """Any layout of memory."""
    indices = np.arange(200, dtype=np.uint8).reshape(10, 20)
    for part in (indices.T, indices[::-1, ::3]):
        with Image.open(io.BytesIO(encode_png(part, palette("magma")))) as image:
            np.testing.assert_array_equal(np.asarray(image), part)


@pytest.fixture(params=["isal.isal_zlib", "zlib"])
def squeezer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each library that may squeeze pictures."""
    library = pytest.importorskip(request.param)
    monkeypatch.setattr(import_module("heatwidget.frames.palette"), "compress", library.compress)


@pytest.mark.usefixtures("squeezer")
@pytest.mark.parametrize("shape", [(1, 1), (250, 65), (1, 5000), (5000, 1), (700, 1300)])
def test_bytes_are_bounded_by_the_cells(shape: tuple[int, int]) -> None:
    """At most a byte a cell and one a row, and a little, even for noise; all pixels kept."""
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    overhead = 1000 + noise.size // 1000
    png = encode_png(noise, palette("viridis"))
    assert len(png) <= noise.size + shape[0] + overhead
    with Image.open(io.BytesIO(png)) as image:
        np.testing.assert_array_equal(np.asarray(image), noise)
    assert len(encode_png(noise * 0, palette("viridis"))) <= 1000 + noise.size // 100
