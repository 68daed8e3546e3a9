"""Data frames of pandas: labels, names and missing values as they have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import heatwidget as hw
from heatwidget.arrays import LabelledArray, as_labelled

DIMS = {2: ("layer", "token")}
VALUES = np.arange(6.0).reshape(3, 2)


def labelled(frame: Any, **more: Any) -> LabelledArray:
    return as_labelled(frame, default_dims=DIMS, **more)


def test_index_and_columns_are_labels() -> None:
    frame = pd.DataFrame(VALUES, index=[1, 2, 36], columns=["the", "cat"])
    array = labelled(frame)
    assert array.dims == ("layer", "token")
    assert array.coords["token"] == ("the", "cat")
    assert array.coords["layer"].tolist() == [1, 2, 36]
    np.testing.assert_array_equal(array.values, VALUES)
    act = hw.ActivationHeatmap(frame)
    assert (act.layers, act.tokens) == ((1, 2, 36), ("the", "cat"))
    # What is given goes before.
    assert labelled(frame, coords={"token": ["x", "y"]}).coords["token"] == ("x", "y")
    assert labelled(frame, dims=("iteration", "prompt")).coords["iteration"].tolist() == [1, 2, 36]


@pytest.mark.parametrize(
    ("index", "columns", "dims"),
    [
        ("layer", "token", ("layer", "token")),
        ("token", "layer", ("token", "layer")),
        ("token", None, ("token", "layer")),
        (None, "prompt", ("layer", "prompt")),
        (None, "layer", ("token", "layer")),
        ("iteration", None, ("iteration", "layer")),
        ("depth", "word", ("depth", "token")),
        ("seed", "head", ("seed", "head")),
    ],
)
def test_names_are_dims(index: str | None, columns: str | None, dims: tuple[str, ...]) -> None:
    frame = pd.DataFrame(VALUES).rename_axis(index=index, columns=columns)
    assert labelled(frame).dims == dims
    assert labelled(frame).coords[dims[0]].tolist() == [0, 1, 2]


@pytest.mark.parametrize("index", [["a", "b", "c"], [3, 2, 1], [0, 0.5, 1]])
def test_an_index_of_texts_or_of_any_numbers_in_order(index: list[Any]) -> None:
    assert list(labelled(pd.DataFrame(VALUES, index=index)).coords["layer"]) == index


@pytest.mark.parametrize("dtype", ["Float32", "Float64", "Int64", "UInt8", "boolean"])
def test_missing_values_are_nan(dtype: str) -> None:
    frame = pd.DataFrame({"a": [1, None], "b": [0, 1]}).astype(dtype)
    np.testing.assert_array_equal(labelled(frame).values, [[1, 0], [np.nan, 1]])


def test_columns_of_several_types() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, np.nan], "c": [True, False]})
    np.testing.assert_array_equal(labelled(frame).values, [[1, 0.5, 1], [2, np.nan, 0]])


def test_several_levels_are_one_text() -> None:
    columns = pd.MultiIndex.from_tuples([("the", 0), ("cat", 1)])
    assert labelled(pd.DataFrame(VALUES, columns=columns)).coords["token"] == ("the, 0", "cat, 1")


@pytest.mark.parametrize(
    ("frame", "error", "message"),
    [
        (pd.DataFrame({"a": ["x"], "b": [1]}), TypeError, "got column 'a' of dtype"),
        (pd.DataFrame(VALUES, index=[3, 1, 2]), ValueError, r"layers=range\(3\) numbers them"),
        (pd.DataFrame(), ValueError, "must not have an empty axis"),
        (pd.Series([1.0, 2.0]), ValueError, "must have two or more axes, got 1"),
    ],
)
def test_what_does_not_fit_is_refused(frame: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        labelled(frame)
