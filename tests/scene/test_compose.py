"""The scene of a frame: where cells, ticks and overlays lie, and what is made only once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatwidget import scene
from heatwidget.arrays.labelled import make_axis
from heatwidget.frames import color_indices
from heatwidget.scene import Band, Points, Scene, Text, make_layout
from tests.widgets.helpers import frame_of, scene_of


def same(one: Scene, two: Scene) -> bool:
    """Whether two scenes look the same."""
    return one.picture.same(two.picture) and all(
        getattr(one, name) == getattr(two, name)
        for name in ("rows", "columns", "colors", "legend", "title", "quantity", "overlays", "mark")
    )


@given(
    n=st.integers(1, 3000),
    window=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    pixels=st.integers(2, 400),
)
def test_bins_are_cells_of_one_size_over_the_data(
    n: int, window: tuple[float, float], pixels: int
) -> None:
    first, last = sorted(int(end * (n - 1)) for end in window)
    values = np.ones((n, 2))
    source, frame = frame_of(values, ranges={"iteration": (first, last)}, max_rows=pixels)
    made = scene_of(source, frame)
    top, bottom = made.picture.rows
    # Outer bins reach beyond the array where their size does not divide it.
    size = frame.view.cells.row_bin
    edges = first // size * size + size * np.arange(frame.shape[0] + 1)
    _, places = made.place(np.zeros(len(edges)), edges)
    assert places == pytest.approx(np.linspace(top, bottom, len(edges)))


@given(window=st.tuples(st.integers(0, 40), st.integers(0, 40)))
def test_ticks_and_overlays_agree_on_places(window: tuple[int, int]) -> None:
    source, frame = frame_of(np.ones((41, 3)), ranges={"iteration": tuple(sorted(window))})
    made = scene_of(source, frame)
    indices = [int(text) for text in made.rows.texts]
    _, places = made.place([0.0] * len(indices), np.array(indices) + 0.5)
    assert places == pytest.approx(made.rows.positions)


def test_steps_run_along_the_rows() -> None:
    line = scene.steps([3, np.nan, 7], color="#ff0000")
    assert line.rows.tolist() == [0, 1, 1, 2, 2, 3]
    assert np.array_equal(line.columns, [3, 3, np.nan, np.nan, 7, 7], equal_nan=True)
    assert line.color == "#ff0000"
    assert scene.steps([]).rows.size == 0


@pytest.mark.parametrize(
    "look", [{}, {"color_scheme": "magma"}, {"title": "x"}, {"overlays": (Text(1, 1, "a"),)}]
)
def test_from_the_last_scene_as_without(look: dict[str, Any]) -> None:
    source, frame = frame_of(np.arange(12.0).reshape(3, 4))
    last = scene_of(source, frame)
    layout = last.layout
    args = (frame, scene.Look(**{**BASE, **look}), layout, source.dtype)
    made = scene.compose(*args, previous=last)
    assert same(made, scene.compose(*args))
    assert made.picture.indices is last.picture.indices
    assert made.colors is last.colors


BASE = {"color_scheme": "viridis", "mark": "auto", "title": "", "quantity": "value"}


def test_indices_are_those_of_the_frame() -> None:
    source, frame = frame_of([[1.0, np.nan], [np.inf, 3.0]])
    made = scene_of(source, frame)
    wanted = color_indices(frame.values, frame.states, frame.view.colors)
    assert made.picture.indices.tolist() == wanted.tolist()
    assert [entry.text for entry in made.legend] == ["NaN", "+inf"]


def test_a_layout_is_made_once_for_the_same_axes_and_sizes() -> None:
    rows, columns = make_axis("layer", 3), make_axis("token", 2, ["a", "b"])
    first = make_layout(rows, columns, 900, None)
    assert make_layout(rows, columns, 900, None, previous=first) is first
    assert make_layout(rows, columns, 800, None, previous=first) is not first
    assert make_layout(make_axis("layer", 3), columns, 900, None, previous=first) is not first


def test_overlays_are_told_apart() -> None:
    """Of a line with many points by identity; of a text or a band by what they are."""
    assert Text(1, 2, "a") == Text(1, 2, "a")
    assert Band(1, 2) != Band(1, 2, across=False)
    points = np.zeros(2)
    assert Points(points, points) != Points(points, points)
