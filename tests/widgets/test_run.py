"""Runs: what ends them, who is hit by a cancel, and what the page is told."""

from __future__ import annotations

import asyncio
import functools
import gc
import html
import logging
import re
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter

from heatwidget.arrays import LiveArray
from heatwidget.widgets import progress
from heatwidget.widgets.pace import Pace, duration, measure
from heatwidget.widgets.progress import Progress
from heatwidget.widgets.run import Cancelled, Run, run, runs
from tests.widgets.helpers import live_widgets, parts
from tests.widgets.recorder import Recorder
from tests.widgets.test_threads import DEADLOCK, together

N = 10


def small() -> LiveArray:
    """Live array of 10 iterations and 4 tokens."""
    return LiveArray({"iteration": N, "token": 4})


class Stepper:
    """Computation that writes an iteration each time it is told to."""

    def __init__(self) -> None:
        self._wanted, self._written = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, live: LiveArray) -> str:
        for k in range(len(live)):
            assert self._wanted.acquire(timeout=DEADLOCK)
            live[k] = k
            self._written.release()
        return "all"

    def step(self, n: int = 1) -> None:
        """Let it write, and wait until it has."""
        self.release(n)
        for _ in range(n):
            assert self._written.acquire(timeout=DEADLOCK)

    def release(self, n: int = 1) -> None:
        """Let it write."""
        if n:
            self._wanted.release(n)


@contextmanager
def stepping(live: LiveArray, n: int = 0) -> Iterator[tuple[Run, Stepper]]:
    """Run that has written n iterations and waits; it ends with the block."""
    stepper = Stepper()
    started = run(stepper, live)
    stepper.step(n)
    try:
        yield started, stepper
    finally:
        started.cancel()
        stepper.release(len(live))
        wait_for_end(started)


def wait_for_end(started: Run) -> None:
    """Wait until it has ended, in whatever way."""
    started.wait(DEADLOCK)
    assert started.done


def ended(compute: Callable[[LiveArray], Any], live: LiveArray | None = None) -> Run:
    """Run that has ended."""
    started = run(compute, small() if live is None else live)
    wait_for_end(started)
    return started


def fill(live: LiveArray) -> str:
    """Write all iterations."""
    for k in range(len(live)):
        live[k] = k
    return "all"


def fail(live: LiveArray) -> None:
    """Raise after three iterations."""
    live[:3] = 1
    raise ValueError("no such layer")


def bar(shown: Progress) -> tuple[int, int, str]:
    """Value, maximum and style of the bar."""
    [found] = parts(shown, ipywidgets.IntProgress)
    return found.value, found.max, found.bar_style


def button(shown: Progress) -> Any:
    """Button that cancels."""
    [found] = parts(shown, ipywidgets.Button)
    return found


def texts(shown: Progress) -> list[str]:
    """Text beside the bar, and that of the error if there is one."""
    return [html.unescape(re.sub("<[^>]*>", "", p.value)) for p in parts(shown, ipywidgets.HTML)]


def threads(name: str) -> list[threading.Thread]:
    """Threads of ours that have not ended."""
    return [thread for thread in threading.enumerate() if thread.name == f"heatwidget-{name}"]


def wait_for_threads() -> None:
    """Wait until no thread of ours is left."""
    for thread in threads("run") + threads("progress"):
        thread.join(DEADLOCK)
        assert not thread.is_alive()


# How it ends


def test_wait_tells_how_it_ended() -> None:
    """True only with a result; and it raises what went wrong where that is asked."""
    finished, failed = ended(fill), ended(fail)
    assert finished.wait() is finished.wait(check=True) is True
    assert failed.wait() is False
    with pytest.raises(ValueError, match="no such layer"):
        failed.wait(check=True)
    with pytest.raises(ValueError, match="no such layer"):
        failed.wait(0, check=True)
    with stepping(small(), 1) as (started, stepper):
        assert started.wait(0) is False
        with pytest.raises(TimeoutError, match=r"still running after 0 s: <Run Stepper running, 1"):
            started.wait(0, check=True)
        started.cancel()
        stepper.release()
        assert started.wait(DEADLOCK) is False
        with pytest.raises(Cancelled):
            started.wait(check=True)
    assert (finished.state, failed.state, started.state) == ("finished", "failed", "cancelled")


def test_a_run_does_not_wait_for_itself() -> None:
    own: list[Run] = []
    go = threading.Event()
    started = run(lambda live: go.wait(DEADLOCK) and own[0].wait(), small())
    own.append(started)
    go.set()
    with pytest.raises(RuntimeError, match=r"wait\(\) inside the run that it waits for"):
        started.wait(DEADLOCK, check=True)


def test_returns_at_once_and_keeps_what_is_returned() -> None:
    live = small()
    with stepping(live, 3) as (started, stepper):
        assert (started.state, started.done, started.cancelled) == ("running", False, False)
        assert (started.result, started.error) == (None, None)
        assert started.live is live
        assert not started.wait(0)
        assert repr(started) == "<Run Stepper running, 3 of 10 iterations>"
        stepper.step(7)
        wait_for_end(started)
    assert (started.state, started.done, started.cancelled) == ("finished", True, False)
    assert (started.result, started.error) == ("all", None)
    assert live.written.all()
    assert repr(started) == "<Run Stepper finished, 10 of 10 iterations>"
    assert started.seconds == started.seconds


def test_error_is_kept_and_begins_in_the_users_own_code(caplog: pytest.LogCaptureFixture) -> None:
    started = ended(fail)
    assert (started.state, started.done, started.cancelled) == ("failed", True, False)
    assert isinstance(started.error, ValueError)
    assert started.error.__traceback__ is not None
    assert started.error.__traceback__.tb_frame.f_code is fail.__code__
    [record] = caplog.records
    assert (record.name, record.levelno) == ("heatwidget", logging.ERROR)
    assert "no such layer" in caplog.text
    assert "in fail" in caplog.text


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_errors_of_any_kind_end_it(error: BaseException) -> None:
    def compute(live: LiveArray) -> None:
        raise error

    assert ended(compute).error is error
    assert runs() == []


@pytest.mark.parametrize(
    ("displayed", "closed", "logged"),
    [(True, False, False), (True, True, True), (False, False, True), (False, True, True)],
)
def test_error_is_logged_unless_a_page_shows_it(
    caplog: pytest.LogCaptureFixture, displayed: bool, closed: bool, logged: bool
) -> None:
    go = threading.Event()
    started = run(lambda live: go.wait(DEADLOCK) and fail(live), small())
    shown = started.progress
    if displayed:
        display(shown)
    if closed:
        shown.close()
    go.set()
    wait_for_end(started)
    assert len(caplog.records) == logged


@pytest.mark.usefixtures("by_hand")
def test_error_is_logged_where_it_cannot_be_shown(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the run has ended all the same; what went wrong on the page is not hidden either."""
    go, raised = threading.Event(), []
    monkeypatch.setattr(threading, "excepthook", lambda found: raised.append(found.exc_value))
    started = run(lambda live: go.wait(DEADLOCK) and fail(live), small())
    display(started.progress)
    monkeypatch.setattr(progress, "error_html", broken)
    go.set()
    wait_for_end(started)
    assert "no such layer" in caplog.text
    started.progress.close()
    wait_for_threads()
    assert [str(error) for error in raised] == ["no page"]


def display(shown: Progress) -> None:
    """Let IPython show a widget, as the last line of a cell does."""
    data, _ = DisplayFormatter().format(shown)
    assert "application/vnd.jupyter.widget-view+json" in data


def broken(*_: Any) -> str:
    """Stand in for what draws, on a page that has gone."""
    raise OSError("no page")


def test_wait_in_many_threads() -> None:
    with stepping(small(), 1) as (started, stepper):
        waited: list[bool] = []
        waits = [lambda: waited.append(started.wait(DEADLOCK))] * 3
        together([*waits, lambda: stepper.step(9)])
        assert waited == [True] * 3
    assert started.wait(0)


def test_wait_lets_an_interrupt_through() -> None:
    """In a process of its own: the signal goes to the main thread, which waits there."""
    code = """
        import os, signal, threading
        from heatwidget.arrays import LiveArray
        from heatwidget.widgets.run import run

        # Whoever starts the tests in the background makes them ignore it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        go, interrupted = threading.Event(), threading.Event()

        def compute(live):
            go.wait()
            # Again, as a user would: Python loses one that comes right before it waits.
            os.kill(os.getpid(), signal.SIGINT)
            while not interrupted.wait(5):
                os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait()

        started = run(compute, LiveArray({"iteration": 2, "token": 2}))
        try:
            go.set()
            started.wait()
        except KeyboardInterrupt:
            interrupted.set()
            print("interrupted", started)
        """
    # It also ends although the run never does.
    assert script(code) == "interrupted <Run compute running, 0 of 2 iterations>\n"


def test_interpreter_ends_although_a_run_and_its_progress_have_not() -> None:
    code = """
        import threading
        from heatwidget.arrays import LiveArray
        from heatwidget.widgets.run import run

        never = threading.Event()
        started = run(lambda live: never.wait(), LiveArray({"iteration": 2, "token": 2}))
        print(started.progress.closed)
        """
    assert script(code) == "False\n"


def script(code: str) -> str:
    """What code prints in a process of its own."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_nothing_is_kept_of_a_run_that_nobody_has() -> None:
    """Not even where a page still shows how it went."""

    class Model:
        def __call__(self, live: LiveArray) -> Model:
            fill(live)
            return self

    model, live = Model(), small()
    started = ended(model, live)
    shown = started.progress
    gone = [weakref.ref(each) for each in (model, live, started)]
    del model, live, started
    wait_for_threads()
    gc.collect()
    assert [each() for each in gone] == [None] * 3
    button(shown).click()
    assert texts(shown)[0].startswith("finished: 10 of 10 iterations")


def test_sees_the_context_of_its_caller() -> None:
    variable = ContextVar("variable", default="not set")
    variable.set("set")
    assert ended(lambda live: variable.get()).result == "set"


# What is refused


async def awaits(live: LiveArray) -> None: ...


def yields(live: LiveArray) -> Iterator[None]:
    yield


@pytest.mark.parametrize(
    ("compute", "match"),
    [
        (3, "compute must be a function of the array, got 3"),
        (small(), "compute must be a function of the array, got <LiveArray"),
        (lambda: None, "compute must take the array alone, got .*: too many positional"),
        (lambda a, b: None, "compute must take the array alone, got .*: missing .* 'b'"),
        (lambda *, live: None, "compute must take the array alone"),
        (functools.partial(fill, small()), "compute must take the array alone"),
        (awaits, "compute must neither await nor yield, got <function awaits"),
        (functools.partial(awaits), "compute must neither await nor yield"),
        (yields, "compute must neither await nor yield, got <function yields"),
    ],
)
def test_computations_that_cannot_run(compute: Any, match: str) -> None:
    with pytest.raises(TypeError, match=match):
        run(compute, small())
    assert runs() == []


class Awaits:
    async def __call__(self, live: LiveArray) -> None: ...


class Yields:
    def __call__(self, live: LiveArray) -> Iterator[None]:
        yield


class YieldsLater:
    async def __call__(self, live: LiveArray) -> AsyncIterator[None]:
        yield


class Later:
    def __await__(self) -> Iterator[None]:
        return iter(())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "compute",
    [
        lambda live: awaits(live),
        lambda live: yields(live),
        lambda live: (k for k in range(3)),
        lambda live: Later(),
        Awaits(),
        Yields(),
        YieldsLater(),
    ],
)
def test_computations_that_only_promise_to_run(compute: Any) -> None:
    """Known only by what they return; that they never ran is said once, as the error."""
    started = ended(compute)
    gc.collect()
    assert (started.state, started.result) == ("failed", None)
    match = r"compute must neither await nor yield, got <"
    with pytest.raises(TypeError, match=match):
        raise started.error or AssertionError


class Wide:
    def __call__(self) -> None: ...

    def __repr__(self) -> str:
        return "Wide\n" * 10**5


@pytest.mark.parametrize("compute", [[0] * 10**6, Wide()])
def test_refusals_are_short(compute: Any) -> None:
    with pytest.raises(TypeError, match="compute must") as caught:
        run(compute, small())
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("live", [None, np.zeros((3, 4))])
def test_only_live_arrays(live: Any) -> None:
    with pytest.raises(TypeError, match=r"live must be a LiveArray, got (NoneType|ndarray)"):
        run(fill, live)


class Filler:
    def fill(self, live: LiveArray, extra: int = 1) -> str:
        return fill(live)


@pytest.mark.parametrize(
    ("compute", "name"),
    [
        (lambda live, n=3: fill(live), "<lambda>"),
        (lambda *arguments: fill(*arguments), "<lambda>"),
        (functools.partial(Filler.fill, Filler(), extra=2), "partial"),
        (Filler().fill, "fill"),
    ],
)
def test_computations_of_any_kind(compute: Any, name: str) -> None:
    started = ended(compute)
    assert started.result == "all"
    assert repr(started).startswith(f"<Run {name} finished")


def test_built_in_functions_whose_arguments_cannot_be_known() -> None:
    assert isinstance(ended(max).error, ValueError)


# Cancel


def test_cancel_comes_at_the_next_write_and_past_any_except_exception() -> None:
    live, go, tried = small(), threading.Event(), []

    def compute(live: LiveArray) -> None:
        live[0] = 0
        go.set()
        for k in range(1, N):
            with suppress(Exception):
                assert stop.wait(DEADLOCK)
                tried.append(k)
                live[k] = k

    stop = threading.Event()
    started = run(compute, live)
    assert go.wait(DEADLOCK)
    started.cancel()
    assert started.state == "cancelling"
    assert repr(started) == "<Run compute cancelling, 1 of 10 iterations>"
    stop.set()
    wait_for_end(started)
    assert (started.state, started.cancelled, started.done) == ("cancelled", True, True)
    assert (started.error, started.result) == (None, None)
    assert (tried, live.n_written) == ([1], 4)


def test_cancel_before_the_first_write() -> None:
    with stepping(small()) as (started, stepper):
        started.cancel()
        started.cancel()
        stepper.release()
        wait_for_end(started)
        assert started.cancelled
        assert started.live.n_written == 0


@pytest.mark.parametrize("write", ["append", "other"])
def test_cancel_stops_any_write(write: str) -> None:
    go, other = threading.Event(), small()

    def compute(live: LiveArray) -> None:
        assert go.wait(DEADLOCK)
        if write == "append":
            live.append(1)
        else:
            other[0] = 1

    started = run(compute, small())
    started.cancel()
    go.set()
    wait_for_end(started)
    assert started.cancelled
    assert started.live.n_written == other.n_written == 0


def test_a_run_that_writes_no_more_cannot_be_cancelled() -> None:
    go = threading.Event()

    def compute(live: LiveArray) -> int:
        live[0] = 1
        assert go.wait(DEADLOCK)
        return 5

    started = run(compute, small())
    started.cancel()
    assert not started.wait(0.01)
    assert (started.state, started.done) == ("cancelling", False)
    go.set()
    wait_for_end(started)
    assert (started.state, started.cancelled, started.result) == ("finished", False, 5)
    started.cancel()
    assert started.state == "finished"


def test_cleaning_up_after_a_cancel() -> None:
    """A write on the way out is refused again; an error there is an error."""

    def compute(live: LiveArray) -> None:
        started.cancel()
        try:
            live[0] = 0
        except Cancelled:
            with pytest.raises(Cancelled, match="the run was cancelled"):
                live[1] = 1
            raise OSError("disk full") from None

    waiting = threading.Event()
    started = run(lambda live: waiting.wait(DEADLOCK) and compute(live), small())
    waiting.set()
    wait_for_end(started)
    assert (started.state, started.cancelled) == ("failed", False)
    assert isinstance(started.error, OSError)


def test_a_computation_may_cancel_itself() -> None:
    def compute(live: LiveArray) -> None:
        live[0] = 0
        raise Cancelled

    started = ended(compute)
    assert (started.state, started.cancelled, started.error) == ("cancelled", True, None)


def test_writes_of_others_are_not_hit() -> None:
    live = small()
    with stepping(live, 2) as (started, stepper):
        started.cancel()
        live[5] = 5
        together([lambda: live.__setitem__(6, 6)])
        stepper.release()
        wait_for_end(started)
    assert np.flatnonzero(live.written[:, 0]).tolist() == [0, 1, 5, 6]
    live.append(7)


def test_a_run_inside_a_run_is_cancelled_on_its_own() -> None:
    inner, go = small(), threading.Event()
    begun: list[Run] = []

    def compute(live: LiveArray) -> None:
        begun.append(run(lambda live: go.wait(DEADLOCK) and fill(live), inner))
        ready.set()
        assert go.wait(DEADLOCK)
        live[0] = 0

    ready = threading.Event()
    started = run(compute, small())
    assert ready.wait(DEADLOCK)
    started.cancel()
    go.set()
    wait_for_end(started)
    wait_for_end(begun[0])
    assert started.cancelled
    assert begun[0].result == "all"


def test_cancel_reaches_asyncio_and_its_threads() -> None:
    def compute(live: LiveArray) -> None:
        async def main() -> None:
            await asyncio.to_thread(live.__setitem__, 0, 1)
            started.cancel()
            await asyncio.to_thread(live.__setitem__, 1, 1)

        assert waiting.wait(DEADLOCK)
        asyncio.run(main())

    waiting = threading.Event()
    started = run(compute, small())
    waiting.set()
    wait_for_end(started)
    assert started.cancelled
    assert started.live.n_written == 4


# One at a time


def test_one_at_a_time_per_array() -> None:
    live = small()
    with stepping(live, 2) as (started, stepper):
        assert runs() == [started]
        running = "live is being filled by <Run Stepper running, 2 of 10 iterations>: cancel"
        with pytest.raises(RuntimeError, match=running):
            run(fill, live)
        assert ended(fill, small()).result == "all"
        started.cancel()
        with pytest.raises(RuntimeError, match=r"cancelling.* it ends at its next write: wait"):
            run(fill, live)
        stepper.release()
        wait_for_end(started)
        assert runs() == []
        assert ended(fill, live).result == "all"


def test_together_on_request() -> None:
    live = small()
    with stepping(live, 2) as (started, _):
        second = run(fill, live, together=True)
        assert second.wait(DEADLOCK)
        assert runs() == [started]
        assert live.written.all()


def test_only_one_of_many_that_start_at_once() -> None:
    live, go = small(), threading.Event()
    outcomes: list[str] = []

    def start() -> None:
        try:
            run(lambda live: go.wait(DEADLOCK), live)
        except RuntimeError as error:
            outcomes.append(type(error).__name__)
        else:
            outcomes.append("started")

    together([start] * 8)
    [only] = runs()
    go.set()
    assert only.wait(DEADLOCK)
    assert sorted(outcomes) == ["RuntimeError"] * 7 + ["started"]


def test_done_means_that_another_may_start() -> None:
    live = small()
    for _ in range(200):
        assert run(fill, live).wait(DEADLOCK)
    wait_for_threads()


# Pace


class Times:
    """Stands in for a live array: when each iteration was written."""

    def __init__(self, *written_at: float, dims: tuple[str, ...] = ("iteration", "token")) -> None:
        self.written_at, self.dims = np.array(written_at), dims


@pytest.mark.parametrize(
    ("written_at", "now", "reached", "each", "left"),
    [
        ((0, 0, 0, 0), 20, 0, None, 0),
        ((14, 0, 0, 0), 15, 1, 4, 11),
        # From the first one on, which took longer.
        ((14, 15, 0, 0), 15.25, 2, 1, 1.75),
        ((14, 15, 16, 17), 30, 4, 1, 0),
        # It takes its time: no more than one iteration is taken for done.
        ((14, 15, 0, 0), 99, 2, 1, 1),
        # All at once, block by block, in any order.
        ((14, 14, 0, 0), 14, 2, 2, 4),
        ((0, 16, 15, 14), 16, 3, 1, 1),
        # Written before: they count where this run goes on after them, not where it is again.
        ((5, 6, 0, 0), 11, 0, None, 0),
        ((5, 6, 14, 0), 14, 3, 4, 4),
        ((14, 15, 8, 9), 15, 2, 1, 2),
    ],
)
def test_pace(
    written_at: tuple[float, ...], now: float, reached: int, each: float | None, left: float
) -> None:
    found = measure(Times(*written_at), 10, now, room=4)
    assert (found.n_reached, found.n, found.each, found.left) == (reached, 4, each, left)


@given(st.lists(st.floats(0, 20), min_size=1, max_size=20), st.floats(0, 10))
def test_pace_is_never_absurd(written_at: list[float], late: float) -> None:
    n = len(written_at)
    found = measure(Times(*written_at), 5, max(written_at) + late, room=n)
    assert 0 <= found.n_reached <= n == found.n
    assert (found.each is None) == (found.n_reached == 0)
    assert 0 <= found.left <= n * (found.each or 0)


@pytest.mark.parametrize(
    ("dims", "text"),
    [
        ({"iteration": 5, "token": 3}, "1 of 5 iterations"),
        ({"token": 3, "iteration": 5}, "5 of 5 iterations"),
        ({"layer": 4, "iteration": 5, "token": 3}, "5 of 5 iterations"),
        ({"iteration": 5, "layer": 4, "prompt": 3}, "1 of 5 iterations"),
        ({"layer": 4, "token": 3}, "1 of 4 layers"),
        ({"prompt": 4, "layer": 3}, "1 of 4 prompts"),
    ],
)
def test_what_is_counted(dims: dict[str, int], text: str) -> None:
    live = LiveArray(dims)
    live[0] = 1
    assert str(measure(live, 1e-9, 1, room=live.written_at.size)) == text


def append(n: int) -> Callable[[LiveArray], None]:
    """Computation that appends so many iterations."""

    def compute(live: LiveArray) -> None:
        for k in range(n):
            live.append(k)

    return compute


@pytest.mark.parametrize(
    ("n", "text", "reached"),
    [
        (1, "1 of 2 iterations", (1, 2, "success")),
        (2, "2 of 2 iterations", (2, 2, "success")),
        (3, "3 iterations", (3, 3, "success")),
        (5, "5 iterations", (5, 5, "success")),
    ],
)
def test_array_that_grows(n: int, text: str, reached: tuple[int, int, str]) -> None:
    """What it has doubled its room to is nobody's goal."""
    started = ended(append(n), LiveArray({"iteration": 2, "token": 3}))
    assert str(started.pace) == text
    shown = started.progress
    assert texts(shown)[0].startswith(f"finished: {text} · ")
    assert bar(shown) == reached


@pytest.mark.usefixtures("by_hand")
def test_array_that_grows_while_it_is_watched() -> None:
    live = small()
    with stepping(live, 2) as (started, stepper):
        shown = started.progress
        live.enlarge(iteration=20)
        shown.draw()
        assert re.fullmatch(r"2 iterations · [\d.]+ m?s each", texts(shown)[0])
        assert bar(shown) == (2, 2, "info")
        stepper.step()
        shown.draw()
        assert bar(shown) == (3, 3, "info")


def test_array_that_has_grown_before() -> None:
    """Its room is what the next run may fill."""
    live = LiveArray({"iteration": 2, "token": 3})
    ended(append(5), live)
    assert str(ended(append(1), live).pace) == "6 of 8 iterations"


@pytest.mark.usefixtures("by_hand")
def test_no_goal_and_nothing_written() -> None:
    with stepping(small()) as (started, _):
        started.live.enlarge(iteration=20)
        assert str(started.pace) == "0 iterations"
        assert bar(started.progress) == (0, 1, "info")


def test_one_is_no_plural() -> None:
    assert str(Pace("iteration", 1, None, 1, 0)) == "1 iteration"


def test_what_was_there_counts_from_the_first_write_on() -> None:
    """Before, nobody knows whether the run goes on after it or does it again."""
    live = small()
    live[:5] = 1
    assert str(ended(lambda live: None, live).pace) == "0 of 10 iterations"
    assert str(ended(append(1), live).pace) == "6 of 10 iterations"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0012, "1.2 ms"),
        (0.0994, "99 ms"),
        (0.0996, "0.1 s"),
        (0.12, "0.12 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (119.4, "119 s"),
        (119.6, "2 min 0 s"),
        (3725, "62 min 5 s"),
        (7200, "2 h 0 min"),
        (90061, "25 h 1 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("state", "reached", "each", "left", "seconds", "text"),
    [
        ("running", 0, None, 0, 0.9, "0 of 65 iterations"),
        ("running", 0, None, 0, 12.9, "0 of 65 iterations · 12 s so far"),
        ("running", 23, 0.12, 4.98, 3, "23 of 65 iterations · 0.12 s each · 5 s left"),
        ("running", 1, 61.2, 3900.1, 3, "1 of 65 iterations · 61 s each · 65 min 1 s left"),
        ("running", 65, 0.12, 0, 9, "65 of 65 iterations · 0.12 s each"),
        ("cancelling", 0, None, 0, 9, "cancelling at its next write · 0 of 65 iterations"),
        ("cancelled", 23, 0.12, 5, 3, "cancelled after 23 of 65 iterations"),
        ("failed", 0, None, 0, 3, "failed after 0 of 65 iterations"),
        (
            "finished",
            65,
            2,
            0,
            130.4,
            "finished: 65 of 65 iterations · 2 s each · 2 min 10 s in all",
        ),
        ("finished", 0, None, 0, 0.001, "finished: 0 of 65 iterations · 1 ms in all"),
    ],
)
def test_text_beside_the_bar(
    state: str, reached: int, each: float | None, left: float, seconds: float, text: str
) -> None:
    found = Pace("iteration", reached, 65, each, left)
    assert progress._describe(state, found, seconds) == text


@pytest.mark.parametrize(
    ("each", "since", "text"),
    [
        (0.001, 2.9, "1 s left"),
        (0.001, 12.7, "12 s since the last"),
        (60, 500, "5 s left"),
        (60, 700, "11 min 40 s since the last"),
    ],
)
def test_text_while_nothing_comes(each: float, since: float, text: str) -> None:
    """What is left is told only as long as it goes on like this."""
    found = Pace("iteration", 23, 65, each, 4.98 if each > 1 else 0.0, since)
    shown = progress._describe("running", found, 900)
    assert shown.endswith(text)


# The widget


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a progress widget draw at its making, at the end and when told, and no more."""
    monkeypatch.setattr(progress, "_INTERVAL", DEADLOCK)


@pytest.mark.usefixtures("by_hand")
def test_progress_from_start_to_end() -> None:
    with stepping(small()) as (started, stepper):
        shown = started.progress
        assert started.progress is shown
        assert bar(shown) == (0, 10, "info")
        assert texts(shown) == ["0 of 10 iterations"]
        stepper.step(3)
        shown.draw()
        assert bar(shown) == (3, 10, "info")
        [text] = texts(shown)
        assert re.fullmatch(r"3 of 10 iterations · [\d.]+ m?s each · 1 s left", text)
        assert not button(shown).disabled
        stepper.step(7)
        wait_for_end(started)
        assert bar(shown) == (10, 10, "success")
        [text] = texts(shown)
        pattern = r"finished: 10 of 10 iterations · [\d.]+ m?s each · [\d.]+ m?s in all"
        assert re.fullmatch(pattern, text)
        assert button(shown).disabled
    assert started.progress is shown


@pytest.mark.usefixtures("by_hand")
def test_cancel_button() -> None:
    with stepping(small(), 3) as (started, stepper):
        shown = started.progress
        button(shown).click()
        assert started.state == "cancelling"
        shown.draw()
        assert texts(shown) == ["cancelling at its next write · 3 of 10 iterations"]
        assert bar(shown) == (3, 10, "warning")
        stepper.release()
        wait_for_end(started)
        assert texts(shown) == ["cancelled after 3 of 10 iterations"]
        assert bar(shown) == (3, 10, "warning")
        assert button(shown).disabled
        assert started.live.n_written == 12


def test_progress_made_after_the_end() -> None:
    for compute, text, style in (
        (fill, "finished: 10 of 10 iterations", "success"),
        (fail, "failed after 3 of 10 iterations", "danger"),
    ):
        shown = ended(compute).progress
        assert texts(shown)[0].startswith(text)
        assert bar(shown)[2] == style
        assert button(shown).disabled
        assert threads("progress") == []


def test_progress_follows_on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the last write before a long wait, and growth."""
    monkeypatch.setattr(progress, "_INTERVAL", 0.001)
    with stepping(small()) as (started, stepper):
        seen: dict[int, threading.Event] = {k: threading.Event() for k in (2, 3)}
        [found] = parts(started.progress, ipywidgets.IntProgress)
        found.observe(lambda change: seen.get(change["new"], threading.Event()).set(), "value")
        for k in (2, 1):
            stepper.step(k)
            assert seen[2 if k == 2 else 3].wait(DEADLOCK)
        assert len(threads("progress")) == 1
    wait_for_threads()


def test_few_messages_however_many_writes(recorder: Recorder) -> None:
    """And none to the button before the end."""
    live = LiveArray({"iteration": 20_000, "token": 2})
    started = run(fill, live)
    shown = started.progress
    made = button(shown).model_id
    recorder.clear()
    wait_for_end(started)
    sent = [message for message in recorder.take() if message.kind == "update"]
    # A look each interval, and the last.
    most = started.seconds / progress._INTERVAL + 1
    assert sum(message.widget == "HTML" for message in sent) <= most
    assert sum(message.widget == "IntProgress" for message in sent) <= most
    assert [message.keys for message in sent if message.model_id == made] == [("disabled",)]
    assert bar(shown) == (20_000, 20_000, "success")


@pytest.mark.usefixtures("by_hand")
def test_a_look_at_what_has_not_changed_sends_nothing(recorder: Recorder) -> None:
    with stepping(small()) as (started, _):
        shown = started.progress
        recorder.clear()
        shown.draw()
        assert recorder.take() == []


def test_close_ends_the_thread_and_not_the_run(recorder: Recorder) -> None:
    before = live_widgets()
    with stepping(small(), 2) as (started, stepper):
        shown = started.progress
        shown.close()
        shown.close()
        for thread in threads("progress"):
            thread.join(DEADLOCK)
        assert live_widgets() == before
        recorder.clear()
        shown.draw()
        stepper.step(8)
        wait_for_end(started)
        assert recorder.take() == []
        assert started.result == "all"
        again = started.progress
        assert again is not shown
        assert bar(again) == (10, 10, "success")
        again.close()
    assert live_widgets() == before


def test_thread_ends_with_a_run_that_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one whose end could not be drawn does."""
    monkeypatch.setattr(progress, "_INTERVAL", 0.001)

    class Gone:
        state, seconds = "running", 1.0
        pace = Pace("iteration", 1, 2, 1, 1)

    shown = Progress(Gone())
    wait_for_threads()
    assert texts(shown)[0].startswith("1 of 2 iterations")


def test_close_after_an_error_leaves_no_widget() -> None:
    before = live_widgets()
    shown = ended(fail).progress
    assert len(texts(shown)) == 2
    shown.close()
    assert live_widgets() == before


@pytest.mark.parametrize("compute", [fill, fail])
def test_progress_asked_for_while_the_run_ends(compute: Callable[[LiveArray], Any]) -> None:
    """Whichever comes first, the end is shown."""
    for _ in range(30):
        started = run(compute, small())
        shown = started.progress
        wait_for_end(started)
        assert texts(shown)[0].startswith(started.state)
        assert button(shown).disabled
    wait_for_threads()


# The error on the page


def page_of(error: BaseException) -> str:
    """HTML that shows an error that a run has raised."""

    def compute(live: LiveArray) -> None:
        raise error

    shown = ended(compute).progress
    return str(parts(shown, ipywidgets.HTML)[-1].value)


def test_error_stands_below_with_its_traceback() -> None:
    shown = ended(fail).progress
    progress_text, error_text = texts(shown)
    assert progress_text == "failed after 3 of 10 iterations"
    assert error_text.startswith("ValueError: no such layerTraceback (most recent call last)")
    assert error_text.endswith("ValueError: no such layer")
    assert 'raise ValueError("no such layer")' in error_text
    assert Path(__file__).name in error_text
    assert "run.py" not in error_text.replace(Path(__file__).name, "")


class Nasty(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ValueError("<img src=x onerror=alert(1)></pre>"), "<img src=x onerror=alert(1)></pre>"),
        (ValueError("cost $x$ \\(y\\)"), "cost $x$ \\(y\\)"),
        (ValueError("half \ud83d"), "half \\ud83d"),
        (ValueError("two\nlines"), "two\nlines"),
        (Nasty(), "Nasty: <exception str() failed>"),
        (SystemExit(), "SystemExit"),
    ],
)
def test_hostile_errors(error: BaseException, shown: str) -> None:
    page = page_of(error)
    tags = re.findall("<(/?[a-z]+)", page)
    assert set(tags) <= {"b", "/b", "pre", "/pre", "span", "/span"}
    assert (tags.count("pre"), tags.count("/pre")) == (1, 1)
    assert re.sub(r"<span>(\$|\\)</span>", "", page).count("$") == 0
    assert shown in html.unescape(re.sub("</?[a-z][^>]*>", "", page))


def test_a_long_error_is_cut_in_its_middle() -> None:
    page = page_of(ValueError("begin" + "x" * 10**6 + "end"))
    assert len(page) < 25_000
    message = page[: page.index("</b>")]
    assert "ValueError: begin" in message
    assert message.endswith("end")
