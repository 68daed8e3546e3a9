"""What the user asks to see: the traits of a heatmap, and the view made from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from math import isfinite
from typing import Any, ClassVar

import traitlets
from traitlets import Bunch

from ..arrays import DIMS, ITEM_DIMS, Axis
from ..frames import COLOR_SCALES, DIVERGING, POOLINGS, REDUCERS, View, color_schemes
from ..scene import Overlay
from .arguments import COORD_KEYWORDS, DATA_KEYWORDS, signature
from .controls import RANGE_DIMS
from .marks import MARKS
from .traits import AskedRange, Choice, OpenRange, Range, checked, set_together

ALL = (None, None)
VIEW_TRAITS = (
    "iteration_range",
    "layer_band",
    "reducer",
    "pooling",
    "color_range",
    "color_center",
    "color_scale",
    "color_scheme",
    "mark",
)
RANGE_TRAITS = (*RANGE_DIMS, "color_range")
COLOR_TRAITS = ("color_range", "color_center", "color_scale")
LOOK_TRAITS = ("title", "quantity", "width", "height", "interval")


class HeatmapModel(traitlets.HasTraits):
    """Traits that the user sets, in code or with a slider. The renderer never writes them."""

    iteration_range = Range(help="Iterations shown or collapsed; None: to the end that there is.")
    layer_band = Range(help="Layers shown or collapsed; None: to the end that there is.")
    reducer = Choice(REDUCERS, "mean", help="How the axis not shown is collapsed.")
    pooling = Choice((None, *POOLINGS), None, help="How cells that share a pixel are merged.")
    color_range = Range(help="Values of the first and last colour; None opens an end.")
    color_center = traitlets.Float(
        None,
        allow_none=True,
        help="Value in the middle of the colour bar; None: 0 for a diverging scheme.",
    )
    color_scale = Choice(COLOR_SCALES, "linear", help="Linear or log.")
    color_scheme = Choice(color_schemes(), "viridis", help="Name of the palette.")
    mark = Choice(MARKS, "auto", help="Which bqplot mark draws the cells.")

    title = traitlets.Unicode("", help="Text above the picture.")
    quantity = traitlets.Unicode("value", help="What is measured, for the colour bar.")
    width = traitlets.Int(900, min=240, max=8000, help="Pixels across, at most.")
    height = traitlets.Int(None, allow_none=True, min=80, max=8000, help="Pixels; None: by rows.")
    interval = traitlets.Float(
        0.1, min=0.01, max=60, help="Seconds between drawings of a live array, at least."
    )

    rows = Choice(DIMS, read_only=True, help="Axis shown down.")
    columns = Choice(DIMS, read_only=True, help="Axis shown across.")
    dims = traitlets.Tuple(read_only=True, help="Axes of the array, in order.")
    tokens = traitlets.Tuple(None, allow_none=True, read_only=True, help="Token texts.")
    prompts = traitlets.Tuple(None, allow_none=True, read_only=True, help="Prompt texts.")
    layers = traitlets.Tuple(None, allow_none=True, read_only=True, help="Layer numbers.")
    iterations = traitlets.Tuple(None, allow_none=True, read_only=True, help="Iteration numbers.")

    _natural_range: ClassVar[tuple[float, float] | None] = None
    # Whether what it is made for cannot be negative; then its quantity is not said of what is.
    _nonnegative: ClassVar[bool] = False
    # Rows and columns where the class settles them; "item" stands for token or prompt.
    _settled_axes: ClassVar[tuple[str, str] | None] = None
    # Drawn over the cells.
    _overlays: tuple[Overlay, ...] = ()
    # Axes of the array that is shown; ranges are checked against them.
    _axes: Sequence[Axis] = ()

    @classmethod
    def _keywords(cls) -> tuple[str, ...]:
        axes = () if cls._settled_axes else ("rows", "columns")
        return (*DATA_KEYWORDS, *axes, *VIEW_TRAITS, *LOOK_TRAITS, "layout")

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        # What the array has said last, by trait.
        self._said: dict[str, str] = {}
        # How each range has read when its observers were told last.
        self._told: dict[str, AskedRange] = {}
        super().__init__(*arguments, **keywords)

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        # What a notebook shows on Shift-Tab.
        cls.__signature__ = signature(cls._keywords(), cls)  # type: ignore[attr-defined]

    def view_state(self) -> dict[str, Any]:
        """Return what is asked to be seen, as plain JSON; open ends of ranges are None."""
        state = {name: self._asked(name) for name in VIEW_TRAITS}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in state.items()}

    def set_view_state(self, state: Mapping[str, Any]) -> None:
        """Put back what `view_state` returned: all of it or, on an error, nothing.

        Raises
        ------
        TypeError
            If the state is no mapping.
        ValueError
            If it has an unknown name.
        traitlets.TraitError
            If a value is not allowed.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"state must be a mapping as from view_state(), got {state!r}")
        unknown = [name for name in state if name not in VIEW_TRAITS]
        if unknown:
            raise ValueError(f"state must hold only {', '.join(VIEW_TRAITS)}, got {unknown[0]!r}")
        with self._one_tick():
            self._set_traits(state)

    @contextmanager
    def _one_tick(self) -> Iterator[None]:
        """Draw once for all that is set meanwhile."""
        yield

    def _set_traits(self, values: Mapping[str, Any]) -> None:
        """Set traits together: checked against each other, all of them or none."""
        values = checked(self, values)
        colors = {name: values.get(name, self._asked(name)) for name in COLOR_TRAITS}
        misfits = [self._misfit(name, values[name]) for name in RANGE_DIMS if name in values]
        for misfit in (*misfits, _color_misfit(**colors)):
            if misfit:
                raise traitlets.TraitError(misfit)
        set_together(self, values)

    def _heard(self, **texts: Any) -> dict[str, str]:
        """What the array says of itself, where the user has said nothing else."""
        heard = {}
        for name, said in texts.items():
            default = str(getattr(type(self), name).default_value)
            followed, self._said[name] = self._said.get(name, default), str(said or default)
            if getattr(self, name) == followed:
                heard[name] = self._said[name]
        return heard

    def _fitting_quantity(self, *, negative: bool) -> str:
        """What is measured, or only ``value`` where that is the class's guess and cannot be."""
        guessed = self.quantity == type(self).quantity.default_value
        wrong = negative and self._nonnegative and guessed
        return str(HeatmapModel.quantity.default_value if wrong else self.quantity)

    def _asked(self, name: str) -> Any:
        """Value of a trait as it was set: with None for an open end of a range."""
        trait = self.traits()[name]
        return trait.asked(self) if isinstance(trait, Range) else getattr(self, name)

    def _filled(self, name: str, asked: AskedRange) -> AskedRange:
        """The range as it reads: an open end is the one that is on screen."""
        axis = self._axis_of(name)
        if axis is None or None not in asked:
            return asked
        filled = OpenRange(fill(asked, axis.bounds))
        filled.asked = asked
        return filled

    def _axis_of(self, name: str) -> Axis | None:
        return next((axis for axis in self._axes if axis.name == RANGE_DIMS.get(name)), None)

    def notify_change(self, change: Any) -> None:
        """Show another range before it is told of, because it may read as it did before."""
        if change["name"] in RANGE_TRAITS:
            self._view_asked(change["name"])
        else:
            super().notify_change(change)

    def _view_asked(self, name: str) -> None:
        """Show a trait that was set, and tell observers of ranges that read differently."""
        self._tell_ranges()

    def _tell_ranges(self) -> None:
        """Tell observers of each range that reads differently than when they were told last.

        One with an open end does so without being set: when an array has grown, or when its
        values need other colours.
        """
        with ExitStack() as stack:
            for name in RANGE_TRAITS:
                old, new = self._told.get(name, ALL), getattr(self, name)
                if old != new:
                    self._told[name] = new
                    change = Bunch(name=name, old=old, new=new, owner=self, type="change")
                    stack.callback(super().notify_change, change)

    def _set_from_control(self, name: str, value: Any) -> None:
        """Set a trait as a control has it."""
        values = checked(self, {name: value})
        # The slider may be that of an array that has just been replaced.
        if name not in RANGE_DIMS or not self._misfit(name, values[name]):
            set_together(self, values)

    def _view(self, rows: str, columns: str, max_rows: int, max_columns: int) -> View:
        return View(
            rows=rows,
            columns=columns,
            reducer=self.reducer,
            color_scale=self.color_scale,
            max_rows=max_rows,
            max_columns=max_columns,
            iteration_range=self._asked("iteration_range"),
            layer_band=self._asked("layer_band"),
            pooling=self.pooling,
            color_range=self._asked("color_range"),
            color_center=self._center(),
            natural_range=self._natural_range,
        )

    def _center(self) -> float | None:
        if self.color_center is None and self.color_scheme in DIVERGING:
            return 0.0
        return self.color_center

    @traitlets.validate(*RANGE_DIMS)
    def _check_range(self, proposal: Any) -> Any:
        misfit = self._misfit(proposal["trait"].name, proposal["value"])
        if misfit:
            raise traitlets.TraitError(misfit)
        return proposal["value"]

    @traitlets.validate(*COLOR_TRAITS)
    def _check_colors(self, proposal: Any) -> Any:
        values = {name: self._asked(name) for name in COLOR_TRAITS}
        misfit = _color_misfit(**{**values, proposal["trait"].name: proposal["value"]})
        if misfit:
            raise traitlets.TraitError(misfit)
        return proposal["value"]

    def _misfit(self, name: str, value: tuple[Any, Any]) -> str:
        """Why a range does not fit the array; empty if it does."""
        dim, axis = RANGE_DIMS[name], self._axis_of(name)
        if value == ALL:
            return ""
        if axis is None:
            return f"{name} must stay (None, None): the array has no {dim} axis, got {value}"
        first, last = axis.bounds
        if all(end is None or first <= end <= last for end in value):
            return ""
        return f"{name} must lie within {dim}s {first}..{last}, got {value}"


def fill(asked: AskedRange, ends: AskedRange) -> AskedRange:
    """A range whose open ends are closed."""
    first, last = (end if own is None else own for own, end in zip(asked, ends, strict=True))
    return first, last


def _color_misfit(
    color_range: tuple[Any, Any], color_center: float | None, color_scale: str
) -> str:
    """Why colours cannot be as asked; empty if they can."""
    low, high = color_range
    if low is not None and low == high:
        return f"color_range must have two different ends, got {color_range}"
    if color_scale == "log" and any(end is not None and end <= 0 for end in color_range):
        return f"color_range must be positive under a log color_scale, got {color_range}"
    if color_center is not None and not isfinite(color_center):
        return f"color_center must be a finite number or None, got {color_center}"
    if color_scale == "log" and color_center is not None and color_center <= 0:
        return f"color_center must be positive under a log color_scale, got {color_center}"
    return ""


def describe(axes: Sequence[Axis], rows: str, columns: str) -> dict[str, Any]:
    """What an array is, in the words of the keywords."""
    by_name = {axis.name: axis for axis in axes}
    labels = {keyword: _known(by_name.get(dim)) for keyword, dim in COORD_KEYWORDS.items()}
    return {**labels, "rows": rows, "columns": columns, "dims": tuple(by_name)}


def _known(axis: Axis | None) -> tuple[Any, ...] | None:
    """Texts or numbers of an axis, as they can be passed to the widget; None without any."""
    if axis is None:
        return None
    return axis.labels if axis.name in ITEM_DIMS else tuple(axis.coordinates.tolist())
