"""An array that is being filled: any thread writes, and each watcher learns what changed."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy, deepcopy
from math import prod
from threading import RLock
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .axis import Axis, make_axis
from .cells import Cells, make_cells
from .labelled import LabelledArray, as_labelled
from .names import find_roles
from .watching import LiveSource
from .writing import before_write, convert, select


class LiveArray:
    """Array that is filled, from any number of threads, while it is looked at.

    A cell is pending until it is written, be it with NaN. ``live[index] = value`` takes any
    numpy index; a value that does not fit changes nothing. What is read (``live[index]``,
    `to_numpy`, ``np.asarray(live)``) is a copy, NaN where pending.

    Parameters
    ----------
    dims : mapping of str to int or sequence
        Size or labels of each dim, in order: numbers, texts, or a mapping of numbers to texts.
    dtype : dtype
        A floating type.
    quantity : str
        What is measured, with its unit if it has one.
    attrs : mapping, optional
        Anything else that is known: origin, model, seed.

    Attributes
    ----------
    error : Exception or None
        What keeps it from being filled, without traceback; see `report`.

    Raises
    ------
    TypeError
        If `dtype` is not floating, or a size or label is of the wrong kind.
    ValueError
        If names, sizes and labels do not make an array of two or more axes.

    Examples
    --------
    >>> live = hw.LiveArray({"iteration": 4, "token": ["the", "cat"]})
    >>> live[0] = [3.0, 1.0]
    >>> live
    <LiveArray (iteration: 4, token: 2) float32, 2 of 8 written>
    >>> live[:2]
    array([[ 3.,  1.],
           [nan, nan]], dtype=float32)
    >>> live.trim()  # cut off the iterations that were not written
    >>> live.shape
    (1, 2)
    """

    def __init__(
        self,
        dims: Mapping[str, int | Sequence[Any]],
        *,
        dtype: DTypeLike = np.float32,
        quantity: str = "",
        attrs: Mapping[str, Any] | None = None,
    ) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        if self.dtype.kind != "f":
            raise TypeError(f"dtype must be a floating type, got {self.dtype}")
        # All that goes with one size, so that growth is one assignment.
        self._cells = make_cells(_make_axes(dims), self.dtype)
        self.quantity = quantity
        self.attrs = dict(attrs or {})
        self.version = 0
        self.error: Exception | None = None
        self._watchers: tuple[ref[LiveSource], ...] = ()
        # Reentrant, because the garbage collector may close a watcher inside a write.
        self._lock = RLock()

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Axes, in order; others once it has grown."""
        return self._cells.axes

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the axes, in order."""
        return tuple(axis.name for axis in self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes, in order, whether written or not."""
        return self._cells.values.shape

    @property
    def written(self) -> NDArray[np.bool_]:
        """Which cells have been written, in the shape of the array; a copy."""
        with self._lock:
            return np.array(self._cells.written)

    @property
    def n_written(self) -> int:
        """Number of cells that have been written."""
        with self._lock:
            return int(np.count_nonzero(self._cells.written))

    @property
    def written_at(self) -> NDArray[np.float64]:
        """When each iteration was last written, in seconds of `time.perf_counter`; a copy.

        0 where it never was. Without an iteration axis, of each index of the first one.
        """
        with self._lock:
            return np.array(self._cells.written_at)

    def __setitem__(self, index: Any, value: Any) -> None:
        """Write a value of real numbers that fits, as numpy has it; else nothing changes.

        IndexError beyond the size of an axis: only `append` makes room. TypeError for what
        is no real number, ValueError for a shape that does not fit. A finite number beyond
        the array's type becomes its largest one.
        """
        before_write.get()()
        data = convert(value, self.dtype)
        with self._lock:
            watchers = self._write(self._cells, index, data, self.axes)
        for watcher in watchers:
            watcher._notify()

    def append(self, values: Any, *, dim: str | None = None, label: Any = None) -> None:
        """Write the index after the last one written along an axis; room doubles when it runs out.

        Parameters
        ----------
        values : array_like, shape as the array's without that axis
        dim : str, optional
            Name of the axis; by default that of the iterations.
        label : str or float, optional
            Text of the index, or its number where the axis has numbers. By default the last
            step goes on.

        Raises
        ------
        TypeError, ValueError
            As for any write, where there is no such axis, and for a number that is not in
            order. Then nothing has changed.

        Examples
        --------
        >>> live = hw.LiveArray({"token": ["It"], "iteration": 2})
        >>> live[0] = [1.0, 0.6]
        >>> live.append([1.0, 0.5], dim="token", label=" is")
        >>> live.shape, live.axes[0].labels
        ((2, 2), ('It', ' is'))
        """
        name = find_roles(self.dims).get("iteration") if dim is None else dim
        if name not in self.dims:
            wanted = "an iteration axis, or dim=" if dim is None else f"an axis {dim!r}"
            raise ValueError(f"append needs {wanted}, the dims are {self.dims}")
        before_write.get()()
        data = convert(values, self.dtype)
        with self._lock:
            cells, shape, axis = self._cells, list(self.shape), self.dims.index(name)
            end = cells.find_end(axis)
            if end == shape[axis]:
                shape[axis] *= 2
                cells = cells.resized(shape, self.version + 1)
            axes = cells.axes
            if label is not None:
                axes = (*axes[:axis], axes[axis].with_label(end, label), *axes[axis + 1 :])
            watchers = self._write(cells, cells.place(axis, end), data, axes)
        for watcher in watchers:
            watcher._notify()

    def enlarge(self, **sizes: int | Sequence[Any]) -> None:
        """Make room along axes, for sizes known late: ``live.enlarge(token=12)``.

        What is there stays, and what is new is pending. Numbers go on in their last step.

        Parameters
        ----------
        **sizes : int or sequence
            Size of an axis, or the labels of all its indices, those that it has first.

        Raises
        ------
        TypeError
            If it is neither.
        ValueError
            If there is no such axis, it is larger already, or has texts that do not go on.

        Examples
        --------
        >>> live = hw.LiveArray({"iteration": 2, "token": ["It"]})
        >>> live.enlarge(token=["It", " is"])
        >>> live.shape, live.axes[1].labels
        ((2, 2), ('It', ' is'))
        """
        wanted = {name: _size_and_labels(name, given) for name, given in sizes.items()}
        with self._lock:
            axes = {axis.name: axis for axis in self.axes}
            for name, (size, labels) in wanted.items():
                axis = axes.get(name)
                if axis is not None and size >= axis.size:
                    new = axis.resized(size) if labels is None else make_axis(name, size, labels)
                    goes_on = labels is not None and (new.labels or ())[: axis.size] == axis.labels
                    if goes_on or not axis.labels:
                        axes[name] = new
                        continue
                raise ValueError(f"enlarge() cannot bring {name} to {sizes[name]}, got {self!r}")
            version = self.version + 1
            cells = self._cells.resized([axis.size for axis in axes.values()], version)
            cells.axes = tuple(axes.values())
            self._cells, self.version = cells, version
            watchers = self._alive()
        for watcher in watchers:
            watcher._notify()

    def trim(self, dim: str | None = None) -> None:
        """Cut off the indices after the last one written; room that nothing came for.

        `append` makes room again. Nothing is cut where nothing is written.

        Parameters
        ----------
        dim : str, optional
            Name of the axis; by default that of the iterations, else the first one.
        """
        if dim is not None and dim not in self.dims:
            raise ValueError(f"trim needs an axis {dim!r}, the dims are {self.dims}")
        with self._lock:
            cells, shape, version = self._cells, list(self.shape), self.version + 1
            axis = cells.at if dim is None else self.dims.index(dim)
            shape[axis] = cells.find_end(axis) or shape[axis]
            if shape == list(self.shape):
                return
            self._cells, self.version = cells.resized(shape, version), version
            watchers = self._alive()
        for watcher in watchers:
            watcher._notify()

    def report(self, error: Exception | None) -> None:
        """Say what keeps the array from being filled; heatmaps show it in their status line.

        Parameters
        ----------
        error : Exception or None
            None takes it away.
        """
        if error is self.error:
            return
        with self._lock:
            self.error = error and _without_traceback(error)
            watchers = self._alive()
        for watcher in watchers:
            watcher._notify()

    def __getitem__(self, index: Any) -> Any:
        """Return the values at an index as a copy, NaN where pending."""
        with self._lock:
            return np.array(select(self._cells.values, index, self.axes))[()]

    def __len__(self) -> int:
        """Return the size of the first axis."""
        return self.axes[0].size

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Return a copy of the values, so that numpy functions take the whole thing."""
        if copy is False:
            raise ValueError("a LiveArray can only be copied, got copy=False")
        return self.to_numpy().astype(self.dtype if dtype is None else dtype, copy=False)

    def to_numpy(self) -> NDArray[Any]:
        """Return a copy of the values, NaN where pending."""
        with self._lock:
            return np.array(self._cells.values)

    def to_xarray(self) -> Any:
        """Return a copy as `xarray.DataArray`, NaN where pending; xarray must be installed."""
        with self._lock:
            array = LabelledArray(self.to_numpy(), self.axes, self.quantity, self.attrs)
        return array.to_xarray()

    def __repr__(self) -> str:
        """Return sizes, type, quantity and how much is written in one line."""
        sizes = ", ".join(f"{axis.name}: {axis.size}" for axis in self.axes)
        what = f" {self.quantity}" if self.quantity else ""
        count = f"{self.n_written} of {prod(self.shape)} written"
        return f"<LiveArray ({sizes}) {self.dtype}{what}, {count}>"

    def __getstate__(self) -> dict[str, Any]:
        """Return what `copy` and `pickle` make another array of: its own memory, no watchers."""
        with self._lock:
            own = {"_cells": deepcopy(self._cells), "attrs": dict(self.attrs), "error": None}
            state = {**self.__dict__, **own, "_watchers": ()}
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Be what another array was."""
        self.__dict__.update(state, _lock=RLock())

    def watch(
        self, request: Callable[[], None], axes: tuple[Axis | None, ...] | None = None
    ) -> LiveSource:
        """Return a source over the array that records what changes.

        Parameters
        ----------
        request : callable
            Called after each write, on the thread that wrote, under no lock: it must be
            quick. The writer never sees what it raises.
        axes : tuple of Axis or None, optional
            Axes under which the source is read; None for each that is the array's own.
        """
        with self._lock:
            source = LiveSource(self, request, axes)
            self._watchers = (*map(ref, self._alive()), ref(source))
        return source

    def _write(
        self, cells: Cells, index: Any, data: NDArray[Any], axes: tuple[Axis, ...]
    ) -> list[LiveSource]:
        """Write to the cells, hold them from now on, and return whom to tell; under the lock."""
        version = self.version + 1
        cells.write(index, data, version, axes)
        self._cells, self.version = cells, version
        return self._alive()

    def _alive(self) -> list[LiveSource]:
        """Watchers that someone still holds; the others are forgotten."""
        alive = [watcher for known in self._watchers if (watcher := known()) is not None]
        if len(alive) < len(self._watchers):
            self._watchers = tuple(map(ref, alive))
        return alive


def _without_traceback(error: Exception) -> Exception:
    """Copy that keeps alive nothing of what its traceback reaches, such as a model's states."""
    try:
        twin = copy(error)
    except Exception:  # one that is not made of its own arguments
        twin = RuntimeError(f"{type(error).__name__}: {error}")
    # Libraries that send errors to other processes, such as distributed, have them copied whole.
    twin.__cause__ = twin.__context__ = None
    return twin.with_traceback(None)


def _make_axes(dims: Any) -> tuple[Axis, ...]:
    """Axes from sizes or labels, by the rules of any other array."""
    if not isinstance(dims, Mapping):
        raise TypeError(f"dims must be a mapping of names to sizes or labels, got {dims!r}")
    given = {name: _size_and_labels(name, value) for name, value in dims.items()}
    # A stand-in of the right shape, which takes no memory.
    stand_in = np.broadcast_to(np.float32(0), [size for size, _ in given.values()])
    as_labelled(stand_in, default_dims={}, dims=tuple(dims))
    return tuple(make_axis(name, *size_and_labels) for name, size_and_labels in given.items())


def _size_and_labels(name: Any, given: Any) -> tuple[int, Any]:
    try:
        size = operator.index(given)
    except TypeError:
        if not isinstance(given, Iterable):
            raise TypeError(f"{name} must have a size or labels, got {given!r}") from None
        labels = given if isinstance(given, (str, bytes, Mapping)) else list(given)
        return len(labels), labels
    if size < 1:
        raise ValueError(f"{name} must have a size of 1 or more, got {size}")
    return size, None
