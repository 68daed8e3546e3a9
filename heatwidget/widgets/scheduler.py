"""When to draw: one thread for each widget, and the latest request wins."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from math import inf
from threading import Condition, Lock, Thread, current_thread
from time import monotonic
from typing import Protocol
from weakref import WeakMethod

# Seconds that closing waits for a drawing under way: an observer of it may wait for us.
_PATIENCE = 2.0
# Seconds between two looks at whether another widget has been drawn.
_LOOK = 0.005

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

    def close(self, *, wait: bool = True) -> None:
        """Draw no more, and end what runs. Twice does no harm."""
        ...


def make_scheduler(draw: Callable[[], None], interval: float) -> Scheduler:
    """Scheduler for a bound method, whose object is held weakly."""
    # Python in the browser has no threads.
    kind = InlineScheduler if sys.platform == "emscripten" else ThreadScheduler
    return kind(draw, interval)


class _Turn:
    """Whose turn it is to draw: one thread at a time, and all rest as long as it has taken.

    Shared by all widgets, or twenty of them would leave the model no time, each within its
    own half.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken, self._rest_until = False, 0.0

    def take(self) -> float:
        """Take the turn, and return 0; else seconds after which to try again."""
        with self._lock:
            rest = self._rest_until - monotonic()
            if self._taken or rest > 0:
                return max(rest, _LOOK)
            self._taken = True
        return 0.0

    def give(self, seconds: float) -> None:
        """Give it back after a drawing that took so long."""
        with self._lock:
            self._taken, self._rest_until = False, monotonic() + seconds


_turn = _Turn()


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
        self._interval = interval
        self._draw = WeakMethod(draw, lambda _: self.close(wait=False))
        # Reentrant, because the garbage collector may close it inside a request.
        self._changed = Condition()
        self._wanted = self._closed = False
        self._began = -inf
        self._thread: Thread | None = None
        self._log = _Log()

    @property
    def interval(self) -> float:
        """Seconds between drawings, at least. A new one holds at once."""
        return self._interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        with self._changed:
            self._interval = seconds
            self._changed.notify()

    def request(self) -> None:
        """Ask for a drawing, from any thread; returns at once."""
        # What a producer pays for most of its writes: one look, and no lock.
        if self._wanted:
            return
        with self._changed:
            if self._closed:
                return
            if self._thread is None:
                thread = Thread(target=self._run, name="heatwidget-draw", daemon=True)
                thread.start()
                self._thread = thread
            self._wanted = True
            self._changed.notify()

    def close(self, *, wait: bool = True) -> None:
        """Draw no more, and end the thread. Twice does no harm."""
        if sys.is_finalizing():
            # Threads end wherever they are then, perhaps with the lock.
            return
        with self._changed:
            self._closed, thread = True, self._thread
            self._changed.notify()
        if wait and thread is not None and thread is not current_thread():
            thread.join(_PATIENCE)

    def _run(self) -> None:
        while self._next():
            self._began = monotonic()
            try:
                self._log.call(self._draw())
            finally:
                _turn.give(monotonic() - self._began)

    def _next(self) -> bool:
        """Wait until it is time to draw, and take the turn; False at the end."""
        with self._changed:
            while not self._closed:
                rest = self._began + self._interval - monotonic()
                if self._wanted and rest <= 0:
                    rest = _turn.take()
                    if rest == 0:
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
        self._log = _Log()
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
            # Without a loop nobody would draw it later.
            with suppress(RuntimeError):
                self._timer = asyncio.get_running_loop().call_later(max(rest, 0), self._late)
                return
        if not self._drawing:
            self._now()

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
            self._log.call(self._draw())
        finally:
            self._drawing = False
            self._earliest = began + max(self.interval, 2 * (monotonic() - began))


class _Log:
    """Calls what draws, and logs what it raises: once, until it raises something else."""

    def __init__(self) -> None:
        self._last = ""

    def call(self, draw: Callable[[], None] | None) -> None:
        """Call it, if it is still there."""
        error: Exception | None = None
        if draw is not None:
            try:
                draw()
            except Exception as raised:
                error = raised
        # Its text alone: the error would keep alive all that its traceback reaches.
        text = f"{type(error).__name__}: {error}" if error else ""
        if error and text != self._last:
            _LOG.error("drawing failed", exc_info=error)
        self._last = text
