"""Arrays of any kind side by side: checkpoints, seeds, two runs to compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .adapters.stacked import StackedArray
from .axis import Axis, lay_over, make_axis, number_text
from .extent import ValueRange, widen
from .labelled import LabelledArray, as_labelled, names_axes
from .live import LiveArray
from .source import ArraySource, Block, Region, map_here
from .sources import as_source

_DEFAULT_DIMS = {2: ("iteration", "token"), 3: ("iteration", "layer", "token")}


class LiveStack:
    """Arrays side by side of which one at least is being filled; see `stack`.

    Attributes
    ----------
    parts : tuple of LabelledArray, LiveArray or LiveStack
    quantity : str
    attrs : mapping
    """

    def __init__(
        self, axis: Axis, parts: tuple[Part, ...], quantity: str, attrs: Mapping[str, Any]
    ) -> None:
        self._joined = _JoinedAxes(axis, [None] * len(parts[0].axes), parts)
        self.parts, self.quantity, self.attrs = parts, quantity, attrs

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The new axis, and those of the parts; the same until one of them has changed."""
        return self._joined.now()

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the axes, in order."""
        return tuple(axis.name for axis in self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes, in order."""
        return tuple(axis.size for axis in self.axes)

    def watch(
        self, request: Callable[[], None], axes: tuple[Axis | None, ...] | None = None
    ) -> StackSource:
        """Return a source over all parts that records what changes; see `LiveArray.watch`."""
        sources = [_source_of(part, request) for part in self.parts]
        first, *others = axes or [None] * len(self.dims)
        return StackSource(first or self.axes[0], others, sources)

    def __repr__(self) -> str:
        """Return the sizes in one line."""
        sizes = ", ".join(f"{axis.name}: {axis.size}" for axis in self.axes)
        return f"<LiveStack ({sizes})>"


Part = LabelledArray | LiveArray | LiveStack


class StackSource:
    """Source over arrays side by side; what a shorter one does not have is pending.

    Parameters
    ----------
    axis : Axis
        The new first axis.
    own : sequence of Axis or None
        The other axes, None for each that is the sources' own.
    sources : sequence of ArraySource
        One for each index of the first axis.
    """

    chunks: tuple[int, ...] | None = None
    map = map_here

    def __init__(
        self, axis: Axis, own: Sequence[Axis | None], sources: Sequence[ArraySource]
    ) -> None:
        self._joined, self._sources = _JoinedAxes(axis, own, sources), sources
        self.dtype: np.dtype[Any] = np.result_type(*(source.dtype for source in sources))
        self.in_memory = all(source.in_memory for source in sources)
        chunks = next((s.chunks for s in sources if s.chunks is not None), None)
        self.chunks = None if chunks is None else (1, *chunks)
        self._told = self.axes

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Axes, as long as they are now; the same until one has changed."""
        return self._joined.now()

    def read(self, region: Region) -> Block:
        """Return a copy of a region."""
        (start, stop), *bounds = region.bounds
        values = np.zeros(region.shape, self.dtype)
        pending = np.ones(region.shape, bool)
        for place, source in enumerate(self._sources[start:stop]):
            sizes = [axis.size for axis in source.axes]
            part = Region(
                tuple((a, max(min(b, n), a)) for (a, b), n in zip(bounds, sizes, strict=True))
            )
            if part.size:
                block = source.read(part)
                at: tuple[Any, ...] = (place, *(slice(n) for n in part.shape))
                values[at] = block.values
                pending[at] = False if block.pending is None else block.pending
        return Block(values, pending if pending.any() else None)

    def value_range(self) -> ValueRange:
        """Return the extent of all values."""
        found = ValueRange()
        for source in self._sources:
            found = widen(found, source.value_range())
        return found

    def take_changed(self) -> tuple[Region, ...]:
        """Return what has changed since the last call."""
        axes = self.axes
        grown, self._told = axes is not self._told, axes
        changed = [
            Region(((place, place + 1), *region.bounds))
            for place, source in enumerate(self._sources)
            for region in source.take_changed()
        ]
        return (Region(tuple((0, axis.size) for axis in axes)),) if grown else tuple(changed)

    def refresh(self) -> None:
        """Count everything as changed."""
        for source in self._sources:
            source.refresh()

    def take_error(self) -> Exception | None:
        """Return what went wrong with a part since the last call, or None."""
        errors = [source.take_error() for source in self._sources]
        return next((error for error in errors if error is not None), None)

    def identity(self) -> None:
        """It changes all the time."""

    def close(self) -> None:
        """Request nothing more. Twice does no harm."""
        for source in self._sources:
            source.close()


def stack(
    arrays: Mapping[Any, Any] | Sequence[Any], *, dim: str = "run", quantity: str | None = None
) -> LabelledArray | LiveStack:
    """Arrays side by side along a new first axis; none of them is copied.

    With the reducers ``difference`` and ``log-ratio`` a heatmap compares them.

    Parameters
    ----------
    arrays : mapping of label to array, or sequence of arrays
        Arrays of any kind that a heatmap shows, with the same axes; live ones too. Of a
        sequence the labels are 0, 1, 2, ...
    dim : str, optional
        Name of the new axis.
    quantity : str, optional
        What is measured. By default what the arrays say, where those that say it agree.

    Returns
    -------
    LabelledArray or LiveStack
        To show. It is live where one of the arrays is, and has the attrs on which all agree.

    Raises
    ------
    TypeError
        If `arrays` is neither.
    ValueError
        If there are none, or they have other axes.

    Examples
    --------
    >>> before, after = np.ones((2, 3)), np.zeros((2, 3))
    >>> both = hw.stack({"before": before, "after": after}, dim="checkpoint")
    >>> both.dims, both.shape
    (('checkpoint', 'iteration', 'token'), (2, 2, 3))
    """
    if isinstance(arrays, (str, bytes)) or not isinstance(arrays, (Mapping, Sequence)):
        kind = type(arrays).__name__
        raise TypeError(f"arrays must be a mapping of labels to arrays, or a list, got {kind}")
    labels = list(arrays) if isinstance(arrays, Mapping) else list(range(len(arrays)))
    given = list(arrays.values() if isinstance(arrays, Mapping) else arrays)
    # Plain arrays have the axes of the others, where these name theirs.
    named = next(
        (one for one in given if isinstance(one, Part) or names_axes(one)),
        None,
    )
    dims = _DEFAULT_DIMS if named is None else _dims_of(named)
    parts = tuple(_as_part(one, dims) for one in given)
    if not parts:
        raise ValueError("arrays must hold one array at least, got none")
    live = any(isinstance(part, (LiveArray, LiveStack)) for part in parts)
    for label, part in zip(labels, parts, strict=True):
        _check_alike(label, part, parts[0], growing=live)
    if dim in parts[0].dims:
        raise ValueError(f"dim must be a new name, the dims are {parts[0].dims}, got {dim!r}")
    numbers = all(isinstance(label, (int, float, np.number)) for label in labels)
    axis = make_axis(dim, len(parts), labels if numbers else list(map(str, labels)))
    if quantity is None:
        said = {part.quantity for part in parts} - {""}
        quantity = said.pop() if len(said) == 1 else ""
    attrs = _common([part.attrs for part in parts])
    if live:
        return LiveStack(axis, parts, quantity, attrs)
    data = tuple(part.data for part in parts if isinstance(part, LabelledArray))
    return LabelledArray(StackedArray(data), (axis, *parts[0].axes), quantity, attrs)


def _dims_of(array: Any) -> dict[int, tuple[str, ...]]:
    """Names of the axes of an array, by their number."""
    dims = _as_part(array, _DEFAULT_DIMS).dims
    return {**_DEFAULT_DIMS, len(dims): dims}


def _as_part(array: Any, default_dims: Mapping[int, tuple[str, ...]]) -> Part:
    if isinstance(array, (LiveArray, LiveStack)):
        return array
    return as_labelled(array, default_dims=default_dims)


def _common(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all mappings hold alike."""
    first, *others = found
    return {
        name: value
        for name, value in first.items()
        if all(name in other and _equal(value, other[name]) for other in others)
    }


def _equal(a: Any, b: Any) -> bool:
    try:
        return a is b or (type(a) is type(b) and bool(np.array_equal(a, b)))
    except Exception:  # such as two dictionaries with arrays in them
        return False


def _check_alike(label: Any, part: Part, first: Part, *, growing: bool) -> None:
    """Refuse an array with other axes than the first one; live ones may be longer."""
    sizes = part.shape == first.shape or growing
    same = part.dims == first.dims and sizes
    if not same or not all(map(_continues, part.axes, first.axes)):
        texts = [", ".join(f"{a.name}: {a.size}" for a in one.axes) for one in (first, part)]
        change = texts[1] if texts[0] != texts[1] else "other labels"
        raise ValueError(f"arrays must have the same axes ({texts[0]}), got {change} of {label!r}")


def _continues(a: Axis, b: Axis) -> bool:
    size = min(a.size, b.size)
    same: bool = np.array_equal(a.coordinates[:size], b.coordinates[:size])
    return same and (a.labels or ())[:size] == (b.labels or ())[:size]


class _JoinedAxes:
    """Axes of arrays side by side, made anew only when those of one have changed.

    Parameters
    ----------
    axis : Axis
        The new one.
    own : sequence of Axis or None
        What lies over those of the parts, None where nothing does.
    parts : sequence of what has axes
    """

    def __init__(
        self, axis: Axis, own: Sequence[Axis | None], parts: Sequence[Part | ArraySource]
    ) -> None:
        self._axis, self._own, self._parts = axis, own, parts
        # What they were made of, and they; one assignment for all threads.
        self._made: tuple[list[Any], tuple[Axis, ...]] = ([], ())

    def now(self) -> tuple[Axis, ...]:
        found = [part.axes for part in self._parts]
        seen, axes = self._made
        if len(seen) != len(found) or any(a is not b for a, b in zip(seen, found, strict=True)):
            joined = map(_join, zip(*found, strict=True))
            axes = (self._axis, *lay_over(self._own, joined))
            self._made = found, axes
        return axes


def _join(axes: tuple[Axis, ...]) -> Axis:
    """The longest one, with the texts that any of them has; of the first that has one."""
    longest = max(axes, key=lambda axis: axis.size)
    numbers = list(map(number_text, longest.coordinates))
    texts = list(numbers)
    for axis in reversed(axes):
        for k, text in enumerate(axis.labels or ()):
            # A number stands where no text came yet.
            texts[k] = texts[k] if text == numbers[k] else text
    return replace(longest, labels=tuple(texts)) if any(a.labels for a in axes) else longest


def _source_of(part: Part, request: Callable[[], None]) -> ArraySource:
    if isinstance(part, (LiveArray, LiveStack)):
        return part.watch(request)
    return as_source(part)
