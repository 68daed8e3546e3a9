"""The heatmap widget: traits -> View -> Frame -> mark; one tick, one lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Any, ClassVar

import traitlets

from ..arrays import Axis, LabelledArray, LiveSource, NumpySource
from ..frames import Frame, render, resolve
from .arguments import DATA_KEYWORDS, check_keywords, choose_axes, label_array, make_source
from .asked import ALL, VIEW_TRAITS, Asked, describe
from .controls import RANGE_DIMS
from .lifetime import Mortal, weakly
from .panel import Panel
from .scheduler import make_scheduler
from .stage import Stage
from .traits import set_together


class Heatmap(Asked, Mortal):
    """Interactive heatmap of two axes of an array; a third one is collapsed.

    Every keyword is a trait: it can be read, and, but for those that describe the array,
    set, observed and linked. Call `set_array` to show another array.

    Parameters
    ----------
    array : array_like, LabelledArray, LiveArray or xarray.DataArray
        Real numbers with 2 or 3 axes. It is not copied. What is written to a `LiveArray`
        shows by itself; call `refresh` after a change in place of any other.
    dims : sequence of str, optional
        Names of the axes in order, from ``iteration``, ``layer``, ``token``, ``prompt``.
        By default the array's own, else those that the widget expects.
    tokens, prompts : sequence of str, optional
        Text of each index along the item axis.
    layers, iterations : sequence of int, optional
        Number of each index, strictly increasing. By default 0, 1, 2, ...
    rows, columns : str, optional
        Axes shown down and across; by default the last two of the array.
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
    """

    frame = traitlets.Instance(Frame, allow_none=True, read_only=True, help="What is on screen.")

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
        # One for each that sets more than one thing, and wants one drawing for all.
        self._held: set[object] = set()
        self._source: NumpySource | LiveSource | None = None
        self._frame: Frame | None = None
        self._description: dict[str, Any] = {}
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
        return self._panel.play

    @property
    def error(self) -> Exception | None:
        """What the last drawing has raised, as the status line says it; None if all went well."""
        return self._stage.error

    def reset(self) -> None:
        """Put the view back as it was made, or to all of the array given to `set_array`."""
        self.set_view_state(self._initial)

    def refresh(self) -> None:
        """Draw again after the array was changed in place."""
        with self._lock:
            if self._source is not None:
                self._source.refresh()
        self._tick()

    def flush(self) -> None:
        """Bring all that has been written to a live array on screen, before this returns.

        While another thread is amid `reset` or `set_array`, that one draws when it is done.
        """
        self._tick()

    def set_array(self, array: Any, **data: Any) -> None:
        """Show another array. What is asked to be seen stays, where it still fits.

        Parameters
        ----------
        array : array_like, LabelledArray, LiveArray or xarray.DataArray
        **data
            ``dims``, ``tokens``, ``prompts``, ``layers``, ``iterations``, as for the widget.
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
        self._initial.update(iteration_range=list(ALL), layer_band=list(ALL))

    def __repr__(self) -> str:
        """Return what is shown in one line."""
        if self._closed:
            return f"<{type(self).__name__} closed>"
        sizes = ", ".join(f"{axis.name}: {axis.size}" for axis in self._axes)
        return f"<{type(self).__name__} ({sizes}) rows={self.rows} columns={self.columns}>"

    def _build(self) -> None:
        # What it makes must not keep it alive.
        self._scheduler = make_scheduler(self._tick, self.interval)
        self._stage = Stage(weakly(self._point))
        self._stage.write(self.title, self.quantity)
        self._panel = Panel(
            get=weakly(self._get), set=weakly(self._take_from_hand), reset=weakly(self.reset)
        )
        self.add_class("heatwidget")
        self.children = [*self._stage.widgets, self._panel.widget]

    def _adopt(self, array: Any, labelled: LabelledArray, shown: tuple[str, str]) -> None:
        """Take an array, and all that depends on it; the traits that say so follow."""
        with self._lock:
            if self._source is not None:
                self._source.close()
            self._source = make_source(array, labelled, self._scheduler.request)
            self._frame, self._shown = None, shown
            self._take_axes(self._source.axes)
        outside = [name for name in RANGE_DIMS if self._misfit(name, getattr(self, name))]
        said = self._heard(quantity=labelled.quantity, title=labelled.attrs.get("title"))
        set_together(self, {**self._description, **dict.fromkeys(outside, ALL), **said})

    def _take_axes(self, axes: tuple[Axis, ...]) -> None:
        """Take the axes as they are now, and fit the controls to them; under the lock."""
        self._axes, self._description = axes, describe(axes, *self._shown)
        collapsed = next((axis.name for axis in axes if axis.name not in self._shown), None)
        self._panel.fit(axes, collapsed)
        self._panel.follow(*VIEW_TRAITS)  # what another thread has set meanwhile

    def _end(self, *, wait: bool) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._source is not None:
                self._source.close()
            self._panel.close()
            for widget in list(self._stage.owned()):
                widget.close()
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
                self._panel.follow(*VIEW_TRAITS)

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
        unheard = None if self._source is None else self._source.take_error()
        self._report(unheard, "cannot follow")

    def _report(self, error: Exception | None, what: str) -> None:
        """Say in the status line what went wrong."""
        with self._lock:
            if not self._closed:
                self._stage.report(error, what)

    def _show(self) -> None:
        with self._lock:
            if self._held or self._closed or self._source is None:
                return
            try:
                self._draw(self._source)
            except BaseException:
                self._frame = None  # or what has changed would be taken for drawn
                raise

    def _draw(self, source: NumpySource | LiveSource) -> None:
        """Draw what the source holds; under the lock."""
        # Before reading: a write that comes while reading stays marked.
        changed = source.take_changed()
        axes = source.axes
        by_name = {axis.name: axis for axis in axes}
        rows, columns = self._shown
        geometry = self._stage.fit(by_name[rows], by_name[columns], self.width, self.height)
        asked = self._view(rows, columns, geometry.picture_height, geometry.picture_width)
        view = resolve(asked, axes, source.value_range())
        self._frame = render(source, view, previous=self._frame, changed=changed)
        self._stage.show(source, self._frame, self.color_scheme, self.mark)
        if axes is not self._axes:  # it has grown
            self._take_axes(axes)

    def _announce(self) -> None:
        """Say what the array is and what is on screen, under no lock: observers may do anything.

        Until it is the latest: another thread may have ticked since.
        """
        if self._held:
            return
        while any(getattr(self, name) is not said for name, said in self._description.items()):
            set_together(self, self._description)
        while (latest := self._frame) is not None and latest is not self.frame:
            self.set_trait("frame", latest)

    def _point(self, place: tuple[float, float] | None) -> None:
        """Take where the pointer is: fractions down and across, or None."""
        with self._lock:
            if not self._closed:
                self._stage.point(place)

    @traitlets.observe(*VIEW_TRAITS)
    def _view_changed(self, change: Any) -> None:
        # The picture first: what the eye waits for. An observer of it may raise.
        try:
            self._tick()
        finally:
            self._panel.follow(change["name"])

    @traitlets.observe("title", "quantity")
    def _text_changed(self, change: Any) -> None:
        with self._lock:
            if not self._closed:
                self._stage.write(self.title, self.quantity)

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
