"""The heatmap widget: traits -> View -> Frame -> mark; one tick, one lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Any, ClassVar

import ipywidgets
import traitlets

from ..arrays import LabelledArray, NumpySource
from ..frames import Frame, render, resolve
from .arguments import DATA_KEYWORDS, check_keywords, choose_axes, label_array
from .asked import ALL, VIEW_TRAITS, Asked
from .controls import RANGE_DIMS, Controls, owned
from .stage import Stage


class Heatmap(Asked, ipywidgets.VBox):  # type: ignore[misc]
    """Interactive heatmap of two axes of an array; a third one is collapsed.

    Every keyword is a trait: it can be read, and, but for those that describe the array,
    set, observed and linked. Call `set_array` to show another array.

    Parameters
    ----------
    array : array_like, LabelledArray or xarray.DataArray
        Real numbers with 2 or 3 axes. It is not copied; call `refresh` after a change in
        place.
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
        # Closed until there is something to close: an error below still ends in `close`.
        self._lock, self._closed = RLock(), True
        name = type(self).__name__
        check_keywords(keywords, self._keywords(), f"{name}()")
        data = {key: keywords.pop(key, None) for key in DATA_KEYWORDS}
        shown = (keywords.pop("rows", None), keywords.pop("columns", None))
        labelled = label_array(array, data, self._default_dims)
        shown = choose_axes(labelled.dims, self._settled_axes, *shown, name)
        self._held = 0
        self._frame: Frame | None = None
        self._fitted = False
        self._own_quantity = str(type(self).quantity.default_value)
        layout = keywords.pop("layout", None)
        super().__init__(layout=layout or {})
        self._own_layout = None if layout is self.layout else self.layout
        self._own_width = self.layout.max_width is None
        self._build()
        self._closed = False
        try:
            with self._one_tick():
                self._adopt(labelled, shown)
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
        player = self._controls.player if self._controls else None
        return player.widget if player else None

    def reset(self) -> None:
        """Put the view back as it was made, or to all of the array given to `set_array`."""
        self.set_view_state(self._initial)

    def refresh(self) -> None:
        """Draw again after the array was changed in place."""
        with self._lock:
            self._source.refresh()
        self._tick()

    def set_array(self, array: Any, **data: Any) -> None:
        """Show another array. What is asked to be seen stays, where it still fits.

        Parameters
        ----------
        array : array_like, LabelledArray or xarray.DataArray
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
            self._adopt(labelled, shown)
        self._initial.update(iteration_range=list(ALL), layer_band=list(ALL))

    def close(self) -> None:
        """Take the widget, and everything that it made, off all pages. Twice does no harm."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for widget in list(self._owned()):
                widget.close()
        super().close()

    def __repr__(self) -> str:
        """Return what is shown in one line."""
        if self._closed:
            return f"<{type(self).__name__} closed>"
        sizes = ", ".join(f"{axis.name}: {axis.size}" for axis in self._axes)
        return f"<{type(self).__name__} ({sizes}) rows={self.rows} columns={self.columns}>"

    # Making it

    def _build(self) -> None:
        self._stage = Stage(self._point)
        self._stage.write(self.title, self.quantity)
        self._panel = ipywidgets.HBox(layout=ipywidgets.Layout(flex_flow="row wrap"))
        self._controls: Controls | None = None
        self.add_class("heatwidget")
        self.children = [*self._stage.widgets, self._panel]

    def _adopt(self, labelled: LabelledArray, shown: tuple[str, str]) -> None:
        """Take an array, and all that depends on it."""
        # Observers come last: one that raises finds the widget whole, and leaves it so.
        with self.hold_trait_notifications():
            with self._lock:
                self._source, self._axes = NumpySource(labelled), labelled.axes
                self._frame, self._fitted = None, False
            self._set_data_traits(labelled, *shown)
            for name in RANGE_DIMS:
                if self._misfit(name, getattr(self, name)):
                    setattr(self, name, ALL)
            self.quantity = self._follow_quantity(labelled)
            self._fit_controls()

    def _follow_quantity(self, labelled: LabelledArray) -> str:
        """What is measured: as the array says it, unless the user has said it."""
        followed, default = self._own_quantity, type(self).quantity.default_value
        self._own_quantity = labelled.quantity or str(default)
        return self._own_quantity if self.quantity == followed else self.quantity

    def _fit_controls(self) -> None:
        axes = {axis.name: axis for axis in self._axes}
        collapsed = next((dim for dim in axes if dim not in (self.rows, self.columns)), None)
        if self._controls is not None and self._controls.fit(axes, collapsed):
            return
        controls = Controls(
            axes,
            collapsed,
            get=lambda name: getattr(self, name),
            set=lambda name, value: setattr(self, name, value),
            reset=self.reset,
            before=self._controls,
        )
        with self._lock:
            old = self._controls
            if self._closed:  # by an observer, meanwhile
                old = controls
            else:
                self._controls = controls
                self._panel.children = controls.widgets
        for name in VIEW_TRAITS:  # what another thread has set since they were made
            controls.follow(name)
        for widget in old.owned() if old else ():
            widget.close()

    def _owned(self) -> Iterator[ipywidgets.Widget]:
        yield from self._stage.owned()
        yield from owned(self._panel)
        if self._controls:
            yield from self._controls.owned()
        if self._own_layout:
            yield self._own_layout

    # Asked -> shown

    @contextmanager
    def _one_tick(self) -> Iterator[None]:
        """Draw once for all that is set meanwhile."""
        self._hold(1)
        try:
            yield
        finally:
            self._hold(-1)
            try:
                self._tick()
            finally:
                # An error may have taken back what a hand has set meanwhile.
                self._follow(*VIEW_TRAITS)

    def _hold(self, change: int) -> None:
        # Under the lock: a tick that another thread has begun ends first.
        with self._lock:
            self._held += change

    def _tick(self) -> None:
        """Bring the screen up to what is asked and what the array holds."""
        with self._lock:
            if self._held or self._closed:
                return
            if not self._fitted:
                self._fit()
            source = self._source
            # Before reading: a write that comes while reading stays marked.
            changed = source.take_changed()
            asked = self._view(self._geometry.picture_height, self._geometry.picture_width)
            view = resolve(asked, source.axes, source.value_range())
            try:
                self._frame = render(source, view, previous=self._frame, changed=changed)
            except BaseException:
                self._frame = None  # or what has changed would be taken for drawn
                raise
            self._stage.show(source, self._frame, self.color_scheme, self.mark)
        # Outside the lock, because observers are the user's code. Until it is the latest
        # frame: another thread may have ticked since, or be about to show another array.
        while (latest := self._frame) is not None and latest is not self.frame:
            self.set_trait("frame", latest)

    def _point(self, place: tuple[float, float] | None) -> None:
        """Take where the pointer is: fractions down and across, or None."""
        with self._lock:
            if not self._closed:
                self._stage.point(place)

    def _fit(self) -> None:
        """Settle sizes and labels; under the lock."""
        axes = {axis.name: axis for axis in self._axes}
        rows, columns = axes[self.rows], axes[self.columns]
        self._geometry = self._stage.fit(rows, columns, width=self.width, height=self.height)
        if self._own_width:
            self.layout.max_width = f"{self.width}px"
        self._fitted = True

    @traitlets.observe(*VIEW_TRAITS)
    def _view_changed(self, change: Any) -> None:
        # The picture first: what the eye waits for. An observer of it may raise.
        try:
            self._tick()
        finally:
            self._follow(change["name"])

    def _follow(self, *names: str) -> None:
        """Let controls show what was set in Python."""
        if not self._closed and self._controls is not None:
            for name in names:
                self._controls.follow(name)

    @traitlets.observe("title", "quantity")
    def _text_changed(self, change: Any) -> None:
        with self._lock:
            if not self._closed:
                self._stage.write(self.title, self.quantity)

    @traitlets.observe("width", "height")
    def _size_changed(self, change: Any) -> None:
        self._fitted = False
        self._tick()
