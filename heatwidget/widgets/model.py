"""What the user asks to see: the traits of a heatmap, and the view made from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from math import isfinite
from typing import Any, ClassVar

import traitlets
from traitlets import Bunch

from ..arrays import Axis, Role, find_roles, plural
from ..frames import COLOR_SCALES, DIVERGING, POOLINGS, REDUCERS, View, color_schemes
from ..scene import Overlay
from .arguments import COORD_KEYWORDS, DATA_KEYWORDS, signature
from .marks import MARKS
from .traits import (
    AskedRange,
    ByAxis,
    Choice,
    Choices,
    OpenRange,
    Range,
    Ranges,
    ShownAxis,
    checked,
    set_together,
)

ALL = (None, None)
# Traits with the range of an axis, and the role that it has.
RANGE_ROLES: dict[str, Role] = {
    "iteration_range": "iteration",
    "layer_band": "layer",
    "token_range": "token",
    "prompt_range": "prompt",
}
VIEW_TRAITS = (
    *RANGE_ROLES,
    "ranges",
    "reducer",
    "reducers",
    "pooling",
    "color_range",
    "color_center",
    "color_scale",
    "color_scheme",
    "mark",
)
# Traits that may read differently without being set, when an array grows, say.
DERIVED_TRAITS = (*RANGE_ROLES, "ranges", "reducers", "color_range")
_TOLD_FIRST: dict[str, Any] = {**dict.fromkeys(DERIVED_TRAITS, ALL), "ranges": {}, "reducers": {}}
COLOR_TRAITS = ("color_range", "color_center", "color_scale")
LOOK_TRAITS = ("title", "quantity", "width", "height", "interval")


class HeatmapModel(traitlets.HasTraits):
    """Traits that the user sets, in code or with a slider. The renderer never writes them."""

    iteration_range = Range(help="Iterations shown or collapsed; None: to the end that there is.")
    layer_band = Range(help="Layers shown or collapsed; None: to the end that there is.")
    token_range = Range(help="Tokens shown or collapsed; None: to the end that there is.")
    prompt_range = Range(help="Prompts shown or collapsed; None: to the end that there is.")
    ranges = Ranges(help="Range of each axis by its name; the traits above are parts of it.")
    reducer = Choice(REDUCERS, "mean", help="How the axis not shown is collapsed.")
    reducers = Choices(REDUCERS, help="The same by the name of the axis, where several are not.")
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

    rows = ShownAxis(help="Axis shown down.")
    columns = ShownAxis(help="Axis shown across.")
    dims = traitlets.Tuple(read_only=True, help="Axes of the array, in order.")
    tokens = traitlets.Tuple(None, allow_none=True, read_only=True, help="Token texts.")
    prompts = traitlets.Tuple(None, allow_none=True, read_only=True, help="Prompt texts.")
    layers = traitlets.Tuple(None, allow_none=True, read_only=True, help="Layer numbers or texts.")
    iterations = traitlets.Tuple(None, allow_none=True, read_only=True, help="Iteration numbers.")
    coords = traitlets.Dict(read_only=True, help="Numbers or texts of each axis by its name.")

    _natural_range: ClassVar[tuple[float, float] | None] = None
    # Whether what it is made for cannot be negative; then its quantity is not said of what is.
    _nonnegative: ClassVar[bool] = False
    # Roles of rows and columns that the class expects; "item" stands for token or prompt.
    _settled_axes: ClassVar[tuple[str, str] | None] = None
    # Drawn over the cells.
    _overlays: tuple[Overlay, ...] = ()
    # Axes of the array that is shown; ranges are checked against them.
    _axes: Sequence[Axis] = ()

    @classmethod
    def _keywords(cls) -> tuple[str, ...]:
        return (*DATA_KEYWORDS, "rows", "columns", *VIEW_TRAITS, *LOOK_TRAITS, "layout")

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        # What the array has said last, by trait.
        self._said: dict[str, str] = {}
        # How each range has read when its observers were told last.
        self._told: dict[str, Any] = {}
        super().__init__(*arguments, **keywords)

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        # What a notebook shows on Shift-Tab.
        cls.__signature__ = signature(cls._keywords(), cls)  # type: ignore[attr-defined]

    def view_state(self) -> dict[str, Any]:
        """Return what is asked to be seen, as plain JSON; open ends of ranges are None."""
        return {name: _plain(self._asked(name)) for name in VIEW_TRAITS}

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
        values = self._spread_out(checked(self, values))
        colors = {name: values.get(name, self._asked(name)) for name in COLOR_TRAITS}
        for misfit in (*self._misfits(values), _color_misfit(**colors)):
            if misfit:
                raise traitlets.TraitError(misfit)
        set_together(self, values)

    def _spread_out(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Checked values, each in the trait that keeps it."""
        found = dict(values)
        if "ranges" in found:
            given = dict(found["ranges"])
            for name in RANGE_ROLES:
                axis = self._axis_of(name)
                if axis is not None:
                    found.setdefault(name, given.pop(axis.name, ALL))
            found["ranges"] = given
        if "reducers" in found:
            given = dict(found["reducers"])
            if (main := self._main_hidden()) is not None:
                default = type(self).reducer.default_value
                found.setdefault("reducer", given.pop(main, default))
            found["reducers"] = given
        if "rows" in found or "columns" in found:
            found.update(self._shown(found))
        return found

    def _shown(self, values: Mapping[str, str]) -> dict[str, str]:
        """Rows and columns; one that is shown already on the other side changes places."""
        rows, columns = values.get("rows", self.rows), values.get("columns", self.columns)
        if rows == columns:
            if "rows" in values and "columns" in values:
                raise traitlets.TraitError(f"rows and columns must differ, got {rows!r} for both")
            rows, columns = (rows, self.rows) if "rows" in values else (self.columns, columns)
        return {"rows": rows, "columns": columns}

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

    def _asked(self, name: str, dim: str | None = None) -> Any:
        """Value of a trait, or its entry of an axis, as it was set: None for an open end."""
        if dim is not None:
            return self._asked_range(dim) if name == "ranges" else self._reducer_of(dim)
        trait = self.traits()[name]
        if isinstance(trait, (Range, ByAxis)):
            return trait.asked(self)
        return getattr(self, name)

    def _asked_range(self, dim: str) -> AskedRange:
        """Range of an axis as it was set."""
        name = self._range_trait(dim)
        asked: AskedRange = self._asked(name) if name else self._asked("ranges").get(dim, ALL)
        return asked

    def _reducer_of(self, dim: str) -> str:
        """How an axis is collapsed, where it is not shown."""
        if dim == self._main_hidden():
            return str(self.reducer)
        return str(self._asked("reducers").get(dim, HeatmapModel.reducer.default_value))

    def _hidden(self) -> list[str]:
        """Names of the axes that are not shown."""
        return [axis.name for axis in self._axes if axis.name not in (self.rows, self.columns)]

    def _main_hidden(self) -> str | None:
        """Hidden axis that `reducer` is of: iterations, else layers, else the first one."""
        names = self._hidden()
        roles = find_roles(names)
        return roles.get("iteration") or roles.get("layer") or (names[0] if names else None)

    def _range_trait(self, dim: str) -> str | None:
        """Trait with the range of an axis, if it has one of its own."""
        roles = find_roles(axis.name for axis in self._axes)
        return next((name for name, role in RANGE_ROLES.items() if roles.get(role) == dim), None)

    def _whole(self, name: str) -> dict[str, Any]:
        """A mapping as it reads: with an entry for each axis, or each hidden one."""
        held = self._cross_validation_lock  # what is read is set: see `Range.get`
        if name == "ranges":
            found = {axis.name: self._asked_range(axis.name) for axis in self._axes}
            if held:
                return {**self._asked("ranges"), **found}
            return {axis.name: self._with_ends(axis, found[axis.name]) for axis in self._axes}
        reducers = {dim: self._reducer_of(dim) for dim in self._hidden()}
        return {**self._asked("reducers"), **reducers} if held else reducers

    def _filled(self, name: str, asked: AskedRange) -> AskedRange:
        """The range as it reads: an open end is the one that is on screen."""
        axis = self._axis_of(name)
        return asked if axis is None else self._with_ends(axis, asked)

    @staticmethod
    def _with_ends(axis: Axis, asked: AskedRange) -> AskedRange:
        """A range whose open ends are those of its axis."""
        if None not in asked:
            return asked
        filled = OpenRange(fill(asked, axis.bounds))
        filled.asked = asked
        return filled

    def _axis_of(self, name: str) -> Axis | None:
        """Axis that a trait is the range of, if the array has it."""
        if name not in RANGE_ROLES:
            return None
        found = find_roles(axis.name for axis in self._axes).get(RANGE_ROLES[name])
        return None if found is None else self._axis(found)

    def _axis(self, dim: str) -> Axis | None:
        """Axis of a name."""
        return next((axis for axis in self._axes if axis.name == dim), None)

    def notify_change(self, change: Any) -> None:
        """Show another range before it is told of, because it may read as it did before."""
        if change["name"] in DERIVED_TRAITS:
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
            for name in DERIVED_TRAITS:
                old, new = self._told.get(name, _TOLD_FIRST[name]), getattr(self, name)
                if old != new:
                    self._told[name] = new
                    change = Bunch(name=name, old=old, new=new, owner=self, type="change")
                    stack.callback(super().notify_change, change)

    def _set_from_control(self, name: str, value: Any, dim: str | None = None) -> None:
        """Set a trait, or its entry of an axis, as a control has it."""
        values = checked(self, {name: value} if dim is None else self._kept(name, {dim: value}))
        # The slider may be that of an array that has just been replaced.
        if not any(self._misfits(values)):
            set_together(self, values)

    def _set_ranges_from_control(self, ranges: Mapping[str, AskedRange]) -> None:
        """Set the ranges of some axes as a control has them."""
        values = checked(self, self._kept("ranges", ranges))
        if not any(self._misfits(values)):
            with self._one_tick():
                set_together(self, values)

    def _kept(self, name: str, entries: Mapping[str, Any]) -> dict[str, Any]:
        """Entries of a mapping by axis, each in the trait that keeps it; other entries stay."""
        values: dict[str, Any] = {}
        for dim, entry in entries.items():
            if own := self._own_trait(name, dim):
                values[own] = entry
            else:
                values[name] = {**values.get(name, self._asked(name)), dim: entry}
        return values

    def _own_trait(self, name: str, dim: str) -> str | None:
        """Trait of its own that keeps the entry of an axis in a mapping, if there is one."""
        if name == "ranges":
            return self._range_trait(dim)
        return "reducer" if dim == self._main_hidden() else None

    def _view(self, rows: str, columns: str, max_rows: int, max_columns: int) -> View:
        return View(
            rows=rows,
            columns=columns,
            reducer=self.reducer,
            color_scale=self.color_scale,
            max_rows=max_rows,
            max_columns=max_columns,
            ranges={axis.name: self._asked_range(axis.name) for axis in self._axes},
            reducers={axis.name: self._reducer_of(axis.name) for axis in self._axes},
            pooling=self.pooling,
            color_range=self._asked("color_range"),
            color_center=self._center(),
            natural_range=self._natural_range,
        )

    def _center(self) -> float | None:
        if self.color_center is None and self.color_scheme in DIVERGING:
            return 0.0
        return self.color_center

    @traitlets.validate(*RANGE_ROLES)
    def _check_range(self, proposal: Any) -> Any:
        for misfit in self._misfits({proposal["trait"].name: proposal["value"]}):
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

    def _fitting(self) -> dict[str, Any]:
        """What ranges become that do not fit the axes there are now: they open."""
        ranges = {name: self._asked(name) for name in RANGE_ROLES}
        opened = {n: ALL for n, asked in ranges.items() if any(self._misfits({n: asked}))}
        others = self._asked("ranges")
        kept = {
            d: asked
            for d, asked in others.items()
            if not any(self._misfits({"ranges": {d: asked}}))
        }
        return {**opened, **({} if kept == others else {"ranges": kept})}

    def _misfits(self, values: Mapping[str, Any]) -> Iterator[str]:
        """Yield why ranges and reducers do not fit the array; empty where they do."""
        dims = tuple(axis.name for axis in self._axes)
        for name, role in RANGE_ROLES.items():
            if name in values:
                yield _misfit(name, self._axis_of(name), role, values[name])
        for name in ("ranges", "reducers"):
            for dim, entry in values.get(name, {}).items():
                if dim not in dims:
                    yield f"{name} must be of the axes {dims}, got {dim!r}"
                elif name == "ranges":
                    yield _misfit(f"{name}[{dim!r}]", self._axis(dim), dim, entry)


def _misfit(name: str, axis: Axis | None, what: str, value: tuple[Any, Any]) -> str:
    """Why a range does not fit an axis; empty if it does."""
    if value == ALL:
        return ""
    if axis is None:
        return f"{name} must stay (None, None): the array has no {what} axis, got {value}"
    first, last = axis.bounds
    if all(end is None or min(first, last) <= end <= max(first, last) for end in value):
        return ""
    return f"{name} must lie within {plural(axis.name)} {first}..{last}, got {value}"


def _plain(value: Any) -> Any:
    """Value of a trait as JSON has it."""
    if isinstance(value, tuple):
        return list(value)
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, Mapping) else value


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


def describe(axes: Sequence[Axis]) -> dict[str, Any]:
    """What an array is, in the words of the keywords."""
    by_name = {axis.name: axis for axis in axes}
    roles = find_roles(by_name)
    labels = {
        keyword: _known(by_name[roles[role]]) if role in roles else None
        for keyword, role in COORD_KEYWORDS.items()
    }
    coords = {axis.name: found for axis in axes if (found := _known(axis)) is not None}
    return {**labels, "coords": coords, "dims": tuple(by_name)}


def _known(axis: Axis) -> tuple[Any, ...] | None:
    """Texts or numbers of an axis, as they can be passed to the widget; None without any."""
    if axis.labels is not None:
        return axis.labels
    return None if axis.is_item else tuple(axis.coordinates.tolist())
