"""Arrays side by side: `stack`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import dask.array
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import heatwidget as hw
from heatwidget.arrays import LabelledArray, LiveArray, LiveStack, NumpySource, Region, StoredSource
from heatwidget.arrays.axis import make_axis
from tests.arrays.kinds import stored_in_zarr

SHAPE = (4, 3, 5)
DIMS = ("iteration", "layer", "token")


def values(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random(SHAPE)


def as_live(array: np.ndarray) -> LiveArray:
    live = LiveArray(dict(zip(DIMS, array.shape, strict=True)), dtype="f8")
    live[...] = array
    return live


def masked(array: np.ndarray) -> Any:
    return np.ma.array(array, mask=array < 0.3)


def as_map(array: np.ndarray) -> np.ndarray:
    with TemporaryFile() as file:
        mapped = np.memmap(file, array.dtype, "w+", shape=array.shape)
    mapped[...] = array
    return mapped


MAKERS = {
    "numpy": lambda array: array,
    "float32": lambda array: array.astype("f4"),
    "masked": masked,
    "dask": lambda array: dask.array.from_array(array, chunks=(2, 3, 2)),
    "map": as_map,
    "zarr": lambda array: stored_in_zarr(2)(array, (2, 3, 2), Path()),
    "torch": torch.tensor,
    "live": as_live,
}


def regions() -> st.SearchStrategy[Region]:
    spans = [st.tuples(st.integers(0, n), st.integers(0, n)).map(sorted) for n in (3, *SHAPE)]
    return st.tuples(*spans).map(lambda bounds: Region(tuple(map(tuple, bounds))))


@given(kinds=st.lists(st.sampled_from(sorted(MAKERS)), min_size=3, max_size=3), region=regions())
def test_any_region_is_that_of_the_parts(kinds: list[str], region: Region) -> None:
    """Whatever holds them, and in whatever order."""
    arrays = [values(seed) for seed in range(3)]
    made = hw.stack([MAKERS[kind](array) for kind, array in zip(kinds, arrays, strict=True)])
    wanted = np.stack(
        [a.astype("f4") if kind == "float32" else a for kind, a in zip(kinds, arrays, strict=True)]
    )
    hidden = np.stack(
        [
            a < 0.3 if kind == "masked" else np.zeros(SHAPE, bool)
            for kind, a in zip(kinds, arrays, strict=True)
        ]
    )[region.slices]
    source = made.watch(lambda: None) if isinstance(made, LiveStack) else StoredSource(made)
    block = source.read(region)
    pending = np.zeros(region.shape, bool) if block.pending is None else block.pending
    np.testing.assert_array_equal(pending, hidden)
    np.testing.assert_array_equal(block.values[~hidden], wanted[region.slices][~hidden])
    found = source.value_range()
    assert found.low <= wanted.min() or "masked" in kinds
    assert found.high >= wanted.max()


def test_each_source_is_closed_alone() -> None:
    made = hw.stack([MAKERS["dask"](values(seed)) for seed in range(2)])
    whole = Region(tuple((0, n) for n in made.shape))
    first, second = StoredSource(made), StoredSource(made)
    first.close()
    np.testing.assert_array_equal(second.read(whole).values[1], values(1))
    np.testing.assert_array_equal(made.values[0], values(0))


def test_files_are_read_where_they_are_looked_at(tmp_path: Path) -> None:
    for seed in range(2):
        np.save(tmp_path / f"{seed}.npy", values(seed))
    made = hw.stack({k: hw.open(tmp_path / f"{k}.npy") for k in range(2)}, dim="checkpoint")
    assert isinstance(made, LabelledArray)
    assert not StoredSource(made).in_memory
    np.testing.assert_array_equal(made[1].values, values(1))
    assert StoredSource(made).identity() is not None
    widget = hw.Heatmap(made, reducers={"checkpoint": "difference", "iteration": "mean"})
    widget.flush()
    wanted = values(1).mean(axis=0) - values(0).mean(axis=0)
    np.testing.assert_allclose(widget.frame.values, wanted, rtol=1e-4, atol=1e-6)
    widget.close()


@pytest.mark.parametrize(
    ("labels", "numbers", "texts"),
    [
        (["before", "after"], [0, 1], ("before", "after")),
        ([0, 143000], [0, 143000], None),
        ([7, 7.5], [7, 7.5], None),
        ([1, "x"], [0, 1], ("1", "x")),
    ],
)
def test_labels(labels: list[Any], numbers: list[float], texts: Any) -> None:
    made = hw.stack(dict.fromkeys(labels, values(0)), dim="checkpoint")
    assert made.axes[0].coordinates.tolist() == numbers
    assert made.axes[0].labels == texts
    assert made.dims == ("checkpoint", *DIMS)


def test_a_live_one_is_followed() -> None:
    first, second = values(0), LiveArray(dict(zip(DIMS, SHAPE, strict=True)), quantity="norm")
    made = hw.stack({"done": LabelledArray(first, second.axes, "norm"), "now": second}, dim="run")
    widget = hw.ConvergenceHeatmap(made, ranges={"run": (1, 1)})
    assert widget.quantity == "norm"
    assert (widget.frame.states == 1).all()
    second[0] = 3
    widget.flush()
    assert (widget.frame.values[:, 0] == 3).all()
    widget.ranges = {"run": (0, 0)}
    np.testing.assert_allclose(widget.frame.values, first.mean(axis=1).T, rtol=1e-6)
    widget.close()


def test_one_that_grows_is_longer_for_a_while() -> None:
    one, two = (LiveArray({"iteration": 2, "token": 3}) for _ in range(2))
    made = hw.stack([one, two])
    source = made.watch(lambda: None)
    source.take_changed()
    for array in (one, two):
        array[...] = 1
    one.append([5, 5, 5])
    assert [axis.size for axis in source.axes] == [2, 4, 3]
    [changed] = source.take_changed()
    assert changed.shape == (2, 4, 3)
    block = source.read(changed)
    assert block.values[:, 2].tolist()[0] == [5, 5, 5]
    assert block.pending[1, 2:].all()
    assert not block.pending[:, :2].any()


def test_changes_are_those_of_each_part() -> None:
    one, two = (LiveArray({"iteration": 4, "token": 3}) for _ in range(2))
    source = hw.stack([one, two]).watch(lambda: None)
    source.take_changed()
    two[2] = 1
    assert source.take_changed() == (Region(((1, 2), (2, 3), (0, 3))),)
    assert source.take_changed() == ()


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ([], ValueError, "arrays must hold one array at least, got none"),
        (values(0), TypeError, "arrays must be a mapping of labels to arrays, or a list"),
        ("ab", TypeError, "arrays must be a mapping of labels to arrays, or a list"),
        (
            {"a": np.ones((2, 3)), "b": np.ones((2, 4))},
            ValueError,
            r"the same axes \(iteration: 2, token: 3\), got iteration: 2, token: 4 of 'b'",
        ),
        (
            [
                np.ones((2, 3)),
                LabelledArray(
                    np.ones((2, 3)), (make_axis("iteration", 2, [1, 2]), make_axis("token", 3))
                ),
            ],
            ValueError,
            "got other labels of 1",
        ),
    ],
)
def test_what_cannot_stand_side_by_side(arrays: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        hw.stack(arrays)


def test_a_name_that_is_taken() -> None:
    with pytest.raises(ValueError, match="dim must be a new name, the dims are"):
        hw.stack([values(0)], dim="layer")


def test_in_memory_it_is_exact_at_once() -> None:
    made = hw.stack([values(0), values(1)], dim="seed")
    assert StoredSource(made).in_memory
    assert NumpySource(made).read(Region(((0, 2), (0, 4), (0, 3), (0, 5)))).values.shape == (
        2,
        *SHAPE,
    )


def test_a_plain_array_has_the_axes_of_the_others() -> None:
    live = LiveArray({"head": 2, "neuron": 3})
    made = hw.stack({"before": np.ones((2, 3)), "now": live})
    assert made.dims == ("run", "head", "neuron")


def test_texts_are_those_of_any_part() -> None:
    """The axes are the same until one has changed, whoever asks."""
    one, two = (LiveArray({"iteration": 2, "token": ["a", "b"]}) for _ in range(2))
    made = hw.stack([one, two])
    source = made.watch(lambda: None)
    numbered = make_axis("iteration", 2, [10, 20])
    other = made.watch(lambda: None, (None, numbered, None))
    assert made.axes is made.axes
    assert source.axes is source.axes
    for array in (one, two):
        array[...] = 1
        array.append([1, 2], dim="token")
    before = made.axes
    two.append([1, 2], dim="token", label="new")
    assert made.axes is not before
    for axes in (made.axes, source.axes, other.axes):
        assert axes[2].labels == ("a", "b", "2", "new")
    assert other.axes[1] is not numbered
    assert other.axes[1].same(numbered)
    assert made.axes is made.axes


def test_what_all_parts_say() -> None:
    axes = (make_axis("iteration", 2), make_axis("token", 3))
    one, two = (
        LabelledArray(
            np.ones((2, 3)),
            axes,
            "norm",
            {"model": "a", "seed": k, "of": np.ones(2), "in": {"x": np.ones(2)}},
        )
        for k in range(2)
    )
    plain = hw.stack([np.ones((2, 3)), one])
    assert (plain.quantity, plain.attrs) == ("norm", {})
    live = LiveArray({"iteration": 2, "token": 3}, quantity="other", attrs={"model": "a"})
    assert set(hw.stack([one, two]).attrs) == {"model", "of"}
    assert hw.stack([one, live]).attrs == {"model": "a"}
    assert hw.stack([one, two]).quantity == "norm"
    assert hw.stack([one, live]).quantity == ""
    assert hw.stack([one, live], quantity="mine").quantity == "mine"


def test_live_stacks_side_by_side() -> None:
    """Of two models, a few seeds each."""
    parts = [[LiveArray({"iteration": 2, "token": 3}) for _ in range(2)] for _ in range(2)]
    made = hw.stack([hw.stack(each, dim="seed") for each in parts], dim="model")
    assert made.dims == ("model", "seed", "iteration", "token")
    source = made.watch(lambda: None)
    source.take_changed()
    parts[1][0][1] = 5
    assert source.take_changed() == (Region(((1, 2), (0, 1), (1, 2), (0, 3))),)
    assert source.read(Region(((1, 2), (0, 1), (1, 2), (0, 3)))).values.tolist() == [[[[5] * 3]]]
    parts[0][1][...] = 1
    parts[0][1].append([7, 8, 9], label=10)
    assert made.shape == (2, 2, 4, 3)
    block = source.read(Region(((0, 1), (1, 2), (2, 3), (0, 3))))
    assert block.values.ravel().tolist() == [7, 8, 9]
