"""Trait types of the widgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from math import isfinite
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, Protocol

import traitlets

from ..arrays import Axis

AskedRange = tuple[Any, Any]


class OpenRange(tuple[Any, Any]):
    """Numbers of a range with an open end, which stays open where another heatmap takes it.

    Attributes
    ----------
    asked : tuple
        The range as it was set, with None for an open end.
    """

    asked: AskedRange


class RangeOwner(Protocol):
    """What has ranges."""

    def _filled(self, name: str, asked: AskedRange) -> AskedRange:
        """The range as it reads: an open end is the one that is on screen."""

    def _axis_of(self, name: str) -> Axis | None:
        """Axis that a trait is the range of, if the array has it."""

    def _axis(self, dim: str) -> Axis | None:
        """Axis of a name."""

    def _whole(self, name: str) -> Mapping[str, Any]:
        """A mapping as it reads: with an entry for each axis."""

    def _set_traits(self, values: Mapping[str, Any]) -> None:
        """Set traits together."""


class Range(traitlets.TraitType):  # type: ignore[type-arg]
    """Pair ``(first, last)``, both ends included; None opens an end, and is read as a number.

    So a slider can be linked with it. An end may be the text of an index. The owner is a
    `RangeOwner`.
    """

    default_value = (None, None)
    info_text = "a pair (first, last) of numbers with first <= last; None leaves an end open"

    def validate(self, obj: Any, value: Any) -> AskedRange:
        """Return the pair as a tuple of plain numbers or None."""
        owner: RangeOwner = obj
        return plain_range(str(self.name), value, owner._axis_of(str(self.name)))

    def get(self, obj: Any, cls: Any = None) -> AskedRange:
        """Return the range as it reads."""
        asked = self.asked(obj)
        owner: RangeOwner = obj
        # At the end of `hold_trait_notifications`, what is read is set.
        held = obj._cross_validation_lock
        return asked if held else owner._filled(str(self.name), asked)

    def asked(self, obj: Any) -> AskedRange:
        """Return the range as it was set: with None for an open end."""
        asked: Any = super().get(obj)
        return asked  # type: ignore[no-any-return]


class ByAxis(traitlets.TraitType):  # type: ignore[type-arg]
    """Mapping with an entry for any axis by its name, read as a mapping of all that there are.

    What is set replaces all entries. The owner is a `RangeOwner`, and keeps those entries
    that have a trait of their own in that.
    """

    default_value: Mapping[str, Any] = MappingProxyType({})
    info_text = "a mapping of names of axes"

    def validate(self, obj: Any, value: Any) -> Mapping[str, Any]:
        """Return a plain dictionary."""
        if not isinstance(value, Mapping):
            raise traitlets.TraitError(f"{self.name} must be {self.info_text}, got {value!r}")
        return {dim: self._entry(obj, dim, entry) for dim, entry in value.items()}

    def _entry(self, owner: RangeOwner, dim: str, entry: Any) -> Any:
        raise NotImplementedError

    def get(self, obj: Any, cls: Any = None) -> Mapping[str, Any]:
        """Return all entries, as they read."""
        owner: RangeOwner = obj
        return owner._whole(str(self.name))

    def set(self, obj: Any, value: Any) -> None:
        """Set all entries."""
        owner: RangeOwner = obj
        owner._set_traits({str(self.name): value})

    def asked(self, obj: Any) -> Mapping[str, Any]:
        """Return the entries that have no trait of their own, as they were set."""
        asked: Any = super().get(obj)
        return asked  # type: ignore[no-any-return]


class Ranges(ByAxis):
    """Range of each axis."""

    info_text = "a mapping of names of axes to pairs (first, last)"

    def _entry(self, owner: RangeOwner, dim: str, entry: Any) -> AskedRange:
        return plain_range(f"{self.name}[{dim!r}]", entry, owner._axis(dim))


class Choices(ByAxis):
    """One of a few words for each axis."""

    def __init__(self, values: Sequence[str], **keywords: Any) -> None:
        self.values = tuple(values)
        self.info_text = f"a mapping of names of axes to {', '.join(map(repr, values))}"
        super().__init__(**keywords)

    def _entry(self, owner: RangeOwner, dim: str, entry: Any) -> str:
        return str(chosen(f"{self.name}[{dim!r}]", entry, self.values))


class ShownAxis(traitlets.TraitType):  # type: ignore[type-arg]
    """Name of an axis of the array. The owner swaps it with the one on the other side."""

    default_value = ""

    def validate(self, obj: Any, value: Any) -> str:
        """Return the name if there is such an axis."""
        owner: RangeOwner = obj
        # At first there is no array.
        if isinstance(value, str) and (not value or owner._axis(value) is not None):
            return str(value)
        raise traitlets.TraitError(f"{self.name} must be one of {obj.dims}, got {value!r}")

    def set(self, obj: Any, value: Any) -> None:
        """Show another axis."""
        owner: RangeOwner = obj
        owner._set_traits({str(self.name): value})


class Choice(traitlets.Enum):  # type: ignore[type-arg]
    """One of a few words; the error names them."""

    def validate(self, obj: traitlets.HasTraits, value: Any) -> Any:
        """Return the value if it is one of the words."""
        return chosen(str(self.name), value, self.values or ())


def chosen(name: str, value: Any, words: Sequence[Any]) -> Any:
    """The value, if it is one of a few words.

    Raises
    ------
    traitlets.TraitError
    """
    if isinstance(value, (str, type(None))) and value in words:
        return value
    known = ", ".join(map(repr, words))
    raise traitlets.TraitError(f"{name} must be one of {known}, got {value!r}")


def plain_range(name: str, value: Any, axis: Axis | None) -> AskedRange:
    """Range as a tuple of plain numbers or None, in the order of its axis.

    Raises
    ------
    traitlets.TraitError
    """
    try:
        first, last = value.asked if isinstance(value, OpenRange) else value
        first, last = _plain(first, axis), _plain(last, axis)
    except (TypeError, ValueError, OverflowError) as error:
        why = f": {error}" if axis is not None and axis.labels and str(error) else ""
        raise traitlets.TraitError(
            f"{name} must be {Range.info_text}, got {value!r}{why}"
        ) from error
    if None in (first, last):
        return first, last
    if axis is not None and axis.descends:
        # Sliders of others have the smaller end first, whatever the axis.
        return max(first, last), min(first, last)
    if first > last:
        raise traitlets.TraitError(f"{name} must be {Range.info_text}, got {value!r}")
    return first, last


def checked(owner: traitlets.HasTraits, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as traits would take them, each by itself; nothing is set.

    Raises
    ------
    traitlets.TraitError
    """
    traits, found = owner.traits(), {}
    for name, value in values.items():
        trait = traits[name]
        kept = value is None and trait.allow_none
        found[name] = value if kept else trait.validate(owner, value)  # type: ignore[attr-defined]
    return found


def set_together(owner: traitlets.HasTraits, values: Mapping[str, Any]) -> None:
    """Set traits to checked values, and then tell of each; all are told, though one raises.

    `hold_trait_notifications` would do the same, but it belongs to the object and not to the
    thread: what another thread sets meanwhile goes unchecked, and is checked, and taken back,
    with ours.
    """
    # Read so, because a trait that was never set may have no value that it would take.
    before = {name: owner._trait_values.get(name, traitlets.Undefined) for name in values}
    owner._trait_values.update(values)
    with ExitStack() as stack:
        # The last one to come is the first to go.
        for name, value in reversed(list(values.items())):
            if before[name] != value:
                stack.callback(owner._notify_trait, name, before[name], value)


def _plain(end: Any, axis: Axis | None) -> Any:
    """End of a range as a Python number, so that it can be written as JSON."""
    if end is None:
        return None
    if isinstance(end, str) and axis is not None and axis.labels:
        return axis.coordinate(axis.find(end))
    if isinstance(end, (bool, str)) or not isinstance(end, Real):
        raise TypeError
    number = float(end)
    if not isfinite(number):
        raise ValueError
    # From the number itself: a float does not hold every large integer.
    if isinstance(end, Integral):
        return int(end)
    return int(number) if number.is_integer() else number
