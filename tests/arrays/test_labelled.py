"""Arrays with names: what is taken, what is refused, and coordinates to indices."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import torch
import xarray
from hypothesis import given
from hypothesis import strategies as st

from heatwidget.arrays import Axis, LabelledArray, as_labelled
from heatwidget.arrays.axis import make_axis

from .oracle import expected_window

pytestmark = pytest.mark.filterwarnings("error")

DEFAULT_DIMS = {2: ("iteration", "token"), 3: ("iteration", "layer", "token")}
LAYERS = {"dims": ("iteration", "layer")}


def labelled(array: Any, **given: Any) -> LabelledArray:
    return as_labelled(array, default_dims=DEFAULT_DIMS, **given)


def refused(error: type[Exception], text: str, array: Any, **given: Any) -> None:
    """An array is refused with exactly this in the message."""
    with pytest.raises(error, match=re.escape(text)):
        labelled(array, **given)


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((), "two or more axes, got 0 (shape ())"),
        ((4,), "two or more axes, got 1 (shape (4,))"),
        ((0, 3), "an empty axis, got shape (0, 3)"),
        ((2, 0, 3), "an empty axis, got shape (2, 0, 3)"),
    ],
)
def test_wrong_shapes(shape: tuple[int, ...], text: str) -> None:
    """Two axes or more, none of them empty."""
    refused(ValueError, f"array must {'not ' * (0 in shape)}have {text}", np.zeros(shape))


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.zeros((2, 2), object), "object"),
        ([["a", "b"], ["c", "d"]], "<U1"),
        (np.zeros((2, 2), complex), "complex128"),
        (np.zeros((2, 2), "M8[s]"), "datetime64[s]"),
        (np.zeros((2, 2), "m8[s]"), "timedelta64[s]"),
        (None, "object"),
        (np.zeros((2, 2), [("x", "f4")]), "[('x', '<f4')]"),
    ],
)
def test_wrong_kinds(array: Any, dtype: str) -> None:
    """Real numbers only."""
    refused(TypeError, f"array must hold real numbers, got dtype {dtype}", array)


def test_several_arrays_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", acts=np.ones((2, 3)), ids=np.ones(3))
    with np.load(tmp_path / "x.npz") as several:
        said = "array must be one array, got a NpzFile: take one of its entries 'acts', 'ids'"
        refused(TypeError, said, several)
    said = "array must be one array, got a dict: take one of its entries 'a', 1"
    refused(TypeError, said, {"a": np.ones((2, 3)), 1: None})


def test_tensors_in_a_list_are_stacked() -> None:
    """As a model gives its hidden states, whatever their type, gradients or nesting."""
    layers = tuple(torch.full((2, 3), k, dtype=torch.bfloat16, requires_grad=True) for k in (1, 2))
    found = labelled(layers)
    assert (found.shape, found.values[:, 0, 0].tolist()) == ((2, 2, 3), [1, 2])
    assert labelled([[torch.ones(3), torch.ones(3)]], dims=("layer", "iteration", "token"))
    assert labelled([torch.ones(3)]).shape == (1, 3)
    said = "array must hold tensors of one shape, got torch.Size([2, 3]), torch.Size([3])"
    refused(ValueError, said, [torch.ones(2, 3), torch.ones(3)])
    refused(TypeError, "array must hold tensors alone, got ndarray", [torch.ones(3), np.ones(3)])
    refused(ValueError, "got an empty list among them", [[torch.ones(3)], []])
    meta = torch.ones(3, device="meta")
    refused(ValueError, "array must hold tensors of one device, got cpu", [torch.ones(3), meta])


@pytest.mark.parametrize("tokens", [torch.tensor([5, 7, 9]), jnp.array([5, 7, 9]), [5, 7, 9]])
def test_ids_are_their_numbers(tokens: Any) -> None:
    found = labelled(np.ones((2, 3)), coords={"token": tokens})
    assert found.coords["token"] == ("5", "7", "9")


@pytest.mark.parametrize("wrong", [{5, 7, 9}, frozenset("abc"), "abc", 5])
def test_tokens_without_an_order_are_refused(wrong: Any) -> None:
    said = "tokens must be a sequence of 3 texts, got"
    refused(TypeError, said, np.ones((2, 3)), coords={"token": wrong})
    refused(TypeError, said, np.ones((2, 3)), coords={"token": np.array("abc")})
    ids = torch.ones(1, 3, dtype=torch.int64)
    refused(ValueError, f"{said} shape (1, 3)", np.ones((2, 3)), coords={"token": ids})


def test_ragged_list() -> None:
    """Rows of different lengths are no array."""
    refused(ValueError, "array must be rectangular", [[1, 2], [3]])


@pytest.mark.parametrize(
    ("dims", "error", "text"),
    [
        ("iteration", TypeError, "dims must be a sequence of names, got 'iteration'"),
        (7, TypeError, "dims must be a sequence of names, got 7"),
        (("iteration",), ValueError, "dims must name each axis of shape (2, 3) once, got 1"),
        (("iteration", "layer", "token"), ValueError, "once, got 3"),
        (("iteration", "iteration"), ValueError, "dims must not repeat"),
        (("iteration", ""), TypeError, "dims must be a sequence of names, got"),
        (("iteration", ["token"]), TypeError, "dims must be a sequence of names, got"),
        (("iteration", 3), TypeError, "dims must be a sequence of names, got"),
        ((), ValueError, "once, got 0"),
    ],
)
def test_wrong_dims(dims: Any, error: type[Exception], text: str) -> None:
    """Each axis has one name of its own."""
    refused(error, text, np.zeros((2, 3)), dims=dims)


@pytest.mark.parametrize("name", ["token", "prompt", "layer", "iteration"])
def test_coordinates_of_no_axis(name: str) -> None:
    """Coordinates for an axis that is not there are a mistake, not ignored."""
    dims = tuple(d for d in ("iteration", "layer", "token") if d != name)[:2]
    refused(ValueError, f"{name}s given, but", np.zeros((2, 3)), dims=dims, coords={name: [1, 2]})


@pytest.mark.parametrize(
    ("tokens", "error", "text"),
    [
        (["a", "b"], ValueError, "tokens must have one text for each of 3, got 2"),
        (list("abcd"), ValueError, "tokens must have one text for each of 3, got 4"),
        ("abc", TypeError, "tokens must be a sequence of 3 texts, got 'abc'"),
        (b"abc", TypeError, "tokens must be a sequence of 3 texts, got b'abc'"),
        (3, TypeError, "tokens must be a sequence of 3 texts, got 3"),
        (np.array("abc"), TypeError, "tokens must be a sequence of 3 texts, got array("),
    ],
)
def test_wrong_texts(tokens: Any, error: type[Exception], text: str) -> None:
    """One text for each token."""
    refused(error, text, np.zeros((2, 3)), coords={"token": tokens})


@pytest.mark.parametrize("name", ["layer", "iteration"])
@pytest.mark.parametrize(
    ("numbers", "error", "text"),
    [
        ([0, 2, 1], ValueError, "must be numbers that strictly increase or decrease, got [0 2 1]"),
        ([0, 1, 1], ValueError, "must be numbers that strictly increase or decrease"),
        ([0, 1, np.nan], ValueError, "must be numbers that strictly increase or decrease"),
        ([0, 1, np.inf], ValueError, "must be numbers that strictly increase or decrease"),
        ([0, 1, 10**400], TypeError, "must be numbers or texts, got dtype object"),
        ([0, 1], ValueError, "must have one number for each of 3, got shape (2,)"),
        ([[0], [1], [2]], ValueError, "must have one number for each of 3, got shape (3, 1)"),
        ([[0], [1, 2], [2]], ValueError, "must be one number each"),
        (["0", "1"], ValueError, "must have one text for each of 3, got 2"),
        ([True, False, True], TypeError, "must be numbers or texts, got dtype bool"),
        ("012", TypeError, "must be a sequence of 3 numbers or texts, got '012'"),
        (3, TypeError, "must be a sequence of 3 numbers or texts, got 3"),
        (np.array(3), TypeError, "must be a sequence of 3 numbers or texts, got array(3)"),
        ({0: "a", 1: "b"}, ValueError, "must have one number for each of 3, got shape (2,)"),
        ({0: "a", 2: "b", 1: "c"}, ValueError, "must be numbers that strictly increase"),
    ],
)
def test_wrong_numbers(name: str, numbers: Any, error: type[Exception], text: str) -> None:
    """One number for each layer or iteration, in order."""
    dims = (name, "token")
    refused(error, f"{name}s {text}", np.zeros((3, 2)), dims=dims, coords={name: numbers})


@pytest.mark.parametrize("dtype", ["?", "i1", "u8", ">i4", "f2", ">f2", "f4", ">f8", "g"])
def test_real_types_are_kept_as_they_are(dtype: str) -> None:
    """Nothing is converted and nothing is copied."""
    values = np.ones((4, 6), dtype)[::-1, ::2]
    array = labelled(values)
    assert array.values is values
    assert (array.dtype, array.shape) == (values.dtype, (4, 3))


def test_lists_and_generators() -> None:
    """Whatever numpy takes, with any iterable of coordinates."""
    array = labelled(
        [[[1, 2]], [[3, 4]]],
        coords={"iteration": range(4, 12, 4), "layer": (7.0,), "token": (c for c in "ab")},
    )
    assert array.dims == ("iteration", "layer", "token")
    assert array.axis("iteration").bounds == (4, 8)
    assert array.axis("layer").coordinates.dtype == np.int64
    assert array.axis("token").labels == ("a", "b")
    assert list(array.coords) == list(array.dims)
    assert array.coords["token"] == ("a", "b")


def test_matrix_and_masked_array() -> None:
    """Of numpy's subclasses only the masked array keeps its kind."""
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1, 2]])
    assert type(labelled(matrix).values) is np.ndarray
    masked = np.ma.masked_greater([[1, 2]], 1)
    assert labelled(masked).values is masked


def test_default_coordinates() -> None:
    """Counted from 0; tokens without text are called by their position."""
    axis = labelled(np.zeros((2, 3))).axis("token")
    assert axis.labels is None
    assert [axis.label(i) for i in range(3)] == ["0", "1", "2"]
    assert (axis.size, axis.bounds) == (3, (0, 2))


def test_texts_of_any_kind() -> None:
    """Bytes are read as UTF-8, what is none is escaped, and other objects say their text."""
    tokens = [b"\xc3\xa9", b"\xff", "\u202e\n", 13, np.bytes_(b"a"), None]
    axis = labelled(np.zeros((1, 6)), coords={"token": tokens}).axis("token")
    assert axis.labels == ("é", "\\xff", "\u202e\n", "13", "a", "None")


def test_none_means_not_given() -> None:
    """Keywords left at None change nothing."""
    array = labelled(np.zeros((1, 2)), dims=None, coords={"token": None, "prompt": None})
    assert array.dims == ("iteration", "token")


def data_array(**more: Any) -> xarray.DataArray:
    coords = {"token": ["a", "b", "c"], "iteration": [4, 8], "layer": [1], "run": 3, **more}
    return xarray.DataArray(
        np.arange(6.0).reshape(3, 1, 2), coords=coords, dims=("token", "layer", "iteration")
    )


def test_xarray_brings_its_names() -> None:
    """Dims and coordinates in the array's own order; those of no axis are left out."""
    array = labelled(data_array())
    assert array.dims == ("token", "layer", "iteration")
    assert array.axis("token").labels == ("a", "b", "c")
    assert array.axis("iteration").coordinates.tolist() == [4, 8]
    assert array.axis("layer").coordinates.tolist() == [1]


def test_xarray_renamed() -> None:
    """The keywords go before what the array says itself, coordinates follow their axis."""
    array = labelled(
        data_array(), dims=["prompt", "layer", "iteration"], coords={"iteration": [0, 1]}
    )
    assert array.axis("prompt").labels == ("a", "b", "c")
    assert array.axis("iteration").coordinates.tolist() == [0, 1]


def test_xarray_without_coordinates() -> None:
    """Dims alone are enough."""
    array = labelled(xarray.DataArray(np.zeros((2, 3)), dims=("layer", "prompt")))
    assert array.axis("layer").coordinates.tolist() == [0, 1]
    assert array.axis("prompt").labels is None


@pytest.mark.parametrize(
    ("attrs", "name", "expected"),
    [
        ({}, None, ""),
        ({"units": "nat"}, None, ""),
        ({}, "loss", "loss"),
        ({"units": "nat"}, "loss", "loss [nat]"),
        ({"long_name": "residual norm"}, "r", "residual norm"),
    ],
)
def test_xarray_says_what_is_measured(attrs: Any, name: str | None, expected: str) -> None:
    """By its long name, else its name, with its unit."""
    array = data_array().rename(name).assign_attrs(attrs)
    assert labelled(array).quantity == expected
    assert labelled(array).attrs == attrs


def test_xarray_with_names_of_its_own() -> None:
    """Its names stay, until `dims` says otherwise."""
    foreign = xarray.DataArray(np.zeros((2, 3)), dims=("step", "pos"))
    assert labelled(foreign).dims == ("step", "pos")
    assert labelled(foreign, dims=("iteration", "token")).dims == ("iteration", "token")


def test_xarray_dataset_is_no_array() -> None:
    """A collection of several arrays is refused by its kind."""
    several = xarray.Dataset({"a": data_array(), "b": data_array()})
    refused(TypeError, "array must hold real numbers", several)


def test_labelled_array_again() -> None:
    """A labelled array comes through with all it knows, and may be renamed."""
    first = labelled(data_array().rename("x").assign_attrs(seed=1))
    again = labelled(first)
    assert again.values is first.values
    assert (again.dims, again.quantity, again.attrs) == (first.dims, "x", {"seed": 1})
    assert again.axis("token").labels == ("a", "b", "c")
    renamed = labelled(first, dims=("prompt", "iteration", "layer"))
    assert renamed.axis("prompt").labels == ("a", "b", "c")
    assert renamed.axis("layer").coordinates.tolist() == [4, 8]
    plain = labelled(labelled(np.zeros((2, 3))), dims=("iteration", "prompt"))
    assert plain.axis("prompt").labels is None


def test_numpy_takes_it() -> None:
    """Plain numpy functions see the values."""
    values = np.arange(6.0).reshape(2, 3)
    array = labelled(values)
    assert np.asarray(array) is values
    assert np.asarray(array, dtype="f4").dtype == np.float32
    assert array.__array__(copy=True) is not values
    np.testing.assert_array_equal(array.__array__(copy=True), values)
    assert np.sum(array) == 15


def test_repr() -> None:
    """One line: sizes, type, quantity."""
    array = labelled(np.zeros((2, 3), "f4"))
    assert repr(array) == "<LabelledArray (iteration: 2, token: 3) float32>"
    named = LabelledArray(array.values, array.axes, "‖x‖")
    assert repr(named).endswith("float32 ‖x‖>")


coordinates = st.lists(st.integers(-50, 90), min_size=1, max_size=12, unique=True).map(sorted)
ends = st.one_of(
    st.none(),
    st.integers(-60, 100),
    st.floats(-60, 100),
    st.floats(),
    st.sampled_from([10**400, -(10**400), 2**63, -(2**63) - 1]),
)


@given(coordinates, ends, ends)
def test_window_is_the_oracles(numbers: list[int], low: float | None, high: float | None) -> None:
    """Any range gives the indices inside it, or the nearest one."""
    axis = Axis("iteration", np.array(numbers, np.int64))
    window = axis.window((low, high))
    assert window == expected_window(numbers, (low, high))
    assert 0 <= window[0] < window[1] <= axis.size
    assert all(type(end) is int for end in window)


@given(coordinates, st.data())
def test_window_of_coordinates_is_exact(numbers: list[int], data: st.DataObject) -> None:
    """Both ends are included, and either order says the same."""
    axis = Axis("layer", np.array(numbers, np.int64))
    first = data.draw(st.integers(0, len(numbers) - 1))
    last = data.draw(st.integers(first, len(numbers) - 1))
    assert axis.window((numbers[first], numbers[last])) == (first, last + 1)
    assert axis.window((numbers[last], numbers[first])) == (first, last + 1)


@given(coordinates, st.floats(-100, 200))
def test_nearest(numbers: list[int], coordinate: float) -> None:
    """Where a range holds no coordinate, no other one is nearer."""
    axis = Axis("iteration", np.array(numbers, np.int64))
    distances = [abs(number - coordinate) for number in numbers]
    assert distances[axis.window((coordinate, coordinate))[0]] == min(distances)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9, unique=True), ends, ends)
def test_window_of_numbers_that_fall(
    numbers: list[float], low: float | None, high: float | None
) -> None:
    """An axis that goes down has the windows of its mirror image, whole numbers or not."""
    up = make_axis("noise", len(numbers), sorted(numbers))
    down = make_axis("noise", len(numbers), sorted(numbers)[::-1])
    start, stop = up.window((low, high))
    assert down.window((high, low)) == (up.size - stop, up.size - start)
    first, last = down.range_of((0, down.size))
    assert (first, last) == (max(numbers), min(numbers))


@pytest.mark.parametrize(
    ("name", "coords", "numbers", "texts"),
    [
        ("checkpoint", [0, 1000, 143000], [0, 1000, 143000], ["0", "1000", "143000"]),
        ("noise", [1.0, 0.5, 0.25], [1, 0.5, 0.25], ["1", "0.5", "0.25"]),
        ("noise", np.float32([0.1, 0.2, 0.3]), [0.1, 0.2, 0.3], ["0.1", "0.2", "0.3"]),
        ("layer", ["embed", "0.attn", "final"], [0, 1, 2], ["embed", "0.attn", "final"]),
        ("depth", {0: "embed", 4: "mid", 9: "final"}, [0, 4, 9], ["embed", "mid", "final"]),
        ("seed", [42, 7, 13], [0, 1, 2], ["42", "7", "13"]),
        ("position", [5, 7, 9], [0, 1, 2], ["5", "7", "9"]),
        ("head", None, [0, 1, 2], ["0", "1", "2"]),
    ],
)
def test_coordinates_of_any_axis(
    name: str, coords: Any, numbers: list[float], texts: list[str]
) -> None:
    """Numbers up or down, whole or not; texts; both."""
    array = labelled(np.zeros((3, 2)), dims=(name, "k"), coords={name: coords})
    axis = array.axis(name)
    assert axis.coordinates.tolist() == numbers
    assert [axis.label(i) for i in range(3)] == texts
    again = labelled(array)
    assert again.axis(name).coordinates.tolist() == numbers
    assert again.axis(name).labels == axis.labels


def test_synonyms_take_the_coordinates_of_their_role() -> None:
    """A name stays as it is; what is said of tokens is said of positions too."""
    array = labelled(
        np.zeros((2, 3)), dims=("step", "pos"), coords={"token": list("abc"), "iteration": [4, 8]}
    )
    assert array.dims == ("step", "pos")
    assert array.coords["pos"] == ("a", "b", "c")
    assert array.coords["step"].tolist() == [4, 8]


def test_the_label_that_is_meant() -> None:
    axis = make_axis("layer", 3, ["embed", "x", "x"])
    assert axis.find("embed") == 0
    with pytest.raises(ValueError, match="no layer is called 'y'"):
        axis.find("y")
    with pytest.raises(ValueError, match="2 layers are called 'x'"):
        axis.find("x")


def test_four_axes_without_names() -> None:
    """Nobody can guess them."""
    refused(ValueError, "dims must name the 4 axes of the array, such as ", np.ones((1,) * 4))


def test_coordinates_at_the_ends_of_int64() -> None:
    """Numbers as far apart as they can be are still in order."""
    extremes = np.array([-(2**63), 2**63 - 1])
    array = labelled(np.zeros((2, 1)), coords={"iteration": extremes})
    assert array.axis("iteration").window((0, None)) == (1, 2)


def test_axis_of_another_name_is_refused() -> None:
    labelled = as_labelled(np.ones((2, 3)), default_dims={2: ("iteration", "token")})
    assert labelled.axis("token").size == 3
    with pytest.raises(ValueError, match="got 'foo'"):
        labelled.axis("foo")


def test_array_that_numpy_cannot_read_is_named() -> None:
    class Elsewhere:
        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            raise RuntimeError("it is on another device")

    with pytest.raises(TypeError, match="array must be what numpy can read: it is on another"):
        as_labelled(Elsewhere(), default_dims={2: ("iteration", "token")})


def test_a_path_is_no_array() -> None:
    """What it holds is opened first; the error says how."""
    with pytest.raises(TypeError, match=r"got a path; heatwidget\.open\('run\.npz'\)"):
        as_labelled("run.npz", default_dims={})
