"""When to draw: one thread for each widget, and the latest request wins."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from threading import Condition, Thread, current_thread
from time import monotonic
from typing import Protocol
from weakref import WeakMethod

# Seconds that closing waits for a drawing under way: an observer of it may wait for us.
_PATIENCE = 2.0

_LOG = logging.getLogger(__name__)


class Scheduler(Protocol):
    """Draws some time after it was asked to, on whichever thread.

    At most once in `interval` seconds and at most half of the time, and always once more
    after the last request. Who draws tells its user what went wrong; an error that comes as
    far as here is only logged, because it may know of no one else, and keeping it would keep
    alive all that its traceback reaches.
    """

    interval: float

    def request(self) -> None:
        """Ask for a drawing, from any thread; returns at once."""
        ...

    def flush(self) -> None:
        """Draw now, in this thread."""
        ...

    def close(self, *, wait: bool = True) -> None:
        """Draw no more, and end what runs. Twice does no harm."""
        ...


def make_scheduler(draw: Callable[[], None], interval: float) -> Scheduler:
    """Scheduler for a bound method, whose object is held weakly."""
    # Python in the browser has no threads.
    kind = InlineScheduler if sys.platform == "emscripten" else ThreadScheduler
    return kind(draw, interval)


class ThreadScheduler:
    """Draws in a daemon thread of its own, which starts with the first request.

    A plain thread draws while a cell keeps the kernel's own loop busy. It ends with
    `close`, or when the object that draws is gone.

    Parameters
    ----------
    draw : bound method
        Its object is held weakly.
    interval : float
        Seconds between drawings, at least.
    """

    def __init__(self, draw: Callable[[], None], interval: float) -> None:
        self.interval = interval
        self._draw = WeakMethod(draw, lambda _: self.close(wait=False))
        # Reentrant, because the garbage collector may close it inside a request.
        self._changed = Condition()
        self._wanted = self._closed = False
        self._thread: Thread | None = None

    def request(self) -> None:
        """Ask for a drawing, from any thread; returns at once."""
        # What a producer pays for most of its writes: one look, and no lock.
        if self._wanted:
            return
        with self._changed:
            if self._closed:
                return
            self._wanted = True
            if self._thread is None:
                self._thread = Thread(target=self._run, name="heatwidget-draw", daemon=True)
                self._thread.start()
            self._changed.notify()

    def flush(self) -> None:
        """Draw now, in this thread; it raises what the drawing raises."""
        self._wanted = False
        draw = self._draw()
        if draw is not None:
            draw()

    def close(self, *, wait: bool = True) -> None:
        """Draw no more, and end the thread. Twice does no harm."""
        with self._changed:
            self._closed, thread = True, self._thread
            self._changed.notify()
        if wait and thread is not None and thread is not current_thread():
            thread.join(_PATIENCE)

    def _run(self) -> None:
        earliest = 0.0
        while self._next(earliest):
            began = monotonic()
            _call(self._draw())
            earliest = began + max(self.interval, 2 * (monotonic() - began))

    def _next(self, earliest: float) -> bool:
        """Wait until it is time to draw; False at the end."""
        with self._changed:
            while not self._closed:
                rest = earliest - monotonic()
                if self._wanted and rest <= 0:
                    # Before drawing: a write that comes meanwhile asks again.
                    self._wanted = False
                    return True
                self._changed.wait(rest if self._wanted else None)
        return False


class InlineScheduler:
    """Draws in the thread that asks; the last request, if too early, in its event loop.

    Parameters
    ----------
    draw : bound method
        Its object is held weakly.
    interval : float
        Seconds between drawings, at least.
    """

    def __init__(self, draw: Callable[[], None], interval: float) -> None:
        self.interval = interval
        self._draw = WeakMethod(draw)
        self._earliest = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._drawing = self._closed = False

    def request(self) -> None:
        """Ask for a drawing; it is done before this returns, or soon."""
        if self._closed or self._timer is not None:
            return
        rest = self._earliest - monotonic()
        if self._drawing or rest > 0:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                # Nobody would draw it later.
                rest = 0
            else:
                self._timer = loop.call_later(max(rest, 0), self._late)
                return
        if not self._drawing:
            self._now()

    def flush(self) -> None:
        """Draw now; it raises what the drawing raises."""
        draw = self._draw()
        if draw is not None:
            draw()

    def close(self, *, wait: bool = True) -> None:
        """Draw no more. Twice does no harm."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def _late(self) -> None:
        self._timer = None
        self._now()

    def _now(self) -> None:
        began, self._drawing = monotonic(), True
        try:
            _call(self._draw())
        finally:
            self._drawing = False
            self._earliest = began + max(self.interval, 2 * (monotonic() - began))


def _call(draw: Callable[[], None] | None) -> None:
    if draw is not None:
        try:
            draw()
        except Exception:
            _LOG.exception("drawing failed")
