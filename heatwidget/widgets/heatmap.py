"""The heatmap widget: traits -> View -> Frame -> mark; one tick, one lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Any, ClassVar

import traitlets

from ..arrays import LabelledArray
from ..frames import Frame
from ..frames.bins import part_of
from ..scene import cell_at
from .arguments import (
    DATA_KEYWORDS,
    check_keywords,
    choose_axes,
    hint_at,
    label_array,
    make_source,
)
from .binding import Box
from .lifetime import AutoClosingBox
from .model import ALL, DERIVED_TRAITS, RANGE_ROLES, VIEW_TRAITS, HeatmapModel, fill
from .scheduler import make_scheduler
from .screen import Screen
from .traits import AskedRange, set_together

# Share of the picture: a box smaller than this both ways is a click that slipped, and along a
# side on which it is smaller than that it stands for all of it.
_SMALL_BOX = 0.01
_FLAT_BOX = 0.03


class Heatmap(HeatmapModel, AutoClosingBox):
    """Interactive heatmap of two axes of an array; all others are collapsed.

    Every keyword is a trait: it can be read, and, but for those that describe the array,
    set, observed and linked. Call `set_array` to show another array.

    Parameters
    ----------
    array : array_like, LabelledArray, LiveArray or xarray.DataArray
        Real numbers with two or more axes. It is not copied. What is written to a `LiveArray`
        shows by itself; call `refresh` after a change in place of any other.
    dims : sequence of str, optional
        Names of the axes in order, any names. By default the array's own, else those that the
        widget expects. The widget knows what ``iteration``, ``layer``, ``token``, ``prompt``
        and common synonyms (``step``, ``position``, ...) mean.
    tokens, prompts : sequence of str, optional
        Text of each index along that axis.
    layers, iterations : sequence, optional
        Number or text of each index; numbers in order, up or down. By default 0, 1, 2, ...
    coords : mapping of str to sequence, optional
        The same by name of the axis, for any axis; a mapping of numbers to texts gives both.
    rows, columns : str, optional
        Axes shown down and across; by default those that the widget expects, else the last
        two of the array.
    **traits
        Any trait of the widget.

    Raises
    ------
    TypeError
        For an unknown keyword, or values that are no real numbers.
    ValueError
        Where shape, dims and labels do not fit each other.
    traitlets.TraitError
        Where a trait's value is not allowed.

    Examples
    --------
    >>> heatmap = hw.Heatmap(np.ones((2, 3, 4)), dims=("seed", "layer", "token"))
    >>> heatmap.ranges = {"seed": (1, 1)}
    >>> heatmap
    <Heatmap (seed: 2, layer: 3, token: 4) rows=layer columns=token>
    """

    frame = traitlets.Instance(Frame, allow_none=True, read_only=True, help="What is on screen.")
    hovered = traitlets.Dict(
        None,
        allow_none=True,
        read_only=True,
        help="Number of the cell under the pointer on each axis shown; None where there is none.",
    )

    # Where the pointer is, as fractions down and across.
    _place: tuple[float, float] | None = None

    _default_dims: ClassVar[Mapping[int, tuple[str, ...]]] = {
        2: ("iteration", "item"),
        3: ("iteration", "layer", "item"),
    }

    def __init__(self, array: Any, **keywords: Any) -> None:
        self._lock = RLock()
        name = type(self).__name__
        check_keywords(keywords, self._keywords(), f"{name}()")
        data = {key: keywords.pop(key, None) for key in DATA_KEYWORDS}
        shown = (keywords.pop("rows", None), keywords.pop("columns", None))
        labelled = label_array(array, data, self._default_dims)
        shown = choose_axes(labelled.dims, self._settled_axes, *shown, name)
        self._initial_shown = shown
        # One for each that sets more than one thing, and wants one drawing for all.
        self._held: set[object] = set()
        super().__init__(layout=keywords.pop("layout", None))
        self._own_width = self.layout.max_width is None
        self._set_width()
        self._build()
        self._closed = False
        try:
            with self._one_tick():
                self._adopt(array, labelled, shown)
                self._set_traits(keywords)
        except BaseException:
            self.close()
            raise
        self._initial = self.view_state()

    @property
    def play(self) -> Any:
        """The play button, an `ipywidgets.Play`: its `interval` and `repeat` can be set.

        None where there are no iterations to play.
        """
        return self._screen.panel.play

    @property
    def error(self) -> Exception | None:
        """What the last drawing has raised, as the status line says it; None if all went well."""
        return self._screen.view.error

    @property
    def reading(self) -> float | None:
        """Share of what is read beside the page, 0 to 1; None where there is no more to read."""
        reader = self._screen.reader
        return None if reader is None else reader.share

    def reset(self) -> None:
        """Put the view back as it was made, or to all of the array given to `set_array`."""
        with self._one_tick():
            self._set_traits(dict(zip(("rows", "columns"), self._initial_shown, strict=True)))
            self.set_view_state(self._initial)

    def transpose(self) -> None:
        """Swap rows and columns."""
        self.rows = self.columns

    def refresh(self) -> None:
        """Draw again after the array, or its file, was changed in place."""
        with self._lock:
            if self._screen.reader is not None:
                self._screen.reader.refresh()
        self._tick()

    def flush(self) -> None:
        """Bring all that is asked for, and all that was written, on screen before this returns.

        It waits for what has to be read of an array that is not in memory, and raises what
        went wrong there. While another thread is amid `reset` or `set_array`, that one draws
        when it is done.
        """
        self._tick()
        reader = self._screen.reader
        if reader is not None and not reader.in_memory:
            reader.wait()
            self._tick()
            if reader.error is not None:
                # Not the error itself: its traceback would keep the widget alive.
                raise OSError(str(reader.error)) from reader.error

    def wait_for_reading(self, timeout: float | None = None) -> bool:
        """Wait until all is read that the background thread has to read; nothing is drawn here.

        Parameters
        ----------
        timeout : float, optional
            Seconds, at most. By default as long as it takes.

        Returns
        -------
        bool
            False if it took longer.
        """
        reader = self._screen.reader
        return reader is None or reader.wait(timeout)

    def stop_reading(self) -> None:
        """Leave the picture as coarse as it is, until `resume_reading` or `refresh`."""
        if self._screen.reader is not None:
            self._screen.reader.stop()

    def resume_reading(self) -> None:
        """Go on with what `stop_reading` has left, or with what has failed."""
        if self._screen.reader is not None:
            self._screen.reader.resume()

    def set_array(self, array: Any, **data: Any) -> None:
        """Show another array. What is asked to be seen stays, where it still fits.

        Parameters
        ----------
        array : array_like, LabelledArray, LiveArray or xarray.DataArray
        **data
            ``dims``, ``tokens``, ``prompts``, ``layers``, ``iterations``, ``coords``, as for the
            widget.
        """
        if self._closed:
            raise RuntimeError(f"set_array() on a closed {type(self).__name__}")
        check_keywords(data, DATA_KEYWORDS, "set_array()")
        labelled = label_array(array, data, self._default_dims)
        name = type(self).__name__
        kept = {self.rows, self.columns} <= set(labelled.dims)
        rows, columns = (self.rows, self.columns) if kept else (None, None)
        shown = choose_axes(labelled.dims, self._settled_axes, rows, columns, name)
        with self._one_tick():
            self._adopt(array, labelled, shown)
        self._initial_shown = shown
        self._initial.update({name: list(ALL) for name in RANGE_ROLES}, ranges={})

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a trait; refuse a name that is none, in which what is meant would be lost.

        A class of the user's own may set attributes of its own.
        """
        own = type(self).__module__.startswith(f"{__package__}.")
        if own and not name.startswith("_") and not hasattr(type(self), name):
            hint = hint_at(name, self._keywords())
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{hint}")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        """Return what is shown in one line."""
        if self._closed:
            return f"<{type(self).__name__} closed>"
        sizes = ", ".join(f"{axis.name}: {axis.size}" for axis in self._axes)
        return f"<{type(self).__name__} ({sizes}) rows={self.rows} columns={self.columns}>"

    def _build(self) -> None:
        # What it makes must not keep it alive.
        self._scheduler = make_scheduler(self._tick, self.interval)
        self._screen = Screen(self)
        self._screen.write(self)
        self.add_class("heatwidget")
        self.children = self._screen.widgets

    def _adopt(self, array: Any, labelled: LabelledArray, shown: tuple[str, str]) -> None:
        """Take an array, and all that depends on it; the traits that say so follow."""
        request = self._scheduler.request
        with self._lock:
            self._screen.take(make_source(array, labelled, request), request, shown)
            self._axes_changed()
        said = self._heard(quantity=labelled.quantity, title=labelled.attrs.get("title"))
        set_together(
            self,
            {
                **dict(zip(("rows", "columns"), shown, strict=True)),
                **self._screen.description,
                **self._fitting(),
                **said,
            },
        )

    def _axes_changed(self) -> None:
        """Check ranges against the axes that there are now; under the lock."""
        if self._axes is not self._screen.axes:
            self._axes = self._screen.axes
            self._screen.panel.follow()  # what another thread has set meanwhile

    def _end(self, *, wait: bool) -> None:
        try:
            with self._lock:
                if self._closed:
                    return
                self._closed = True
                self._screen.close(wait=wait)
        finally:
            # Outside the lock, for which the drawing under way may wait.
            self._scheduler.close(wait=wait)

    @contextmanager
    def _one_tick(self) -> Iterator[None]:
        """Draw once for all that is set meanwhile."""
        token = object()
        try:
            # Under the lock: a tick that another thread has begun ends first.
            with self._lock:
                self._held.add(token)
            yield
        finally:
            # Without: an interrupt while waiting would leave it there for good.
            self._held.discard(token)
            try:
                self._tick()
            finally:
                self._screen.panel.follow()

    def _tick(self) -> None:
        """Bring the screen up to what is asked and what the array holds."""
        what = "cannot draw"
        try:
            self._show()
            what = "an observer failed"
            self._announce()
        except Exception as error:
            self._report(error, what)
            raise
        self._report(*self._screen.take_error())

    def _report(self, error: Exception | None, what: str) -> None:
        """Say in the status line what went wrong."""
        with self._lock:
            if not self._closed:
                self._screen.view.report(error, what)

    def _show(self) -> None:
        with self._lock:
            if not self._held and not self._closed:
                self._screen.draw(self)
                self._axes_changed()

    def _announce(self) -> None:
        """Say what the array is and what is on screen, under no lock: observers may do anything.

        Until it is the latest: another thread may have ticked since.
        """
        if self._held:
            return
        while any(
            getattr(self, name) is not said for name, said in self._screen.description.items()
        ):
            set_together(self, self._screen.description)
        try:
            while (latest := self._screen.frame) is not None and latest is not self.frame:
                self.set_trait("frame", latest)
            self._tell_hovered()
        finally:
            self._tell_ranges()

    def _set_from_control(self, name: str, value: Any, dim: str | None = None) -> None:
        """Set a trait, or its entry of an axis; an error is shown on the page too."""
        with self._reporting():
            super()._set_from_control(name, value, dim)

    def _transpose_from_control(self) -> None:
        """Swap rows and columns; an error is shown on the page too."""
        with self._reporting():
            self.transpose()

    def _narrow_from_control(self, box: Box) -> None:
        """Show the part of the picture in a box; an error is shown on the page too."""
        frame = self.frame
        if frame is None or all(end - start < _SMALL_BOX for start, end in box):
            return
        cells = frame.view.cells
        sides = ((cells.rows, cells.row_window), (cells.columns, cells.column_window))
        ranges = {
            dim: axis.range_of(part_of(window, span))
            for (dim, window), span in zip(sides, box, strict=True)
            # A box that is hardly as high as a line is one of columns alone.
            if (axis := self._axis(dim)) is not None and span[1] - span[0] >= _FLAT_BOX
        }
        with self._reporting():
            self._set_ranges_from_control(ranges)

    def _widen_from_control(self) -> None:
        """Show all of the axes that are shown; an error is shown on the page too."""
        with self._reporting():
            self._set_ranges_from_control(dict.fromkeys((self.rows, self.columns), ALL))

    def _reset_from_control(self) -> None:
        """Put the view back; an error is shown on the page too."""
        with self._reporting():
            self.reset()

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Say in the status line what a control has caused: a page does not show exceptions."""
        try:
            yield
        except Exception as error:
            self._report(error, "an observer failed")
            raise

    def _point(self, place: tuple[float, float] | None) -> None:
        """Take where the pointer is: fractions down and across, or None."""
        with self._lock:
            if not self._closed:
                self._place = place
                self._screen.view.point(place)
        self._tell_hovered()

    def _tell_hovered(self) -> None:
        """Say which cell is under the pointer, of the frame that is known; under no lock."""
        frame, place, found = self.frame, self._place, None
        if frame is not None and place is not None:
            row, column = cell_at(frame, *place)
            cells = frame.view.cells
            sides = (cells.rows, frame.row_edges[row]), (cells.columns, frame.column_edges[column])
            axes = {axis.name: axis for axis in self._axes}
            found = {dim: axes[dim].coordinate(int(at)) for dim, at in sides if dim in axes}
        if found != self.hovered:
            self.set_trait("hovered", found)

    @traitlets.observe("rows", "columns")
    def _shown_changed(self, change: Any) -> None:
        with self._lock:
            if not self._closed:
                self._screen.show_axes((self.rows, self.columns))
        self._view_asked(change["name"])

    @traitlets.observe(*(name for name in VIEW_TRAITS if name not in DERIVED_TRAITS))
    def _view_changed(self, change: Any) -> None:
        self._view_asked(change["name"])

    def _view_asked(self, name: str) -> None:
        # The picture first: what the eye waits for. An observer of it may raise.
        try:
            self._tick()
        finally:
            self._screen.panel.follow()

    def _filled(self, name: str, asked: AskedRange) -> AskedRange:
        if name != "color_range" or (frame := self._screen.frame) is None:
            return super()._filled(name, asked)
        # Plain numbers: whoever takes them wants these colours.
        return fill(asked, frame.view.colors.limits)

    @traitlets.observe("title", "quantity")
    def _text_changed(self, change: Any) -> None:
        with self._lock:
            if not self._closed:
                self._screen.write(self)

    @traitlets.observe("width", "height")
    def _size_changed(self, change: Any) -> None:
        self._set_width()
        self._tick()

    def _set_width(self) -> None:
        if self._own_width:
            self.layout.max_width = f"{self.width}px"

    @traitlets.observe("interval")
    def _interval_changed(self, change: Any) -> None:
        self._scheduler.interval = change["new"]
