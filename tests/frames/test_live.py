"""Frames of an array that is being filled: what is made bit by bit is what is made at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from heatwidget.arrays import LabelledArray, LiveArray
from heatwidget.frames import CellState, Frame, View, render, resolve

from .strategies import views

_VALUES = (0.0, -1.5, 3.25, 1e-3, 700.0, np.nan, np.inf)
_DIMS = st.sampled_from(
    [
        ("iteration", "token"),
        ("token", "iteration"),
        ("iteration", "layer", "prompt"),
        ("layer", "iteration", "token"),
    ]
)


class Screen:
    """Does as a widget does: one frame after the other, from the last one and what changed."""

    def __init__(self, live: LiveArray, view: View) -> None:
        self.source = live.watch(lambda: None)
        self.view = view
        self.frame: Frame | None = None

    def tick(self) -> None:
        """Draw, and compare with a frame made of everything."""
        changed = self.source.take_changed()
        resolved = resolve(self.view, self.source.axes, self.source.value_range())
        self.frame = render(self.source, resolved, previous=self.frame, changed=changed)
        full = render(self.source, resolved)
        assert self.frame.view == full.view
        assert np.array_equal(self.frame.states, full.states)
        # Sums of other blocks are rounded otherwise.
        np.testing.assert_allclose(self.frame.values, full.values, rtol=1e-6, equal_nan=True)
        pending = self.frame.states == CellState.PENDING
        assert np.isnan(self.frame.values[pending]).all()


class Filling(RuleBasedStateMachine):
    """Any history of writes, growth, views and drawings."""

    @initialize(dims=_DIMS, data=st.data())
    def make(self, dims: tuple[str, ...], data: st.DataObject) -> None:
        """Make an array, and a screen for it that shows it."""
        sizes = data.draw(st.tuples(*[st.integers(1, 5)] * len(dims)))
        self.live = LiveArray(dict(zip(dims, sizes, strict=True)))
        self.screen = Screen(self.live, self.draw_view(data))
        self.screen.tick()

    def draw_view(self, data: st.DataObject) -> View:
        """Any view of the array as it is now."""
        shape = self.live.shape
        stand_in = LabelledArray(np.broadcast_to(np.float32(0), shape), self.live.axes)
        view: View = data.draw(views(stand_in))
        return view

    def draw_values(self, data: st.DataObject, shape: tuple[int, ...]) -> Any:
        """Values of a shape, of few kinds, so that equal ones come."""
        seed = data.draw(st.integers(0, 2**16))
        return np.random.default_rng(seed).choice(np.float32(_VALUES), shape)

    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        """Write a box of cells, or one row; and maybe others before the next drawing."""
        for _ in range(data.draw(st.integers(1, 3))):
            box = []
            for size in self.live.shape:
                first = data.draw(st.integers(0, size - 1))
                box.append(slice(first, data.draw(st.integers(first + 1, size))))
            index = tuple(box[: data.draw(st.integers(1, len(box)))])
            shape = self.live.to_numpy()[index].shape
            self.live[index] = self.draw_values(data, shape)

    @rule(data=st.data())
    def append(self, data: st.DataObject) -> None:
        """Write the next iteration; it may make room."""
        if max(self.live.shape) < 40:
            at = self.live.dims.index("iteration")
            before = self.live.shape
            self.live.append(self.draw_values(data, before[:at] + before[at + 1 :]))
            if self.live.shape != before:
                event("grown")

    @rule()
    def trim(self) -> None:
        """Cut off what nothing came for."""
        before = self.live.shape
        self.live.trim()
        if self.live.shape != before:
            event("trimmed")

    @rule(data=st.data())
    def look_elsewhere(self, data: st.DataObject) -> None:
        """Ask for another view; what comes next starts from its frame."""
        self.screen.view = self.draw_view(data)
        self.screen.tick()

    @rule()
    def refresh(self) -> None:
        """Forget what was written over."""
        self.screen.source.refresh()

    @rule()
    def tick(self) -> None:
        """Draw."""
        self.screen.tick()

    def teardown(self) -> None:
        """Draw once more after the last write, and nothing is new after that."""
        if hasattr(self, "screen"):
            self.screen.tick()
            last = self.screen.frame
            self.screen.tick()
            assert self.screen.frame is last


TestFilling = Filling.TestCase
TestFilling.settings = settings(max_examples=300, stateful_step_count=15, deadline=None)
