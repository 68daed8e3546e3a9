"""Live arrays: what is written, what is pending, and what each watcher is told."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from heatwidget.arrays import ArraySource, LabelledArray, Region, ValueRange, as_labelled, watching
from heatwidget.arrays.axis import Axis, make_axis
from heatwidget.arrays.live import LiveArray, LiveSource
from heatwidget.arrays.writing import before_write
from heatwidget.frames import Frame, View, render, resolve
from tests.frames.oracle import assert_matches, assert_states, expected_frame
from tests.frames.strategies import fill, views
from tests.frames.test_incremental import same

pytestmark = pytest.mark.filterwarnings("error")
nan, inf = math.nan, math.inf


def nothing() -> None:
    """Take a request, do nothing."""


def small(**keywords: Any) -> LiveArray:
    """Live array of 3 iterations and 4 tokens."""
    return LiveArray({"iteration": 3, "token": 4}, **keywords)


def watched(array: LiveArray) -> LiveSource:
    """Source of an array that has seen all that was written so far."""
    source = array.watch(nothing)
    source.take_changed()
    return source


def rows_of(changed: tuple[Region, ...]) -> list[int]:
    """Rows of the first axis in some regions."""
    return [row for region in changed for row in range(*region.bounds[0])]


# Making one


def test_sizes_and_labels() -> None:
    """Either for each dim, in the order given."""
    array = LiveArray({"layer": range(1, 5), "token": ["a", b"b"], "iteration": np.int64(3)})
    assert array.dims == ("layer", "token", "iteration")
    assert array.shape == (4, 2, 3)
    assert array.axes[0].coordinates.tolist() == [1, 2, 3, 4]
    assert array.axes[1].labels == ("a", "b")
    assert len(array) == 4
    assert (array.dtype, array.version, array.n_written) == (np.float32, 0, 0)
    assert np.isnan(array.to_numpy()).all()
    assert not array.written.any()


@pytest.mark.parametrize(
    ("dims", "error", "match"),
    [
        ((3, 4), TypeError, r"dims must be a mapping of names to sizes or labels, got \(3, 4\)"),
        ({"iteration": 3}, ValueError, "must have two or more axes, got 1"),
        ({"iteration": 2.5, "token": 4}, TypeError, "iteration must have a size or labels"),
        ({"iteration": 0, "token": 4}, ValueError, "iteration must have a size of 1 or more"),
        ({"iteration": -2, "token": 4}, ValueError, "1 or more, got -2"),
        ({"iteration": 3, "token": []}, ValueError, "must not have an empty axis"),
        ({"iteration": 3, "token": "abc"}, TypeError, "tokens must be a sequence of 3 texts"),
        ({"iteration": [2, 2], "token": 4}, ValueError, "strictly increase"),
        ({"layer": [None], "token": 4}, TypeError, "layers must be numbers or texts"),
    ],
)
def test_dims_that_do_not_hold(dims: Any, error: type[Exception], match: str) -> None:
    """The same rules, in the same words, as for any array."""
    with pytest.raises(error, match=match):
        LiveArray(dims)


@pytest.mark.parametrize("dtype", [int, bool, complex, object, "U3"])
def test_only_floating_types(dtype: Any) -> None:
    """Others cannot say NaN."""
    with pytest.raises(TypeError, match="dtype must be a floating type, got"):
        small(dtype=dtype)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", np.longdouble])
def test_type_is_kept(dtype: Any) -> None:
    """Whatever is written."""
    array = small(dtype=dtype)
    array[0] = [1, 2, 3, 4]
    array[1] = np.float64(0.5)
    source = array.watch(nothing)
    assert array.to_numpy().dtype == array[0].dtype == source.dtype == array.dtype == dtype
    assert source.value_range() == ValueRange(0, 5, 0.1, 0.1, empty=False)


def test_repr() -> None:
    """All that is known, in one line."""
    array = small(quantity="residual [1]", attrs={"seed": 3})
    array[0, :2] = nan
    assert repr(array) == (
        "<LiveArray (iteration: 3, token: 4) float32 residual [1], 2 of 12 written>"
    )
    assert repr(LiveArray({"layer": 1, "token": 2})).endswith("float32, 0 of 2 written>")
    assert array.attrs == {"seed": 3}


# Reading


def test_pending_is_not_nan() -> None:
    """A NaN that was written is a value; a pending cell is none."""
    array = small()
    source = array.watch(nothing)
    array[1] = nan
    values, pending, _ = source.read(Region(((0, 2), (1, 3))))
    assert np.isnan(values).all()
    assert pending is not None
    assert pending.tolist() == [[True, True], [False, False]]
    assert source.read(Region(((1, 2), (0, 4)))).pending is None
    assert array.written.tolist() == [[False] * 4, [True] * 4, [False] * 4]
    assert array.n_written == 4


def test_what_is_read_is_a_copy() -> None:
    """Nobody can reach into the array."""
    array = small()
    array[0] = 1
    source = array.watch(nothing)
    block = source.read(Region(((0, 3), (0, 4))))
    for copied in (array[:], array.to_numpy(), array.written, np.asarray(array), *block[:2]):
        copied[...] = 0
    assert array[0].tolist() == [1, 1, 1, 1]
    assert array.n_written == 4
    assert isinstance(array[0, 0], np.float32)
    assert [row.shape for row in array] == [(4,)] * 3


def test_numpy_takes_it() -> None:
    """With or without another type; it is always a copy."""
    array = small()
    array[:] = 2
    assert np.mean(array) == 2
    assert np.asarray(array, np.float64).dtype == np.float64
    assert np.asarray(array).dtype == np.float32
    with pytest.raises(ValueError, match="can only be copied, got copy=False"):
        array.__array__(copy=False)


def test_to_xarray_and_back() -> None:
    """Labels, quantity and attrs go along."""
    array = LiveArray(
        {"layer": range(1, 3), "token": ["a", "b"]}, quantity="norm", attrs={"seed": 1}
    )
    array[0] = 3
    data = array.to_xarray()
    assert data.dims == array.dims
    assert data.attrs == {"seed": 1, "long_name": "norm"}
    back = as_labelled(data, default_dims={})
    assert back.quantity == "norm"
    assert back.axes[0].coordinates.tolist() == [1, 2]
    assert back.axes[1].labels == ("a", "b")
    np.testing.assert_array_equal(back.values, array.to_numpy())
    plain = small().to_xarray()
    assert set(plain.coords) == {"iteration"}
    assert plain.attrs == {}


def test_to_xarray_without_xarray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Says what is missing."""
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match="to_xarray needs xarray, which is not installed"):
        small().to_xarray()


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda array: pickle.loads(pickle.dumps(array))]
)
def test_copies_are_independent(copied: Callable[[LiveArray], LiveArray]) -> None:
    """All that the array has but its watchers; neither side sees what the other does then."""
    told: list[int] = []
    array = LiveArray(
        {"layer": range(1, 3), "iteration": 2, "token": ["a", "b"]},
        dtype="f8",
        quantity="norm",
        attrs={"seed": 1},
    )
    array.append(1)
    source = array.watch(lambda: told.append(1))
    other = copied(array)
    assert repr(other) == repr(array)
    assert (other.version, other.attrs) == (1, {"seed": 1})
    assert [axis.name for axis in other.axes] == ["layer", "iteration", "token"]
    assert other.axes[0].coordinates.tolist() == [1, 2]
    assert other.axes[2].labels == ("a", "b")
    np.testing.assert_array_equal(other, array)
    np.testing.assert_array_equal(other.written_at, array.written_at)
    watcher = watched(other)
    other.append(2)
    other.append(3)
    other.attrs["seed"] = 2
    assert (told, array.version, array.n_written, array.shape) == ([], 1, 4, (2, 2, 2))
    assert array.attrs == {"seed": 1}
    array[:] = 7
    assert other[0, :, 0].tolist()[:3] == [1, 2, 3]
    assert rows_of(watcher.take_changed()) == [0, 1]
    assert told == [1]
    assert len(rows_of(source.take_changed())) == 2
    with other._lock:  # a lock of its own
        thread = threading.Thread(target=array.__setitem__, args=(0, 1), daemon=True)
        thread.start()
        thread.join(5)
        assert not thread.is_alive()


# Writing


class Tensor:
    """As torch's, as far as it goes."""

    def __init__(self, values: Any, kind: str = "float32", where: str = "cuda") -> None:
        self.values, self.kind, self.where = np.asarray(values), kind, where

    def detach(self) -> Tensor:
        return Tensor(self.values, f"{self.kind} detached", self.where)

    def cpu(self) -> Tensor:
        return Tensor(self.values, self.kind, "cpu")

    def float(self) -> Tensor:
        return Tensor(self.values, self.kind.replace("bfloat16", "float32"), self.where)

    def numpy(self) -> np.ndarray:
        if "bfloat16" in self.kind:
            raise TypeError("Got unsupported ScalarType BFloat16")
        assert self.where == "cpu"
        assert "detached" in self.kind
        return self.values


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, [1, 1, 1, 1]),
        (True, [1, 1, 1, 1]),
        ([1, 2.5, nan, inf], [1, 2.5, nan, inf]),
        ([[1, 2, 3, 4]], [1, 2, 3, 4]),
        (np.arange(4), [0, 1, 2, 3]),
        (np.arange(4, dtype="u1"), [0, 1, 2, 3]),
        (np.arange(4, dtype=">f8"), [0, 1, 2, 3]),
        (np.arange(4, dtype="f2")[::-1], [3, 2, 1, 0]),
        (np.ma.array([1, 2, 3, 4], mask=[0, 1, 0, 0]), [1, nan, 3, 4]),
        (Tensor([1.0, 2, 3, 4]), [1, 2, 3, 4]),
        (Tensor([1.0, 2, 3, 4], "bfloat16"), [1, 2, 3, 4]),
        (LabelledArray(np.ones((1, 4)), ()), [1, 1, 1, 1]),
    ],
    ids=str,
)
def test_values_of_any_kind(value: Any, expected: list[float]) -> None:
    """Numbers, sequences, arrays of any type, masked ones, tensors on a device."""
    array = small()
    array[1] = value
    np.testing.assert_array_equal(array[1], np.array(expected, np.float32))
    assert array.n_written == 4
    array = small()
    array.append(value)
    np.testing.assert_array_equal(array[0], np.array(expected, np.float32))


def test_torch_tensors() -> None:
    """Real ones, where torch is installed."""
    torch = pytest.importorskip("torch")
    array = small()
    for k, kind in enumerate((torch.float32, torch.bfloat16, torch.float64)):
        array[torch.tensor(k)] = torch.arange(4, dtype=kind, requires_grad=True)
    assert array.to_numpy().tolist() == [[0, 1, 2, 3]] * 3


@pytest.mark.parametrize(
    ("index", "value", "error", "match"),
    [
        (0, [1, 2, 3], ValueError, r"value must fit shape \(4,\), got shape \(3,\)"),
        ((0, slice(1, 3)), np.ones((3, 2)), ValueError, r"shape \(2,\), got shape \(3, 2\)"),
        ((0, 0), [1, 2], ValueError, r"shape \(\), got shape \(2,\)"),
        ([0, 1], np.ones(3), ValueError, r"shape \(2, 4\), got shape \(3,\)"),
        (np.eye(3, 4, dtype=bool), np.ones(4), ValueError, r"shape \(3,\), got shape \(4,\)"),
        (0, 1j, TypeError, "value must hold real numbers, got dtype complex128"),
        (0, "abcd", TypeError, "value must hold real numbers, got dtype <U4"),
        (0, None, TypeError, "value must hold real numbers, got dtype object"),
        (0, [[1], [2, 3]], ValueError, "value must be rectangular"),
        (3, 1, IndexError, r"iteration index must lie within -3..2 \(size 3\), got 3"),
        (-4, 1, IndexError, r"iteration index must lie within -3..2 \(size 3\), got -4"),
        ((..., 4), 1, IndexError, r"token index must lie within -4..3 \(size 4\), got 4"),
        ((0, [1, 9]), 1, IndexError, r"token index must lie .* got \[1, 9\]"),
        ((None, 0, 7), 1, IndexError, "token index must lie"),
        ((0, 0, 0), 1, IndexError, r"index must fit \(iteration: 3, token: 4\): too many"),
        ("token", 1, IndexError, r"index must fit \(iteration: 3, token: 4\): only integers"),
        (0.5, 1, IndexError, "only integers"),
        ([True, False], 1, IndexError, "boolean index did not match"),
        ([[0], [1, 2]], 1, ValueError, "inhomogeneous"),
    ],
)
def test_what_does_not_fit_changes_nothing(
    index: Any, value: Any, error: type[Exception], match: str
) -> None:
    """The error says what was expected and what came; no watcher is told."""
    array, told = small(), []
    array[:2] = 5
    source = array.watch(lambda: told.append(1))
    source.take_changed()
    with pytest.raises(error, match=match):
        array[index] = value
    assert array.version == 1
    assert array.n_written == 8
    assert array[:2].tolist() == [[5] * 4] * 2
    assert (told, source.take_changed()) == ([], ())


def test_what_is_finite_stays_finite() -> None:
    """Beyond the array's type it becomes the largest number, below it the smallest."""
    array = small()
    largest, smallest = np.finfo("f4").max, np.finfo("f4").smallest_subnormal
    array[0] = np.ma.array([1e300, -1e300, 1e-300, 7.0], mask=[0, 0, 0, 1])
    np.testing.assert_array_equal(array[0], np.array([largest, -largest, smallest, nan]))
    array[1] = [inf, -inf, 0, nan]
    np.testing.assert_array_equal(array[1], [inf, -inf, 0, nan])
    array[2] = 1e300
    assert (array[2] == largest).all()


@pytest.mark.parametrize("index", [3, (0, 4), "a"])
def test_reading_beyond(index: Any) -> None:
    """The same errors as for a write."""
    with pytest.raises(IndexError, match="index must"):
        small()[index]


# Appending


def test_append_goes_on_after_the_last_written() -> None:
    """Even where earlier iterations are pending; a write of nothing does not count."""
    array = LiveArray({"layer": 2, "iteration": 4, "token": 3})
    array.append(1)
    array[1, 2, 0] = 7
    array.append(np.full((2, 3), 2))
    assert array.written.any(axis=(0, 2)).tolist() == [True, False, True, True]
    array = small()
    array[2, 0:0] = 1
    array[[]] = 1
    array[False] = 1
    assert array.n_written == 0
    array.append(1)
    assert array.written[:, 0].tolist() == [True, False, False]


def test_append_knows_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much room there is, it looks for the end only after a write across iterations."""
    array = LiveArray({"layer": 2, "iteration": 40, "token": 3})
    looked: list[int] = []
    find = np.flatnonzero
    monkeypatch.setattr(np, "flatnonzero", lambda values: looked.append(1) or find(values))
    array.append(1)
    array[:, 7, 1] = 1
    array[0, -30] = 1
    array[0, 20, 2:2] = 1
    array[1, 3] = 1
    array.append(1)
    assert looked == []
    array[0, 15:20] = 1
    array.append(1)
    array.append(1)
    assert looked == [1]
    assert find(array.written.any(axis=(0, 2))).tolist() == [0, 3, 7, 10, 11, *range(15, 22)]


def test_growth_takes_the_new_memory_and_no_more() -> None:
    """Beside the old: no third copy."""
    array = LiveArray({"iteration": 500, "token": 500})
    array[-1] = 1
    held = array.to_numpy().nbytes + array.written.nbytes
    tracemalloc.start()
    array.append(1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.1 * held


def test_growth() -> None:
    """Room doubles, coordinates go on in the last step, everything counts as changed."""
    array = LiveArray({"iteration": [0, 1, 5], "token": ["a", "b"]})
    array[-1] = 1
    source = watched(array)
    array.append([2, 3])
    assert array.shape == (6, 2)
    assert source.axes is array.axes
    assert array.axes[0].coordinates.tolist() == [0, 1, 5, 9, 13, 17]
    assert array.axes[1].labels == ("a", "b")
    assert source.take_changed() == (Region(((0, 6), (0, 2))),)
    assert array[2:4].tolist() == [[1, 1], [2, 3]]
    assert array.n_written == 4
    one = LiveArray({"token": 2, "iteration": range(7, 8)})
    for k in range(5):
        one.append(k)
    assert one.axes[1].coordinates.tolist() == list(range(7, 15))
    assert one.to_numpy()[:, :5].tolist() == [[0, 1, 2, 3, 4]] * 2


def test_room_along_other_axes() -> None:
    """For sizes that are known only with the first values."""
    array = LiveArray({"iteration": 2, "layer": range(1, 3), "token": 1})
    array[0] = 5
    heard: list[tuple[int, ...]] = []
    source = array.watch(lambda: heard.append(array.shape))
    source.take_changed()
    array.enlarge(token=3, layer=4)
    assert heard == [(2, 4, 3)]
    assert array.axes[1].coordinates.tolist() == [1, 2, 3, 4]
    assert array.n_written == 2
    assert array[0, :2, 0].tolist() == [5, 5]
    assert source.take_changed() == (Region(((0, 2), (0, 4), (0, 3))),)
    array.append(np.ones((4, 3)))
    assert array.shape == (2, 4, 3)


def test_room_that_nothing_came_for() -> None:
    """Cut off at the end; what was asked of it meanwhile is pending, and it grows again."""
    array = LiveArray({"token": ["a", "b"], "iteration": range(2, 18)})
    over = (array.axes[0], make_axis("iteration", 16, range(0, 160, 10)))
    source = array.watch(nothing, over)
    array.trim()
    assert array.shape == (2, 16)
    array[:, [0, 2]] = [[1, 2], [3, 4]]
    before = source.axes
    array.trim()
    values, pending, _ = source.read(Region(((0, 2), (2, 16))))
    assert (array.shape, array.axes[1].bounds) == ((2, 3), (2, 4))
    assert array.n_written == 4
    assert source.axes[1].coordinates.tolist() == [0, 10, 20]
    assert source.take_changed() == (Region(((0, 2), (0, 3))),)
    assert source.value_range().high == 5
    assert pending is not None
    assert (before[1].size, values.shape, (~pending).sum()) == (16, (2, 14), 2)
    assert values[:, 0].tolist() == [2, 4]
    array.append([5, 6])
    assert (array.shape, array[1].tolist()[3], array.axes[1].bounds) == ((2, 6), 6, (2, 7))
    cube = LiveArray({"layer": 4, "token": 2})
    cube[1] = 3
    cube.trim()
    assert cube.shape == (2, 2)


def test_what_keeps_it_from_being_filled() -> None:
    """Told to all who watch, without what the traceback would keep alive; not copied."""

    class Odd(Exception):
        def __init__(self, *, reason: str) -> None:
            super().__init__(reason)

    array, requests = LiveArray({"iteration": 2, "token": 2}), []
    source = array.watch(lambda: requests.append(1))
    for error, kind, text in (
        (KeyError("layer"), KeyError, "'layer'"),
        (Odd(reason="full"), RuntimeError, "Odd: full"),
    ):
        try:
            raise error
        except Exception as raised:
            array.report(raised)
        assert type(array.error) is kind
        assert str(array.error) == text
        assert array.error.__traceback__ is None
        assert source.take_error() is source.take_error() is array.error
    assert pickle.loads(pickle.dumps(array)).error is None
    array.report(None)
    array.report(None)
    assert (array.error, source.take_error(), requests) == (None, None, [1, 1, 1])


@pytest.mark.parametrize(
    "sizes", [{"token": 1}, {"iteration": 1}, {"layer": 3}, {"iteration": 9, "token": 9}]
)
def test_room_that_cannot_be_made(sizes: dict[str, int]) -> None:
    """Smaller, no such axis, an axis with texts: nothing changes."""
    array = LiveArray({"iteration": 2, "token": ["a", "b"]})
    with pytest.raises(ValueError, match=r"enlarge\(\) cannot bring \w+ to \d"):
        array.enlarge(**sizes)
    assert array.shape == (2, 2)


def test_room_with_labels() -> None:
    """All that are there come first; numbers may be given too."""
    array = LiveArray({"iteration": 2, "token": ["a"]})
    array[0] = 5
    source = watched(array)
    array.enlarge(token=["a", "b"], iteration=[0, 5, 7])
    assert array.axes[1].labels == ("a", "b")
    assert array.axes[0].coordinates.tolist() == [0, 5, 7]
    assert source.axes is array.axes
    assert (array[0, 0], array.n_written) == (5, 1)
    for token in (["b", "c", "d"], ["a"], [1, 2, 3]):
        with pytest.raises(ValueError, match=r"enlarge\(\) cannot bring token to"):
            array.enlarge(token=token)
    with pytest.raises(TypeError, match="token must have a size or labels, got None"):
        array.enlarge(token=None)
    array.append([1, 2])
    assert array.shape == (3, 2)


def test_texts_laid_over_an_axis_go_on_as_numbers() -> None:
    """A watcher's own labels stay where they were."""
    array = LiveArray({"iteration": 2, "token": 2})
    over = (array.axes[0], make_axis("token", 2, ["a", "b"]))
    source = array.watch(nothing, over)
    assert all(map(Axis.same, source.axes, over))
    array.enlarge(token=4)
    assert source.axes[1].labels == ("a", "b", "2", "3")
    assert source.axes is source.axes


def test_an_appended_label_reaches_who_names_other_axes() -> None:
    """Who reads iterations as 10, 20 sees new tokens; names of its own stay."""
    array = LiveArray({"iteration": 2, "token": ["a"]})
    array[:, 0] = 1
    numbers = make_axis("iteration", 2, [10, 20])
    source = array.watch(nothing, (numbers, None))
    named = array.watch(nothing, (None, make_axis("token", 1, ["first"])))
    array.append([1, 2], dim="token", label="new")
    assert source.axes[0].bounds == (10, 20)
    assert source.axes[1] is array.axes[1]
    assert source.axes is source.axes
    assert named.axes[1].labels == ("first", "new")


def test_a_row_that_does_not_fit_makes_no_room() -> None:
    """Full or not."""
    array = LiveArray({"iteration": 1, "token": 4})
    for expected in (0, 1):
        with pytest.raises(ValueError, match=r"value must fit shape \(4,\), got shape \(3,\)"):
            array.append([1, 2, 3])
        assert (array.shape, array.version) == ((1, 4), expected)
        if not expected:
            array.append(0)


def test_append_needs_iterations() -> None:
    """Layers are known beforehand."""
    with pytest.raises(ValueError, match="append needs an iteration axis, or dim=, the dims are"):
        LiveArray({"layer": 3, "token": 4}).append(1)


def test_when_each_iteration_was_written() -> None:
    """By the clock; 0 where never, and through growth."""
    array = LiveArray({"token": 4, "iteration": 3})
    assert array.written_at.tolist() == [0, 0, 0]
    before = perf_counter()
    array[:, 1] = nan
    array.append(1)
    first, second = array.written_at[1:]
    assert before <= first <= second <= perf_counter()
    array.append(2)
    array[0, 1] = 3
    assert array.written_at.shape == (6,)
    assert np.argsort(array.written_at).tolist() == [0, 4, 5, 2, 3, 1]
    array.written_at[:] = 0
    assert array.written_at.any()
    plain = LiveArray({"layer": 2, "token": 3})
    plain[1, 2] = 1
    assert (plain.written_at > 0).tolist() == [False, True]


def test_what_a_context_calls_before_its_writes() -> None:
    """It can refuse them; those of other contexts go on."""

    def refuse() -> None:
        raise OSError("no more")

    array, context = LiveArray({"iteration": 1, "token": 4}), copy_context()
    context.run(before_write.set, refuse)
    for write in (lambda: array.append(1), lambda: array.__setitem__(0, 1)):
        with pytest.raises(OSError, match="no more"):
            context.run(write)
        assert array.version == 0
    array.append(1)
    with pytest.raises(OSError, match="no more"):
        context.run(array.append, 2)
    assert array.shape == (1, 4)


# Watching


def test_each_watcher_has_its_own_record() -> None:
    """One takes, the other has still to take."""
    array = LiveArray({"iteration": 9, "token": 4})
    first, second = watched(array), watched(array)
    array[1] = 1
    assert rows_of(first.take_changed()) == [1]
    array[2, 1:3] = 1
    array[-1, 0] = 1
    assert first.take_changed() == (Region(((2, 3), (0, 4))), Region(((8, 9), (0, 4))))
    assert second.take_changed() == (Region(((1, 3), (0, 4))), Region(((8, 9), (0, 4))))
    assert first.take_changed() == second.take_changed() == ()
    assert rows_of(array.watch(nothing).take_changed()) == list(range(9))


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (np.int64(2), [2]),
        (slice(1, 6, 2), [1, 3, 5]),
        ([4, 0, 4], [0, 4]),
        ((..., 1), list(range(6))),
        ((..., 3, slice(None)), [3]),
        ((None, 3), [3]),
        ([True, False, False, True, False, False], [0, 3]),
        (np.eye(6, 3, -1, dtype=bool), [1, 2, 3]),
        (([5, 1], [0, 1]), [1, 5]),
        (np.array(2), [2]),
        (True, list(range(6))),
        ((), list(range(6))),
    ],
    ids=str,
)
def test_rows_of_any_index(index: Any, rows: list[int]) -> None:
    """No more rows than were written count as changed."""
    array = LiveArray({"layer": 6, "token": 3})
    source = watched(array)
    array[index] = 1
    assert np.flatnonzero(array.written.any(axis=1)).tolist() == rows
    assert rows_of(source.take_changed()) == rows


def test_many_runs_are_one() -> None:
    """So that a reader does not pay for each."""
    array = LiveArray({"iteration": 400, "token": 2})
    source = watched(array)
    array[10:138:2] = 1
    assert len(source.take_changed()) == 64
    array[10:140:2] = 1
    assert source.take_changed() == (Region(((10, 139), (0, 2))),)


def test_request_comes_after_each_write_under_no_lock() -> None:
    """Another thread can read while the request runs."""
    array, seen = small(), []

    def request() -> None:
        thread = threading.Thread(target=lambda: seen.append((array.version, array[0, 0])))
        thread.start()
        thread.join(5)

    source = array.watch(request)
    array[0] = 1
    array.append(2)
    array.append(2)
    assert seen == [(1, 1), (2, 1), (3, 1)]
    source.close()


def test_a_request_that_raises_is_kept_from_the_writer() -> None:
    """The source keeps the error, the others are told all the same."""
    array, told = small(), []

    def request() -> None:
        raise OSError("no comm")

    bad, good = array.watch(request), array.watch(lambda: told.append(1))
    assert bad.error is None
    array[0] = 1
    array.append(1)
    assert isinstance(bad.error, OSError)
    assert (good.error, told) == (None, [1, 1])
    assert rows_of(watched(array).take_changed()) == []


def test_closed_sources_hear_nothing() -> None:
    """Closing twice does no harm, and what is there can still be read."""
    array, told = small(), []
    source, other = array.watch(lambda: told.append(1)), watched(array)
    source.take_changed()
    source.close()
    source.close()
    array[0] = 1
    assert told == []
    assert source.read(Region(((0, 1), (0, 1)))).values == 1
    assert rows_of(other.take_changed()) == [0]


def test_sources_are_held_weakly() -> None:
    """A widget that is dropped is forgotten, also where it holds itself in a circle."""
    array = small()

    class Widget:
        def __init__(self) -> None:
            self.source = array.watch(self.request)

        def request(self) -> None:
            raise AssertionError("a widget that is gone was told")

    gone = [weakref.ref(Widget()), weakref.ref(array.watch(nothing))]
    kept = array.watch(nothing)
    gc.collect()
    assert [known() for known in gone] == [None, None]
    array[0] = 1
    assert [known() for known in array._watchers] == [kept]
    for _ in range(9):
        array.watch(nothing)
    gc.collect()
    array.watch(nothing)
    assert len(array._watchers) == 2


def test_a_source_closed_amid_a_write() -> None:
    """As when the garbage collector comes by: the same thread does not block itself."""
    array = small()
    source = array.watch(nothing)

    class Closing:
        def __index__(self) -> int:
            source.close()
            return 1

    writer = threading.Thread(target=array.__setitem__, args=(Closing(), 3), daemon=True)
    writer.start()
    writer.join(5)
    assert not writer.is_alive()
    assert array[1].tolist() == [3] * 4


def test_a_write_allocates_next_to_nothing() -> None:
    """However large the array is, and however many watch."""
    array = LiveArray({"iteration": 1000, "token": 1000})
    sources = [watched(array) for _ in range(3)]
    row = np.ones(1000, np.float32)
    array[0] = row
    tracemalloc.start()
    array[1] = row
    array[2, 3:9] = row[3:9]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4000
    assert len(sources) == 3


# The extent of the values


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([nan, inf, -inf], ValueRange()),
        ([0.0, 0.0], ValueRange(0, 0, 0, 0, empty=False)),
        ([0.0, 1.0], ValueRange(0, 1, 1, 1, empty=False)),
        ([0.3, 0.99], ValueRange(0, 1, 0.1, 0.1, empty=False)),
        ([1.01], ValueRange(0, 2, 1, 1, empty=False)),
        ([-0.25, 30.0], ValueRange(-0.5, 50, 10, 0.1, empty=False)),
        ([-7.0, -3.0], ValueRange(-10, 0, 0, 1, empty=False)),
        ([1e-6, 0.1, 0.2, 1e23], ValueRange(0, 1e23, 1e-6, 1e-6, empty=False)),
        ([1e-5, 1], ValueRange(0, 1, 1e-6, 1e-6, empty=False)),
        ([3e-9, 1], ValueRange(0, 1, 1e-12, 1e-12, empty=False)),
        ([3e5, 1e9], ValueRange(0, 1e9, 1e4, 1e4, empty=False)),
        ([5e-324, 1.7e308], ValueRange(0, 1.7e308, 5e-324, 5e-324, empty=False)),
        ([-1.7e308, 5.1], ValueRange(-1.7e308, 10, 1, 1, empty=False)),
    ],
    ids=str,
)
def test_value_range_is_stepped(values: list[float], expected: ValueRange) -> None:
    """Outwards, and what is there lies within; 0..1 stays 0..1."""
    array = LiveArray({"iteration": 2, "token": len(values)}, dtype=float)
    array[1] = values
    assert array.watch(nothing).value_range() == expected
    assert watched(array).value_range() == expected


def test_no_end_is_minus_zero() -> None:
    """It would be read on the colour bar."""
    for row in ([0.5, 1.0], [0.0, 1.0], [-0.0, 0.0], [-1.0, -0.0]):
        array = LiveArray({"iteration": 1, "token": 2})
        array[0] = row
        found = array.watch(nothing).value_range()
        ends = (found.low, found.high, found.smallest_positive, found.smallest_magnitude)
        assert not any(end == 0 and math.copysign(1, end) < 0 for end in ends)


def test_value_range_widens_and_does_not_move_much() -> None:
    """Seen when changes are taken; what was written over counts until the next refresh."""
    array = LiveArray({"iteration": 200, "token": 50})
    source = array.watch(nothing)
    assert source.take_changed()
    assert source.value_range() == ValueRange()
    seen = []
    for k in range(200):
        array[k] = 100 * 0.93**k * np.linspace(0.9, 1, 50)
        source.take_changed()
        seen.append(source.value_range())
    assert seen[0] == ValueRange(0, 100, 10, 10, empty=False)
    assert seen[-1].smallest_positive == 1e-6
    assert len(set(seen)) == 7
    array[:] = 3
    source.take_changed()
    assert source.value_range() == seen[-1]
    source.refresh()
    assert rows_of(source.take_changed()) == list(range(200))
    assert source.value_range() == ValueRange(0, 5, 1, 1, empty=False)


def test_only_changed_rows_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces that hold the lock for a moment."""
    array, looked = LiveArray({"token": 10, "iteration": 7}), []
    scan = watching.scan_values
    monkeypatch.setattr(watching, "SCAN_CELLS", 5)
    monkeypatch.setattr(watching, "scan_values", lambda v: looked.append(v.size) or scan(v))
    source = watched(array)
    assert sum(looked) == 70
    looked.clear()
    array[3:5] = np.arange(14).reshape(2, 7)
    source.take_changed()
    assert looked == [5, 5, 4]
    assert source.value_range() == ValueRange(0, 20, 1, 1, empty=False)
    source.take_changed()
    assert looked == [5, 5, 4]


def test_is_a_source() -> None:
    """All that the frames need of one."""
    source: ArraySource = small().watch(nothing)
    assert source.chunks is None
    assert source.axes[0].name == "iteration"


# Interrupts


HERE = str(Path(watching.__file__).parent)


def interrupted(task: Callable[[], object], place: str, nth: int) -> bool:
    """Whether a task got a Ctrl-C at its nth line in the arrays, or its nth call or return."""
    left = nth

    def trace(frame: Any, kind: str, _: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename.startswith(HERE) and (kind == "line" or place == "call"):
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
        return trace

    begin, others = (
        (sys.settrace, sys.gettrace()) if place == "line" else (sys.setprofile, sys.getprofile())
    )
    begin(trace)
    try:
        with suppress(KeyboardInterrupt):
            task()
    finally:
        begin(others)
    return left < 0


def follow(source: LiveSource, mirror: np.ndarray) -> None:
    """Read what has changed, NaN where pending."""
    for region in source.take_changed():
        values, pending, _ = source.read(region)
        mirror[region.slices] = values if pending is None else np.where(pending, nan, values)


def check_consistent(array: LiveArray, source: LiveSource, mirror: np.ndarray) -> None:
    """All parts agree, and the watcher has been told of each cell that is written."""
    written = array.written
    assert array.shape == written.shape == array.to_numpy().shape
    assert array.shape == tuple(axis.size for axis in array.axes) == array[:].shape
    assert array.shape[0] == array.written_at.size
    assert (array.written_at[written.any(axis=1)] > 0).all()
    expected = np.where(written, array.to_numpy(), nan)
    other = np.full((16, 16), nan)
    follow(source, mirror)
    follow(array.watch(nothing), other)
    for seen in (mirror, other):
        np.testing.assert_array_equal(seen[: array.shape[0], : array.shape[1]], expected)
    assert source.value_range().high >= np.nanmax(expected)


@pytest.mark.parametrize("place", ["line", "call"])
@pytest.mark.parametrize("n_before", [1, 2])
@pytest.mark.parametrize(
    "task",
    [
        lambda array: array.__setitem__(1, 30),
        lambda array: array.__setitem__((-1, slice(1, 3)), [30, 40]),
        lambda array: array.__setitem__(([0, 1], [2, 3]), 30),
        lambda array: array.__setitem__((slice(None), 2), 30),
        lambda array: array.append([30, 40, 50, 60]),
        lambda array: array.enlarge(token=6, iteration=3),
        lambda array: (array.enlarge(iteration=9), array.trim()),
    ],
)
def test_ctrl_c_anywhere_in_a_write(
    task: Callable[[LiveArray], None], n_before: int, place: str
) -> None:
    """It is done or not, all later writes go well, and each watcher learns of what is there."""
    nth, hit = 0, True
    while hit:
        array = LiveArray({"iteration": 2, "token": 4})
        sources, mirrors = [array.watch(nothing) for _ in range(2)], np.full((2, 16, 16), nan)
        for k in range(n_before):
            array[k] = [1, 2, 3, 4]
        for source, mirror in zip(sources, mirrors, strict=True):
            follow(source, mirror)
        hit = interrupted(lambda array=array: task(array), place, nth)
        nth += 1
        np.testing.assert_array_equal(np.isnan(array.to_numpy()), ~array.written)
        check_consistent(array, sources[0], mirrors[0])
        end, version = np.flatnonzero(array.written.any(axis=1))[-1] + 1, array.version
        array.append(70)
        array[0] = 80
        assert array[int(end), 0] == 70
        assert array.version == version + 2
        for source, mirror in zip(sources, mirrors, strict=True):
            check_consistent(array, source, mirror)
    assert nth > 9


@pytest.mark.parametrize("place", ["line", "call"])
@pytest.mark.parametrize("n_before", [1, 2])
def test_ctrl_c_anywhere_in_a_labelled_append(n_before: int, place: str) -> None:
    """The values are there if and only if their label is, and the next ones come after them."""
    for dim, label in (("iteration", 9), ("token", "b")):
        nth, hit = 0, True
        while hit:
            array = LiveArray({"iteration": 2, "token": 2})
            for _ in range(n_before):
                array.append([1, 2], dim=dim)

            def task(array: LiveArray = array, dim: str = dim, label: Any = label) -> None:
                array.append([30, 40], dim=dim, label=label)

            hit = interrupted(task, place, nth)
            nth += 1
            there = bool((array.to_numpy() == 30).any())
            axis = array.axes[array.dims.index(dim)]
            assert (label in (axis.labels or axis.coordinates)) == there
            array.append([50, 60], dim=dim)
            assert array.to_numpy().ravel().tolist().count(30) == there
            assert array.n_written == 2 * (n_before + there + 1)


@pytest.mark.parametrize("place", ["line", "call"])
@pytest.mark.parametrize("look", [LiveSource.take_changed, LiveSource.value_range])
def test_ctrl_c_anywhere_in_a_look(look: Callable[[LiveSource], object], place: str) -> None:
    """The extent misses nothing that was written."""
    nth, hit = 0, True
    while hit:
        array = small()
        source = watched(array)
        array[0] = 30
        hit = interrupted(lambda source=source: look(source), place, nth)
        nth += 1
        source.take_changed()
        assert source.value_range().high == 50
    assert nth > 9


# Threads


def run_all(*tasks: Callable[[], None]) -> None:
    """Run tasks in a thread each; the first error is raised."""
    errors: list[BaseException] = []

    def guarded(task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]


WHOLE = Region(((0, 3), (0, 4)))


@pytest.mark.parametrize(
    "task",
    [
        lambda array, _: array[0],
        lambda array, _: array.to_numpy(),
        lambda array, _: array.to_xarray(),
        lambda array, _: array.written,
        lambda array, _: array.n_written,
        lambda array, _: array.append(1),
        lambda array, _: array.__setitem__(0, 1),
        lambda array, _: array.watch(nothing),
        lambda _, source: source.read(WHOLE),
        lambda _, source: source.take_changed(),
        lambda _, source: source.refresh(),
        lambda _, source: source.close(),
    ],
)
def test_nobody_comes_between(task: Callable[[LiveArray, LiveSource], Any]) -> None:
    """Whoever comes while a value is there but not yet marked waits until it is."""
    array = small()
    source, asked, waited = array.watch(nothing), [], []
    other = threading.Thread(target=task, args=(array, source), daemon=True)

    class Index:
        """Asked for the values first, then for the marks."""

        def __index__(self) -> int:
            asked.append(1)
            if len(asked) == 2:
                other.start()
                other.join(0.02)
                waited.append(other.is_alive())
            return 1

    array[Index()] = 3
    other.join(5)
    assert not other.is_alive()
    assert waited == [True]


def test_a_write_amid_taking_stays_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after the record was read and before it is cleared is told next time."""
    array = small()
    source = watched(array)
    writer = threading.Thread(target=array.__setitem__, args=(2, 1), daemon=True)
    find = np.flatnonzero

    def find_slowly(values: np.ndarray) -> np.ndarray:
        found = find(values)
        writer.start()
        writer.join(0.02)
        return found

    monkeypatch.setattr(np, "flatnonzero", find_slowly)
    assert source.take_changed() == ()
    monkeypatch.undo()
    writer.join(5)
    assert rows_of(source.take_changed()) == [2]


def test_many_threads_write_while_others_read() -> None:
    """8 writers, 10,000 rows: none is lost, and no row is ever seen half written."""
    n_writers, n_rows, width = 8, 10_000, 600  # long enough for numpy to let others run
    array = LiveArray({"iteration": n_rows, "token": width})
    left = [n_writers]

    def write(first: int) -> None:
        row = np.empty(width, np.float32)
        for k in range(first, n_rows, n_writers):
            row[:] = k
            array[k] = row
            array[0] = row  # all fight for this one
        left[0] -= 1  # only to end the readers: one too many goes does no harm

    def look() -> None:
        while left[0] > 0:
            values, pending, _ = source.read(Region(((0, 2), (0, width))))
            gone = np.isnan(values)
            if pending is not None:
                assert (pending == gone).all()
            assert (gone.all(axis=1) | (values == values[:, :1]).all(axis=1)).all()
            assert (array[0] == array[0, 0]).size == width

    def follow() -> None:
        done = False
        while not done:
            done = left[0] <= 0
            for region in source.take_changed():
                mirror[region.slices] = source.read(region).values

    mirror = np.full(array.shape, nan, np.float32)
    source = array.watch(threading.Event().set)
    writers = [lambda first=first: write(first) for first in range(n_writers)]
    run_all(*writers, look, follow)
    for region in source.take_changed():
        mirror[region.slices] = source.read(region).values
    final = array.to_numpy()
    np.testing.assert_array_equal(final[1:], np.arange(1, n_rows)[:, None].repeat(width, 1))
    np.testing.assert_array_equal(mirror, final)
    assert array.version == 2 * n_rows
    assert array.n_written == n_rows * width


def test_many_threads_append() -> None:
    """Each row has a place of its own, through ten rounds of growth."""
    array = LiveArray({"token": 3, "iteration": 1})
    source = array.watch(nothing)

    def append(first: int) -> None:
        for k in range(first, 800, 8):
            array.append(k)
            source.take_changed()

    run_all(*[lambda first=first: append(first) for first in range(8)])
    assert array.shape == (3, 1024)
    assert sorted(array[0, :800].tolist()) == list(range(800))
    assert array.n_written == 2400
    source.take_changed()
    assert source.value_range() == ValueRange(0, 1000, 1, 1, empty=False)


# Any history


class Watcher:
    """What a widget does with a source, checked against the model."""

    def __init__(self, array: LiveArray, view: View) -> None:
        self.source = array.watch(nothing)
        self.view = view
        self.frame: Frame | None = None
        self.unseen = np.ones(array.shape, bool)

    def tick(self, model: LabelledArray) -> None:
        """Render from what changed: as from scratch, and as the model has it."""
        changed = self.source.take_changed()
        covered = np.zeros(model.shape, bool)
        for region in changed:
            covered[region.slices] = True
        assert not (self.unseen & ~covered).any()
        self.unseen = np.zeros(model.shape, bool)
        view = resolve(self.view, self.source.axes, self.source.value_range())
        frame = render(self.source, view, previous=self.frame, changed=changed)
        expected = expected_frame(model, self.view)
        assert_matches(frame, expected)
        assert_states(frame, expected.pending)
        how = {axis.reducer for axis in view.cells.hidden}
        if not {*how, view.cells.pooling} & {"mean", "rms", "std"}:
            assert same(frame, render(self.source, view))
        self.frame = frame


class Histories(RuleBasedStateMachine):
    """Random writes, growth and looks, against a plain array and its mask."""

    @initialize(data=st.data())
    def make(self, data: st.DataObject) -> None:
        names = data.draw(st.permutations(["iteration", "layer", "token"]))
        names = names[data.draw(st.integers(0, 1)) :]
        sizes = [data.draw(st.integers(1, 4)) for _ in names]
        dims = dict(zip(names, sizes, strict=True))
        if "layer" in dims:
            dims["layer"] = range(3, 3 + dims["layer"])
        self.live = LiveArray(dims, dtype=data.draw(st.sampled_from(["f2", "f4", "f8"])))
        self.values = np.full(sizes, nan, self.live.dtype)
        self.written = np.zeros(sizes, bool)
        self.version = 0
        self.watchers = [Watcher(self.live, data.draw(views(self.model()))) for _ in range(2)]

    def model(self) -> LabelledArray:
        return LabelledArray(np.ma.array(self.values, mask=~self.written), self.live.axes)

    def note(self, index: Any, value: Any) -> None:
        """Write to the model."""
        self.values[index] = value
        self.written[index] = True
        self.version += 1
        for watcher in self.watchers:
            watcher.unseen[index] = True

    def draw_value(self, data: st.DataObject, shape: tuple[int, ...]) -> np.ndarray:
        """Something that fits a shape, or is broadcast to it."""
        shape = shape[data.draw(st.integers(0, len(shape))) :]
        shape = tuple(1 if data.draw(st.booleans()) else n for n in shape)
        rng = np.random.default_rng(data.draw(st.integers(0, 99)))
        kind = data.draw(st.sampled_from(["wild", "whole", "positive"]))
        return fill(rng, shape, self.live.dtype.str, kind)

    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        shape = self.values.shape
        index = data.draw(
            st.one_of(
                st.integers(-shape[0], shape[0] - 1),
                stn.basic_indices(shape, allow_newaxis=True),
                stn.integer_array_indices(shape),
                stn.arrays(bool, shape[: data.draw(st.integers(1, len(shape)))]),
            )
        )
        wanted = self.values[index].shape
        masked = isinstance(index, np.ndarray) and index.dtype == bool and index.ndim > 1
        value = self.draw_value(data, () if masked else wanted)
        self.live[index] = value
        self.note(index, value)

    @precondition(lambda self: "iteration" in self.live.dims and self.values.size < 200)
    @rule(data=st.data())
    def append(self, data: st.DataObject) -> None:
        at = self.live.dims.index("iteration")
        used = self.written.any(axis=tuple(i for i in range(self.values.ndim) if i != at))
        end = int(np.flatnonzero(used).max(initial=-1)) + 1
        if end == used.size:
            room = [(0, end if i == at else 0) for i in range(self.values.ndim)]
            self.values = np.pad(self.values, room, constant_values=nan)
            self.written = np.pad(self.written, room)
            for watcher in self.watchers:
                watcher.unseen = np.ones(self.values.shape, bool)
        index = (*[slice(None)] * at, end)
        value = self.draw_value(data, self.values[index].shape)
        self.live.append(value)
        self.note(index, value)

    @rule()
    def trim(self) -> None:
        at = self.live.dims.index("iteration") if "iteration" in self.live.dims else 0
        used = self.written.any(axis=tuple(i for i in range(self.values.ndim) if i != at))
        end = int(np.flatnonzero(used).max(initial=-1)) + 1 or used.size
        self.live.trim()
        if end < used.size:
            kept = (*[slice(None)] * at, slice(end))
            self.values, self.written = self.values[kept].copy(), self.written[kept].copy()
            self.version += 1
            for watcher in self.watchers:
                watcher.unseen = np.ones(self.values.shape, bool)

    @rule(data=st.data())
    def write_what_does_not_fit(self, data: st.DataObject) -> None:
        n = self.values.shape[-1]
        row = data.draw(st.sampled_from([np.ones(n + 2), "x", 1j, np.array([None] * n)]))
        with pytest.raises((TypeError, ValueError)):
            self.live[0] = row
        with pytest.raises(IndexError):
            self.live[len(self.live)] = 1

    @rule(which=st.integers(0, 9))
    def tick(self, which: int) -> None:
        self.watchers[which % len(self.watchers)].tick(self.model())

    @rule(which=st.integers(0, 9))
    def refresh(self, which: int) -> None:
        watcher = self.watchers[which % len(self.watchers)]
        watcher.source.refresh()
        watcher.unseen[...] = True

    @rule(which=st.integers(0, 9), data=st.data())
    def look_elsewhere(self, which: int, data: st.DataObject) -> None:
        self.watchers[which % len(self.watchers)].view = data.draw(views(self.model()))

    @precondition(lambda self: len(self.watchers) < 4)
    @rule(data=st.data())
    def join(self, data: st.DataObject) -> None:
        self.watchers.append(Watcher(self.live, data.draw(views(self.model()))))

    @precondition(lambda self: len(self.watchers) > 2)
    @rule(closed=st.booleans())
    def leave(self, closed: bool) -> None:
        gone = self.watchers.pop(0)
        if closed:
            gone.source.close()

    @invariant()
    def is_the_model(self) -> None:
        if hasattr(self, "live"):
            np.testing.assert_array_equal(self.live.to_numpy(), self.values)
            np.testing.assert_array_equal(self.live.written, self.written)
            assert self.live.version == self.version

    def teardown(self) -> None:
        for watcher in getattr(self, "watchers", ()):
            watcher.tick(self.model())


TestHistories = pytest.mark.filterwarnings("error")(Histories.TestCase)
TestHistories.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


# Any axes


def four_axes() -> LiveArray:
    return LiveArray({"seed": [42, 7], "layer": 3, "token": ["a", "b"], "step": 4})


@pytest.mark.parametrize(
    "index", [1, -1, (0, 2), (..., 3), (slice(None), 1, 0), ([0, 1], 2), (1, 1, 1, 1)]
)
def test_any_index_of_four_axes(index: Any) -> None:
    live, plain = four_axes(), np.full((2, 3, 2, 4), np.nan, np.float32)
    seen = live.watch(lambda: None)
    seen.take_changed()
    live[index] = plain[index] = 5
    np.testing.assert_array_equal(live.to_numpy(), plain)
    np.testing.assert_array_equal(live.written, ~np.isnan(plain))
    changed = np.zeros(plain.shape, bool)
    for region in seen.take_changed():
        changed[region.slices] = True
    assert changed[live.written].all()
    # Steps are iterations.
    assert (live.written_at > 0).tolist() == (~np.isnan(plain)).any(axis=(0, 1, 2)).tolist()


def test_append_goes_along_any_axis_with_labels() -> None:
    live = LiveArray({"iteration": 2, "token": ["It"]})
    seen = live.watch(lambda: None)
    live.append([1, 2], dim="token", label="It")
    assert live.axes[1].labels == ("It",)
    for text in (" is", " so", "."):
        live.append([3, 4], dim="token", label=text)
    assert live.axes[1].labels == ("It", " is", " so", ".")
    assert live.to_numpy().tolist() == [[1, 3, 3, 3], [2, 4, 4, 4]]
    assert seen.axes is live.axes
    live.append([5, 6], dim="token")
    assert live.axes[1].labels == ("It", " is", " so", ".", "4", "5", "6", "7")
    live.trim("token")
    assert live.shape == (2, 5)


def test_append_of_tokens_that_had_no_texts() -> None:
    live = LiveArray({"iteration": 2, "token": 3})
    live.append([1, 2], dim="token")
    live.append([1, 2], dim="token", label=7)
    assert live.axes[1].labels == ("0", "7", "2")


def test_append_of_numbers() -> None:
    live = LiveArray({"checkpoint": [0, 1000], "layer": 2})
    for label in (None, 500, 143000):
        live.append([1, 2], dim="checkpoint", label=label)
    assert live.axes[0].coordinates.tolist() == [0, 500, 143000, 285500]
    with pytest.raises(ValueError, match="checkpoints must be numbers that strictly increase"):
        live.append([1, 2], dim="checkpoint", label=500)
    assert (live.n_written, live.axes[0].bounds) == (6, (0, 285500))


@pytest.mark.parametrize(
    ("values", "dim", "error", "message"),
    [
        ([1, 2, 3], "token", ValueError, r"value must fit shape \(2,\), got shape \(3,\)"),
        (["x", "y"], "token", TypeError, "value must hold real numbers"),
        ([1, 2], "head", ValueError, "append needs an axis 'head', the dims are"),
    ],
)
def test_append_that_fails_changes_nothing(
    values: Any, dim: str, error: type[Exception], message: str
) -> None:
    live = LiveArray({"iteration": 2, "token": ["a", "b"]})
    live.append([1, 2], dim="token")
    axes, before = live.axes, live.to_numpy()
    with pytest.raises(error, match=message):
        live.append(values, dim=dim, label="new")
    assert live.axes is axes
    np.testing.assert_array_equal(live.to_numpy(), before)
    live.append([3, 4], dim="token", label="new")
    assert live.axes[1].labels == ("a", "new")


def test_append_without_iterations_says_what_there_is() -> None:
    with pytest.raises(ValueError, match="append needs an iteration axis, or dim=, the dims are"):
        LiveArray({"layer": 2, "token": 3}).append([1, 2])
